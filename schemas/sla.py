"""`sla.v1`: what the sla_monitor found. A finding has no consequence until the router has recorded it."""

from datetime import datetime
from typing import Annotated, ClassVar

from schemas.explanation import ClockExplanation
from schemas.message import Message, doc
from schemas.vocabulary import ClockName, Verdict

_NAMESPACE = "escalon.sla"


class SlaFinding(Message, frozen=True, kw_only=True):
    """What all findings share. The id is derived from (escalation, clock, cycle, what): a repeat has the same."""

    namespace: ClassVar[str] = _NAMESPACE
    ticket: Annotated[str, doc("`<helpdesk>/<ticket_id>`.")]
    version: Annotated[int, doc("Version of the stream the finding was computed from.")]
    time_zone_rules: Annotated[str | None, doc("Version of the IANA time zones it was computed by, like `2026a`.")] = (
        None
    )


class ThresholdReached(SlaFinding, frozen=True, kw_only=True):
    """A share of a clock's target is used up; 100 and above mean it is missed."""

    clock: ClockName
    cycle: int
    percent: int
    reached_at: Annotated[datetime, doc("When the threshold was reached (UTC).")]
    due_at: Annotated[datetime, doc("When the promise falls due (UTC).")]
    explanation: Annotated[ClockExplanation | None, doc("Why it stands so.")] = None
    restored_at: Annotated[
        datetime | None, doc("Of a resolution that came late: when what the customer confirmed was proposed (UTC).")
    ] = None


class ClockKept(SlaFinding, frozen=True, kw_only=True):
    """A cycle ended in time."""

    clock: ClockName
    cycle: int
    ended_at: Annotated[datetime, doc("When the act came (UTC).")]
    due_at: Annotated[datetime, doc("When the promise fell due (UTC).")]
    explanation: Annotated[ClockExplanation | None, doc("Why it stands so.")] = None
    restored_at: Annotated[
        datetime | None, doc("Of a resolution: when what the customer confirmed was proposed (UTC).")
    ] = None


class VerdictCorrected(SlaFinding, frozen=True, kw_only=True):
    """A late fact changed a verdict that was said."""

    clock: ClockName
    cycle: int
    previous: Verdict
    verdict: Verdict
    due_at: Annotated[datetime, doc("When the promise fell due (UTC).")]
    withdrawn: Annotated[
        bool, doc("Nothing was due: the cycle never was, or ended before, so that `broken` is taken back.")
    ] = False
    explanation: Annotated[ClockExplanation | None, doc("Why it stands so.")] = None


class FrontLineAtRisk(SlaFinding, frozen=True, kw_only=True):
    """A watched ticket's own front-line SLA is about to break."""

    reached_at: Annotated[datetime, doc("When it became so (UTC).")]
    due_at: Annotated[datetime, doc("When it breaks (UTC).")]


class PromiseScheduled(SlaFinding, frozen=True, kw_only=True):
    """The next promise of an escalation, for boards; none where no clock runs."""

    clock: ClockName | None = None
    due_at: Annotated[datetime | None, doc("When it falls due (UTC).")] = None
