"""Merges in a chain, on `escalations.v1`."""

from typing import Annotated

from schemas.context import EscalationContext, OpenPromise
from schemas.escalations import EscalationEvent
from schemas.message import doc
from schemas.vocabulary import Reason


class MergePassedOn(EscalationEvent, frozen=True, kw_only=True):
    """Another ticket was merged into this one, which had been merged itself: what was promised goes on from here."""

    into: str
    merged: str
    lost: Annotated[EscalationContext | None, doc("The escalation that ended.")] = None
    reasons: Annotated[tuple[Reason, ...], doc("Why it was an escalation.")] = ()
    promises: Annotated[tuple[OpenPromise, ...], doc("What was promised and is still to be kept.")] = ()
    solved: Annotated[
        bool | None, doc("The customer had confirmed a solution; null where neither this nor the promises are known.")
    ] = None
    through: Annotated[tuple[str, ...], doc("Tickets it went through, this one too.")] = ()
