"""What the notifier can be told."""

from pathlib import Path

from pydantic import AwareDatetime, Field, SecretStr

from chassis.settings import ServiceSettings
from services.notifier.adapters.slack import SlackSettings
from services.notifier.adapters.smtp import SmtpSettings
from services.notifier.adapters.zendesk import ZendeskSettings


class NotifierSettings(ServiceSettings):
    """The notifier's settings; each channel has its own beside it."""

    slack: SlackSettings = Field(description="Slack.")
    smtp: SmtpSettings = Field(description="E-mail.")
    zendesk: ZendeskSettings = Field(description="Zendesk.")
    shadow: bool = Field(
        False, description="Send everything to the local sink, whatever channels are configured: nobody is written to."
    )
    notifier_ledger_url: SecretStr = Field(
        SecretStr("sqlite:///.local/notifier/ledger.db"),
        description="Where notices are remembered: sqlite:///PATH or postgresql://USER:PASSWORD@HOST/DATABASE.",
    )
    notifier_sink_file: Path = Field(
        Path(".local/notifier/sink.jsonl"), description="Where the local sink keeps what it was sent, a JSON line each."
    )
    since: AwareDatetime | None = Field(
        None,
        description="On its very first start (no ledger yet) the notifier tells of what happened to escalations from "
        "this (real) instant on, e.g. 2026-06-02T08:00:00Z; from now on if unset. Later starts go on from the ledger.",
    )
    notifier_attempts: int = Field(12, ge=1, description="Attempts at a notice before it is given up.")
    notifier_ledger_days: int = Field(
        120,
        ge=1,
        description="How long (real time) the ledger keeps a notice after its outcome was published. Longer than the "
        "90 days that the router's inputs are kept, so that a router restored from a backup has nobody told twice.",
    )
    notifier_lanes: int = Field(
        32,
        ge=1,
        description="How many notices are sent at the same time in each way: Slack, "
        "incident channels, e-mail, helpdesk.",
    )
