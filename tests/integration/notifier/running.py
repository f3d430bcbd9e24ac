"""The notifier as a process of its own on a real Kafka, and what a test says to it and hears from it."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Self

import msgspec

from schemas.catalogue import NOTIFICATIONS
from schemas.escalations import EscalationEvent
from schemas.ids import derived_id
from schemas.notifications import NoticeOutcome
from services.notifier.adapters.sink import SinkRow
from tests.harness.desk import Desk
from tests.harness.notices import VERSION, a_context, a_policy, a_roster
from tests.harness.service_process import ServiceProcess, a_service


class NotifierDesk(Desk[NoticeOutcome]):
    """Writes what the router would and reads what the notifier says, on one broker."""

    def __init__(self, bootstrap: str) -> None:
        super().__init__(bootstrap, "notifier", NOTIFICATIONS, NoticeOutcome)

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        await self.publish_policy(a_policy(), VERSION)
        await self.publish_roster(a_roster())
        return self

    def outcomes(self, ticket: str) -> list[NoticeOutcome]:
        """Return all heard so far of one ticket, repeats included."""
        return [outcome for outcome in self.heard if outcome.ticket == ticket]

    def told(self, ticket: str) -> list[tuple[str, str]]:
        """Return kind and recipient of each outcome of one ticket, each id once."""
        once = {outcome.meta.id: (outcome.kind.value, outcome.recipient) for outcome in self.outcomes(ticket)}
        return sorted(once.values())


def a_notifier(
    bootstrap: str, home: Path, port: int, more: Mapping[str, str] | None = None
) -> AbstractContextManager[ServiceProcess]:
    """Give a running notifier that keeps its state in `home`; it is gone when the block ends."""
    return a_service("notifier", _environment(bootstrap, home, more or {}), home / "log", port)


def a_notifier_running(
    bootstrap: str, home: Path, port: int, more: Mapping[str, str], program: Sequence[str]
) -> ServiceProcess:
    """Start a notifier, or the program that stands for it; whoever starts it ends it."""
    arguments = tuple(program) or ("-m", "services.notifier")
    return ServiceProcess("notifier", arguments, _environment(bootstrap, home, more), home / "log", port)


def _environment(bootstrap: str, home: Path, more: Mapping[str, str]) -> dict[str, str]:
    return {
        "ESCALON_KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "ESCALON_KAFKA_SESSION_TIMEOUT_MS": "6000",
        "ESCALON_NOTIFIER_LEDGER_URL": f"sqlite:///{home}/ledger.db",
        "ESCALON_NOTIFIER_SINK_FILE": f"{home}/sink.jsonl",
        **more,
    }


def about(event: EscalationEvent, ticket: str, *, version: str = VERSION) -> EscalationEvent:
    """Return the event as one of this ticket, with an id of its own."""
    meta = msgspec.structs.replace(
        event.meta, id=derived_id(event.meta.id, ticket), correlation_id=ticket, policy_version=version
    )
    owner = event.escalation.owner
    return msgspec.structs.replace(event, meta=meta, escalation=a_context(owner=owner, ticket=ticket))


def sunk(home: Path) -> list[SinkRow]:
    """Return what the sink's file has."""
    file = home / "sink.jsonl"
    lines = file.read_bytes().splitlines() if file.exists() else []
    return [msgspec.json.decode(line, type=SinkRow) for line in lines]
