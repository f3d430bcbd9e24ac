"""What the classifier can be told."""

from pydantic import AwareDatetime, Field

from chassis.settings import ServiceSettings


class ClassifierSettings(ServiceSettings):
    """The classifier's settings."""

    since: AwareDatetime | None = Field(
        None,
        description="On its very first start the classifier judges tickets that arrived from this (real) instant on, "
        "e.g. 2026-06-02T08:00:00Z; from now on if unset. Later starts go on where the last one was.",
    )
