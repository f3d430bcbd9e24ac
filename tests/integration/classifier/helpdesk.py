"""A helpdesk at a real Kafka: publishes ticket events, hears what the classifier says of them, runs it as a process."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

from schemas.catalogue import CLASSIFICATIONS, SCHEMAS
from schemas.classifications import ClassifierProgressed, TicketClassified
from schemas.message import ActorKind, Message
from schemas.tickets import Ticket, TicketUpdated
from tests.harness.desk import Desk
from tests.harness.policies import judging_policy
from tests.harness.service_process import ServiceProcess, a_service
from tests.harness.tickets import a_meta

POLICY = judging_policy()


class Helpdesk(Desk[Message]):
    """Writes what a helpdesk and operators would, and reads `classifications.v1` from its beginning."""

    def __init__(self, bootstrap: str) -> None:
        super().__init__(bootstrap, "classifier", CLASSIFICATIONS, Message)
        self.acknowledged_at: dict[str, datetime] = {}
        """When the broker had each event at the latest, by its id."""

    def classified(self, ticket: str | None = None) -> list[TicketClassified]:
        """Return all verdicts heard so far, of one ticket or of all."""
        return [one for one in self.heard if isinstance(one, TicketClassified) and ticket in (None, one.ticket.key)]

    def progress(self, partition: int) -> list[ClassifierProgressed]:
        """Return the progress told of a partition."""
        found = (record.message for record in self.records if record.partition == partition)
        return [one for one in found if isinstance(one, ClassifierProgressed)]

    async def tell(self, *messages: Message) -> None:
        """Write messages where they belong, and note when the broker had them."""
        await super().tell(*messages)
        now = datetime.now(UTC)
        self.acknowledged_at |= {message.meta.id: now for message in messages}

    async def update(self, ticket: Ticket, numbers: Sequence[int]) -> None:
        """Publish an update of the ticket for each number, which becomes part of its id."""
        now = datetime.now(UTC)
        await self.tell(
            *(
                TicketUpdated(meta=a_meta(f"{ticket.key}-{number}", ticket, ActorKind.PERSON, now), ticket=ticket)
                for number in numbers
            )
        )

    async def publish_schema(self, mark: bytes, schema_json: str) -> None:
        """Make a writer's schema known."""
        await self.tell_bytes(SCHEMAS, schema_json.encode(), mark)


def a_classifier(
    bootstrap: str, log: Path, port: int, since: datetime | None = None
) -> AbstractContextManager[ServiceProcess]:
    """Give a running classifier; it is gone when the block ends."""
    environment = {"ESCALON_KAFKA_BOOTSTRAP_SERVERS": bootstrap}
    if since is not None:
        environment["ESCALON_SINCE"] = since.isoformat()
    return a_service("classifier", environment, log, port)
