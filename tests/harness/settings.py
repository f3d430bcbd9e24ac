"""Which real servers a run was given; what it was not given it starts itself."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class HarnessSettings(BaseSettings):
    """Read from ESCALON_TEST_KAFKA (host:port) and ESCALON_TEST_POSTGRES_URL (postgresql://user:password@host/db)."""

    model_config = SettingsConfigDict(env_prefix="ESCALON_TEST_")

    kafka: str | None = None
    postgres_url: str | None = None
