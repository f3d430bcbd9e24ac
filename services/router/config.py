"""What the router can be told."""

from pydantic import Field, SecretStr

from chassis.settings import ServiceSettings


class RouterSettings(ServiceSettings):
    """The router's settings."""

    router_store_url: SecretStr = Field(
        SecretStr("sqlite:///.local/router/escalations.db"),
        description="Where escalations are stored: sqlite:///PATH or postgresql://USER:PASSWORD@HOST/DATABASE.",
    )
    router_cached_tickets: int = Field(
        5_000, ge=1, description="How many tickets of each partition the router keeps in memory."
    )
