"""What the auditor can be told."""

from pydantic import Field

from chassis.settings import ServiceSettings


class AuditorSettings(ServiceSettings):
    """Settings of the auditor."""

    auditor_tolerance_seconds: float = Field(
        300.0,
        ge=0,
        description="How long (real seconds) something may be wrong or unsaid before it counts; above the router's "
        "ESCALON_ROUTER_HOLD_LIMIT_SECONDS.",
    )
    auditor_interval_seconds: float = Field(
        10.0, gt=0, le=60, description="How often the record is compared with our own reckoning, in real seconds."
    )
