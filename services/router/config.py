"""What the router can be told."""

from pydantic import Field, SecretStr

from chassis.settings import ServiceSettings
from services.router.domain.findings import HOLD_LIMIT


class RouterSettings(ServiceSettings):
    """The router's settings."""

    router_store_url: SecretStr = Field(
        SecretStr("sqlite:///.local/router/escalations.db"),
        description="Where escalations are stored: sqlite:///PATH or postgresql://USER:PASSWORD@HOST/DATABASE.",
    )
    router_accept_empty_store: bool = Field(
        False,
        description="Begin with an empty store although `escalations.v1` is not empty: what it tells is forgotten.",
    )
    router_cached_tickets: int = Field(
        5_000, ge=1, description="How many open tickets of each partition the router keeps in memory."
    )
    router_hold_limit_seconds: float = Field(
        HOLD_LIMIT.total_seconds(),
        gt=0,
        description="How long a finding waits for what could refute it before it is recorded as unverified.",
    )
    router_stall_seconds: float = Field(
        30,
        gt=0,
        le=60,
        description="After how long without progress of the classifier the router says that the pipeline stalls.",
    )
