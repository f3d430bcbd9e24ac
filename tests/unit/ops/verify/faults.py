"""One fault for each way in which a promise can be broken, put into evidence of a run that went right."""

from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple, TypeVar

from msgspec.structs import replace

from ops.verify.evidence import Journaled, Piece, Planned, ReadUpTo, Seen, Stored
from schemas import commands as asked
from schemas import escalations as ev
from schemas.catalogue import COMMANDS, ESCALATIONS
from schemas.classifications import TicketClassified
from schemas.message import Message
from schemas.notifications import NoticeDelivered, NoticeSuperseded
from schemas.sla import ClockKept, ThresholdReached, VerdictCorrected
from schemas.tickets import TicketOpened
from schemas.vocabulary import ClockName, FactKind, Severity, Verdict
from tests.harness.evidence import Taken

ACCEPTED = "core/01_outage_accepted_in_time.yaml"
SILENT = "core/02_nobody_accepts.yaml"
MERGED = "own/06_merged_into_another.yaml"
LOST = "own/02_a_message_that_never_arrives.yaml"
WATCHED = "own/03_its_own_sla_runs_out.yaml"
BY_REGION = "own/20_each_region_by_its_calendar.yaml"
ADOPTED = "own/21_a_policy_for_what_runs.yaml"

MessageT = TypeVar("MessageT", bound=Message)


class Fault(NamedTuple):
    """What is done to the evidence of a story, and the check that must say so."""

    check: str
    story: str
    what: str
    put_in: Callable[[Taken], Taken]


def renamed(message: MessageT, name: str = "another") -> MessageT:
    """Return the event under another id."""
    return replace(message, meta=replace(message.meta, id=name))


def appended(taken: Taken, event: ev.EscalationEvent) -> Taken:
    """Return the evidence with an event behind the last of its stream, in that one's context."""
    last = taken.of(ev.EscalationEvent)[-1].escalation
    context = replace(last, version=last.version + 1)
    return taken.with_event(renamed(replace(event, escalation=context)))


def cut(taken: Taken, after: int) -> Taken:
    """Return the evidence with the stream ended after so many events."""
    return taken.without_events(*taken.of(ev.StreamEvent)[after:])


def _kept(taken: Taken, clock: ClockName) -> ev.SlaKept:
    return next(one for one in taken.of(ev.SlaKept) if one.clock is clock)


def _broken_instead(taken: Taken, kept: ev.SlaKept) -> Taken:
    breached = ev.SlaBreached(
        meta=kept.meta,
        escalation=kept.escalation,
        clock=kept.clock,
        cycle=kept.cycle,
        due_at=kept.due_at,
        owner_at=kept.owner_at,
    )
    return taken.with_other(kept, breached)


def _one(taken: Taken, kind: type[Piece]) -> Piece:
    return [piece for piece in taken.pieces if isinstance(piece, kind)][-1]


def _reply_lost(taken: Taken) -> Taken:
    verdict = taken.of(TicketClassified)[0]
    return taken.with_event(renamed(replace(verdict, fact=replace(verdict.fact, kind=FactKind.CUSTOMER_REPLIED))))


def _threshold(taken: Taken, percent: int) -> ThresholdReached:
    last = taken.of(ThresholdReached)[-1]
    return renamed(replace(last, percent=percent, version=10_000))


def _corrected(taken: Taken) -> VerdictCorrected:
    kept = taken.of(ClockKept)[0]
    return VerdictCorrected(
        meta=renamed(kept).meta,
        ticket=kept.ticket,
        version=kept.version,
        clock=kept.clock,
        cycle=kept.cycle,
        previous=Verdict.KEPT,
        verdict=Verdict.BROKEN,
        due_at=kept.due_at,
    )


def _correction_of_nothing(taken: Taken) -> Taken:
    kept = taken.of(ev.SlaKept)[0]
    corrected = ev.SlaCorrected(
        meta=kept.meta,
        clock=kept.clock,
        cycle=99,
        due_at=kept.due_at,
        owner_at=kept.owner_at,
        previous=Verdict.BROKEN,
        verdict=Verdict.KEPT,
    )
    return appended(taken, corrected)


def _other_severity(taken: Taken) -> Taken:
    event = taken.of(ev.OwnerNotified)[0]
    return taken.with_other(event, replace(event, escalation=replace(event.escalation, severity=Severity.P4)))


def _on_another_partition(taken: Taken) -> Taken:
    seen = [one for one in taken.seen if one.topic == ESCALATIONS.name][-1]
    moved = Seen(seen.topic, 5, seen.offset, seen.written_at, seen.message)
    return taken.instead(seen, moved)


def _same_version_other_event(taken: Taken) -> Taken:
    return taken.with_event(renamed(taken.of(ev.OwnerNotified)[0]))


def _moved(message: MessageT, by: timedelta) -> MessageT:
    return replace(message, meta=replace(message.meta, occurred_at=message.meta.occurred_at + by))


def _early(taken: Taken) -> Taken:
    breached = taken.of(ev.SlaBreached)[0]
    return taken.with_other(breached, _moved(breached, -timedelta(minutes=1)))


def _before_its_finding(taken: Taken) -> Taken:
    warned = taken.of(ev.SlaWarned)[0]
    return taken.with_other(warned, _moved(warned, -timedelta(seconds=1)))


def _superseded_too(taken: Taken) -> Taken:
    outcome = taken.of(NoticeDelivered)[0]
    superseded = NoticeSuperseded(
        meta=renamed(outcome).meta,
        notice_id=outcome.notice_id,
        ticket=outcome.ticket,
        kind=outcome.kind,
        audience=outcome.audience,
        recipient=outcome.recipient,
        cause_id=outcome.cause_id,
        cause=outcome.cause,
        via="none",
        by="OwnerAssigned",
    )
    return taken.with_event(superseded)


def _row(taken: Taken, *, ended: bool) -> Planned:
    return Planned(
        taken.of(NoticeDelivered)[-1].notice_id, taken.of(TicketOpened)[0].ticket.key, ended, published=ended
    )


def _lacks_an_outcome(taken: Taken) -> Taken:
    return taken.without_events(taken.of(NoticeDelivered)[-1])


def _position(taken: Taken, service: str, topic: str) -> ReadUpTo:
    (found,) = [
        one for one in taken.pieces if isinstance(one, ReadUpTo) and (one.service, one.topic) == (service, topic)
    ]
    return found


def _behind(taken: Taken) -> Taken:
    return taken.instead(_position(taken, "router", COMMANDS.name), ReadUpTo("router", COMMANDS.name, 0, 1))


def _other_due_time(taken: Taken) -> Taken:
    kept = _kept(taken, ClockName.FIRST_RESPONSE)
    return taken.with_other(kept, replace(kept, due_at=kept.due_at + timedelta(seconds=1)))


def _another_is_named(taken: Taken) -> Taken:
    event = taken.of(ev.OwnerReminded)[0]
    return taken.with_other(event, replace(event, escalation=replace(event.escalation, owner="somebody")))


def _asked_anew(taken: Taken, command: asked.Command) -> Taken:
    meta = renamed(taken.of(TicketOpened)[0]).meta
    return taken.with_event(replace(command, meta=meta, ticket=_ticket(taken)))


def _other_content(taken: Taken) -> Taken:
    (row,) = [one for one in taken.pieces if isinstance(one, Stored) and one.version == 2]
    return taken.instead(row, Stored(row.version, renamed(row.event)))


def _changed_outcome(taken: Taken, **fields: object) -> Taken:
    outcome = taken.of(NoticeDelivered)[-1]
    return taken.with_other(outcome, replace(outcome, **fields))


def _ticket(taken: Taken) -> str:
    return taken.of(TicketOpened)[0].ticket.key


def _reopened(taken: Taken, opening: int) -> ev.EscalationReopened:
    return ev.EscalationReopened(meta=taken.of(ev.EscalationOpened)[0].meta, opening=opening)


def _kept_instead(breached: ev.SlaBreached) -> ev.SlaKept:
    return ev.SlaKept(
        meta=breached.meta,
        escalation=breached.escalation,
        clock=breached.clock,
        cycle=breached.cycle,
        due_at=breached.due_at,
        owner_at=breached.owner_at,
        ended_at=breached.due_at,
    )


def _first_response(taken: Taken) -> ev.SlaBreached:
    return next(one for one in taken.of(ev.SlaBreached) if one.clock is ClockName.FIRST_RESPONSE)


FAULTS = (
    Fault("tickets judged", ACCEPTED, "a verdict is missing", lambda t: t.without_events(*t.of(TicketClassified))),
    Fault("verdicts acted on", ACCEPTED, "nothing was opened", lambda t: cut(t, 0)),
    Fault("verdicts acted on", SILENT, "a reply is on no record", _reply_lost),
    Fault("commands answered", ACCEPTED, "an update", lambda t: t.with_event(renamed(t.of(asked.SendUpdate)[0]))),
    Fault(
        "commands answered", ACCEPTED, "the root cause", lambda t: t.with_event(renamed(t.of(asked.RecordRootCause)[0]))
    ),
    Fault(
        "commands answered",
        SILENT,
        "an acceptance",
        lambda t: _asked_anew(t, asked.AcceptEscalation(ticket="")),
    ),
    Fault(
        "commands answered",
        SILENT,
        "another severity",
        lambda t: _asked_anew(t, asked.ReclassifyEscalation(ticket="", severity=Severity.P4, reason="less")),
    ),
    Fault("commands answered", MERGED, "a merge", lambda t: t.with_event(renamed(t.of(asked.AbsorbMerged)[0]))),
    Fault("findings taken", SILENT, "a threshold", lambda t: t.with_event(_threshold(t, 97))),
    Fault(
        "findings taken",
        ACCEPTED,
        "a kept cycle",
        lambda t: t.with_event(renamed(replace(t.of(ClockKept)[0], cycle=99))),
    ),
    Fault("findings taken", ACCEPTED, "a correction", lambda t: t.with_event(_corrected(t))),
    Fault(
        "findings taken",
        WATCHED,
        "a ticket at risk",
        lambda t: cut(t, t.of(ev.StreamEvent).index(t.of(ev.EscalationOpened)[0])),
    ),
    Fault("merges told", MERGED, "nobody is told", lambda t: t.without_events(*t.of(asked.AbsorbMerged))),
    Fault("deliveries recorded", ACCEPTED, "the owner", lambda t: t.without_events(t.of(ev.OwnerNotified)[0])),
    Fault(
        "deliveries recorded", ACCEPTED, "the customer", lambda t: t.without_events(t.of(ev.CustomerAcknowledged)[0])
    ),
    Fault("everything read", ACCEPTED, "a reader stands", _behind),
    Fault(
        "everything read",
        ACCEPTED,
        "a reader has never read",
        lambda t: t.without(_position(t, "notifier", ESCALATIONS.name)),
    ),
    Fault("one open escalation", SILENT, "opened twice", lambda t: appended(t, t.of(ev.EscalationOpened)[0])),
    Fault("one open escalation", SILENT, "reopened while open", lambda t: appended(t, _reopened(t, 2))),
    Fault("one open escalation", ACCEPTED, "an opening left out", lambda t: appended(t, _reopened(t, 3))),
    Fault("one open escalation", ACCEPTED, "closed twice", lambda t: appended(t, t.of(ev.EscalationClosed)[0])),
    Fault("one owner", SILENT, "nobody", lambda t: cut(t, 1)),
    Fault("one owner", SILENT, "a second owner", lambda t: appended(t, t.of(ev.OwnerAssigned)[0])),
    Fault("one owner", SILENT, "another one is named", _another_is_named),
    Fault("log without gap", ACCEPTED, "a missing version", lambda t: t.without_events(t.of(ev.OwnerNotified)[0])),
    Fault("log without gap", ACCEPTED, "no first version", lambda t: t.without_events(t.of(ev.EscalationOpened)[0])),
    Fault("log without gap", ACCEPTED, "a version twice", _same_version_other_event),
    Fault("log without gap", ACCEPTED, "another severity than the past gives", _other_severity),
    Fault("log without gap", ACCEPTED, "another partition", _on_another_partition),
    Fault("published = stored", ACCEPTED, "a lost row", lambda t: t.without(_one(t, Stored))),
    Fault("published = stored", ACCEPTED, "a lost publication", lambda t: cut(t, len(t.of(ev.StreamEvent)) - 1)),
    Fault("published = stored", ACCEPTED, "another event in the store", _other_content),
    Fault("thresholds once", ACCEPTED, "a warning twice", lambda t: appended(t, t.of(ev.SlaWarned)[0])),
    Fault("thresholds once", SILENT, "a breach twice", lambda t: appended(t, t.of(ev.SlaBreached)[0])),
    Fault("thresholds once", SILENT, "a reminder twice", lambda t: appended(t, t.of(ev.OwnerReminded)[0])),
    Fault("thresholds once", ACCEPTED, "kept twice", lambda t: appended(t, t.of(ev.SlaKept)[0])),
    Fault(
        "thresholds once",
        SILENT,
        "broken and kept",
        lambda t: appended(t, _kept_instead(t.of(ev.SlaBreached)[0])),
    ),
    Fault("thresholds once", ACCEPTED, "a correction of nothing", _correction_of_nothing),
    Fault("none early", SILENT, "before it was due", _early),
    Fault("none early", SILENT, "before the threshold", _before_its_finding),
    Fault("none early", SILENT, "without a finding", lambda t: t.without_events(*t.of(ThresholdReached))),
    Fault("clocks right", SILENT, "a breach that nobody said", lambda t: cut(t, 24)),
    Fault(
        "clocks right",
        ACCEPTED,
        "a false breach",
        lambda t: _broken_instead(t, _kept(t, ClockName.FIRST_RESPONSE)),
    ),
    Fault(
        "first answers",
        ACCEPTED,
        "a false breach",
        lambda t: _broken_instead(t, _kept(t, ClockName.FIRST_RESPONSE)),
    ),
    Fault("first answers", ACCEPTED, "a false one", lambda t: _broken_instead(t, _kept(t, ClockName.ACCEPTANCE))),
    Fault("first answers", ACCEPTED, "another due time", _other_due_time),
    Fault(
        "first answers",
        SILENT,
        "kept, and nobody answered",
        lambda t: t.with_other(_first_response(t), _kept_instead(_first_response(t))),
    ),
    Fault("notices end", ACCEPTED, "no end", _lacks_an_outcome),
    Fault("notices end", ACCEPTED, "planned only", lambda t: _lacks_an_outcome(t).with_piece(_row(t, ended=False))),
    Fault(
        "notices end", ACCEPTED, "ended in the ledger", lambda t: _lacks_an_outcome(t).with_piece(_row(t, ended=True))
    ),
    Fault("notices end", ACCEPTED, "two ends", _superseded_too),
    Fault("notices end", ACCEPTED, "somebody else", lambda t: _changed_outcome(t, recipient="somebody")),
    Fault("notices end", ACCEPTED, "uncalled for", lambda t: _changed_outcome(t, notice_id="of nothing")),
    Fault("notices end", LOST, "no alarm", lambda t: t.without_events(*t.of(ev.NoticeFailed))),
    Fault("journal agrees", ACCEPTED, "never arrived", lambda t: t.without(_one(t, Journaled))),
    Fault("journal agrees", ACCEPTED, "arrived twice", lambda t: t.with_piece(_one(t, Journaled))),
)
