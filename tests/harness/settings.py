"""Which real servers a run was given (what it was not given it starts itself), and how long it may take."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class HarnessSettings(BaseSettings):
    """Read from ESCALON_TEST_KAFKA (host:port), ESCALON_TEST_POSTGRES_URL (postgresql://user:password@host/db),
    ESCALON_TEST_ROUNDS and ESCALON_TEST_STORIES.
    """

    model_config = SettingsConfigDict(env_prefix="ESCALON_TEST_")

    kafka: str | None = None
    postgres_url: str | None = None
    rounds: int = Field(1, ge=1)
    """How often a fault test does what it does: once in `make test`, often in `make prove`."""
    stories: int | None = Field(None, ge=1)
    """How many random stories are played, other ones each time; None: a few, always the same."""
