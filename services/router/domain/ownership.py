"""One owner at any time: who is asked, who is next, what counts as accepting (procedure, section 2)."""

from policy.routing import AcknowledgementMode, Routing
from schemas.escalations import CustomerInformed, EscalationAccepted, EscalationEvent, OwnerAssigned
from schemas.message import Actor, ActorKind
from schemas.vocabulary import AssignmentCause, ContactKind
from services.router.domain.situation import Chain
from services.router.domain.state import Escalation


def first_assignment(chain: Chain) -> OwnerAssigned:
    """Return the assignment that follows an opening: the first of the chain."""
    return OwnerAssigned(owner=chain[0], cause=AssignmentCause.OPENED, cycle=1, last_in_chain=len(set(chain)) == 1)


def assignment(escalation: Escalation, to: str, cause: AssignmentCause, chain: Chain) -> OwnerAssigned:
    """Return that the person becomes owner, with a new acceptance cycle; who handed over is added by the caller."""
    return OwnerAssigned(
        owner=to,
        previous=escalation.owner,
        cause=cause,
        cycle=escalation.cycle + 1,
        last_in_chain=to == chain[-1],
    )


def next_in_chain(escalation: Escalation, chain: Chain) -> str | None:
    """Return who is asked when the owner stays silent; None where nobody is left, so that the owner keeps it.

    Who stands after the owner in the chain as it is now; the first not asked in this round where the owner is no
    longer in it (procedure, "Exact defaults", Acceptance).
    """
    if escalation.owner in chain:
        behind = chain[chain.index(escalation.owner) + 1 :]
        return next((person for person in behind if person != escalation.owner), None)
    return next((person for person in chain if person not in escalation.asked), None)


def act_of_owner(escalation: Escalation, actor: Actor) -> list[EscalationEvent]:
    """Return the acceptance that any act of an owner is who has not accepted yet; nothing for others."""
    is_owner = actor.kind is ActorKind.PERSON and actor.id == escalation.owner
    if not is_owner or escalation.is_accepted or escalation.is_closed:
        return []
    return [EscalationAccepted(by=actor.id, cycle=escalation.cycle, explicit=False)]


def acceptance(escalation: Escalation, routing: Routing) -> list[EscalationEvent]:
    """Return what an explicit acceptance is: once per assignment, with the acknowledgement sent in the owner's name."""
    if escalation.acknowledged_cycle == escalation.cycle:
        return []
    accepted = EscalationAccepted(by=escalation.owner, cycle=escalation.cycle, explicit=True)
    if routing.acknowledgement is AcknowledgementMode.AT_ONCE:
        return [accepted]
    return [accepted, CustomerInformed(kind=ContactKind.ACKNOWLEDGEMENT, by=escalation.owner)]


def acknowledgement_at_once(owner: str, routing: Routing) -> list[EscalationEvent]:
    """Return the receipt that a policy of `at_once` sends at the opening; being automatic, it moves no clock."""
    if routing.acknowledgement is not AcknowledgementMode.AT_ONCE:
        return []
    return [CustomerInformed(kind=ContactKind.ACKNOWLEDGEMENT, by=owner, automatic=True)]
