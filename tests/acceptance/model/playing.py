"""Plays a story's `when` on the model: facts of an instant first, then what falls due at it."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from tests.acceptance.model.escalation import COMMANDS, Escalation, Words, World
from tests.acceptance.model.hours import Hours
from tests.acceptance.model.merging import merge_away, take_in
from tests.acceptance.model.promises import Promises

Entry = Mapping[str, Any]
_ONLY_TICKET = "zendesk-eu/1"


def instant(text: str) -> datetime:
    """Return the instant a story writes."""
    return datetime.fromisoformat(text).astimezone(UTC)


def written(at: datetime) -> str:
    """Return an instant as stories write it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


class Model:
    """A story as the procedure would have it; `seen` is what happened so far, as lines of `then`."""

    def __init__(self, given: Entry) -> None:
        self.calendar = Hours(given["calendar"])
        self._given = World(given["chains"], self.calendar, Promises(given.get("severities", {})))
        self.tickets: dict[str, Escalation] = {}
        self.seen: list[dict[str, Any]] = []
        self._now = datetime.min.replace(tzinfo=UTC)

    def happen(self, entry: Entry) -> None:
        """Let a fact of `when` happen; what falls due before it must have been played."""
        key = entry.get("ticket", _ONLY_TICKET)
        if key not in self.tickets:
            self.tickets[key] = Escalation(self._given, self._noting(key))
        ticket = self.tickets[key]
        self._now = ticket.now = instant(entry["at"])
        (word,) = set(entry) - {"at", "ticket"}
        act = entry[word]
        if word in COMMANDS:
            ticket.on_command(word, _typed(act))
        else:
            self._of_ticket(ticket, word, act)
            ticket.on_verdict(act.get("verdict") if word in ("opened", "changed") else None)
        ticket.settle()
        if word == "merged_into":
            self._merge(ticket, self.tickets[act])

    @staticmethod
    def _merge(ticket: Escalation, into: Escalation) -> None:
        lost = merge_away(ticket)
        if lost is not None:
            into.now = ticket.now
            take_in(into, lost)
            into.settle()

    @staticmethod
    def _of_ticket(ticket: Escalation, word: str, act: Any) -> None:
        match word:
            case "agent_replied":
                ticket.on_agent_reply(act)
            case "customer_replied":
                ticket.on_customer_reply(act["text"])
            case "reopened":
                ticket.on_reopened()
            case "deleted":
                ticket.on_gone()
            case _:
                pass

    def next_due(self) -> datetime | None:
        """Return when time alone next does something."""
        return min((max(at, self._now) for at, _ in self.upcoming()), default=None)

    def upcoming(self) -> Iterable[tuple[datetime, str]]:
        """Return every threshold that lies ahead, with its ticket."""
        return [
            (at, key)
            for key, ticket in self.tickets.items()
            if ticket in self._open()
            for at, _, _ in ticket.upcoming()
        ]

    def _open(self) -> list[Escalation]:
        return [ticket for ticket in self.tickets.values() if ticket.state not in (None, "closed")]

    def pass_time(self, until: datetime, *, inclusive: bool) -> None:
        """Let fall due what does before `until`, or at it. What a fact put into the past falls due at the fact."""
        while (due := self.next_due()) is not None and (due < until or (inclusive and due == until)):
            for ticket in self._open():
                ticket.now = max(due, ticket.now)
                while ticket.fire():
                    pass

    def _noting(self, key: str) -> Any:
        def note(at: datetime, words: Words) -> None:
            line = {name: written(value) if isinstance(value, datetime) else value for name, value in words.items()}
            self.seen.append({"at": written(at), "ticket": key, **line})

        return note


def _typed(act: Words) -> Words:
    return {**act, "next_at": instant(act["next_at"])} if "next_at" in act else act


def expectations(given: Entry, when: Iterable[Entry], until: datetime) -> list[dict[str, Any]]:
    """Return every line of `then` the story must have."""
    model = Model(given)
    for entry in when:
        model.pass_time(instant(entry["at"]), inclusive=False)
        model.happen(entry)
    model.pass_time(until, inclusive=True)
    return model.seen
