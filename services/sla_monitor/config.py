"""What the sla_monitor can be told."""

from pathlib import Path

from pydantic import Field

from chassis.settings import ServiceSettings


class SlaMonitorSettings(ServiceSettings):
    """Settings of the sla_monitor."""

    sla_monitor_storage: Path = Field(
        Path(".local/sla_monitor"), description="Where the rows are kept between starts; a copy of the changelog."
    )
    sla_monitor_tick_seconds: float = Field(
        0.1, gt=0, le=5, description="After how long, at most, what fell due is looked for; real seconds."
    )
