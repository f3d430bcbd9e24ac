"""Made-up views that every template is tried with: one that knows everything, one that knows as little as possible."""

import msgspec

from policy.communication_view import AccountView, ActView, CustomerView, NoticeView, PersonView
from schemas.vocabulary import NoticeKind, Severity


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """Values that cannot be mistaken, to find them again in what a template says."""

    subject: str = "Sample-Subject"
    owner_name: str = "Sample-Owner"
    owner_role: str = "Sample-Role"
    next_update_at: str = "Sample-Next-Update"
    expected_resolution_at: str = "Sample-Expected-Resolution"
    reference: str = "ESC-00000-00000"
    steps: str = "Sample-Steps"

    def variables(self) -> dict[str, str]:
        """Return the name a template uses for each value."""
        return {
            "subject": self.subject,
            "owner.name": self.owner_name,
            "owner.role": self.owner_role,
            "next_update_at": self.next_update_at,
            "expected_resolution_at": self.expected_resolution_at,
            "reference": self.reference,
            "act.steps": self.steps,
        }


PROMISE = Promise()
_PERSON = PersonView(key="sample", name=PROMISE.owner_name, role=PROMISE.owner_role)
_AT = "2026-06-02 10:00 CEST"
_FULL_ACT = ActView(
    at=_AT,
    by=_PERSON,
    assignment_cause="not_accepted",
    previous_owner=_PERSON,
    reason="a reason",
    text="a text",
    steps=PROMISE.steps,
    category="fixed",
    attempt=1,
    missing=("root_cause", "evidence"),
    command="AcceptEscalation",
    clock="first_response",
    percent=50,
    due_at=_AT,
    unverified=True,
    verdict="kept",
    previous_severity="P3",
    previous_type="service",
    proposed_severity="P4",
    proposed_type="billing",
    failed_notice="acknowledgement",
    failed_recipient="customer",
    over_percent=50,
    explanation="resolution: 4 h (P1), 6 h used, 2 h over",
)
_FULL = NoticeView(
    kind="",
    recipient_name="Sample-Recipient",
    ticket="zendesk-eu/1",
    ticket_url="https://helpdesk.example/1",
    reference=PROMISE.reference,
    subject=PROMISE.subject,
    excerpt="what the customer wrote",
    severity="P1",
    type="technical",
    state="open",
    owner=_PERSON,
    management=_PERSON,
    owner_is_recipient=True,
    customer=CustomerView(name="Sample-Customer", email="sample@customer.example", phone="+49 30 000000"),
    account=AccountView(name="Sample-Account", tier="enterprise", key_account=True, contract_value=1.0, renewal_at=_AT),
    started_at=_AT,
    next_update_at=PROMISE.next_update_at,
    expected_resolution_at=PROMISE.expected_resolution_at,
    reasons=("authority_exceeded",),
    talking_points="what to say",
    act=_FULL_ACT,
)
_SPARSE = NoticeView(
    kind="",
    recipient_name=None,
    ticket="zendesk-eu/1",
    reference=PROMISE.reference,
    subject=PROMISE.subject,
    excerpt="",
    severity="P4",
    type="service",
    state="open",
    owner=_PERSON,
    management=_PERSON,
    started_at=_AT,
    act=ActView(at=_AT),
)


def samples_of(kind: NoticeKind) -> tuple[NoticeView, ...]:
    """Return views a template of this kind must cope with, the first of which knows everything."""
    full = msgspec.structs.replace(_FULL, kind=kind.value)
    sparse = msgspec.structs.replace(_SPARSE, kind=kind.value)
    if kind is NoticeKind.REFUSED:
        bare = NoticeView(kind=kind.value, recipient_name=None, ticket="zendesk-eu/1", act=ActView(at=_AT))
        return (full, sparse, bare)
    every_severity = tuple(msgspec.structs.replace(sparse, severity=each.value) for each in Severity)
    return (full, *every_severity)
