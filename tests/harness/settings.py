"""Which real servers a run was given (what it was not given it starts itself), and how long it may take."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class HarnessSettings(BaseSettings):
    """Read from ESCALON_TEST_KAFKA (host:port), ESCALON_TEST_POSTGRES_URL (postgresql://user:password@host/db) and
    ESCALON_TEST_ROUNDS.
    """

    model_config = SettingsConfigDict(env_prefix="ESCALON_TEST_")

    kafka: str | None = None
    postgres_url: str | None = None
    rounds: int = Field(1, ge=1)
    """How often a fault test does what it does: once in `make test`, often in `make prove`."""
