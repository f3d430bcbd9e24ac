"""What a template may name: the escalation, the people and the act that is told about, as plain values for people.

Instants are text in the reader's time zone. Whatever a customer wrote stands here as a value and is never a template.
"""

import msgspec


class PersonView(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody of ours."""

    key: str
    name: str
    role: str


class CustomerView(msgspec.Struct, frozen=True, kw_only=True):
    """The customer, as far as is known."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None


class AccountView(msgspec.Struct, frozen=True, kw_only=True):
    """The customer's account."""

    name: str
    tier: str | None = None
    key_account: bool = False
    contract_value: float | None = None
    renewal_at: str | None = None


class ActView(msgspec.Struct, frozen=True, kw_only=True):
    """What happened; each event fills in what it has, the rest is null.

    Of a clock: `over_percent` is how far past a breach it went on, `explanation` how it stands in one sentence.
    """

    at: str
    by: PersonView | None = None
    assignment_cause: str | None = None
    previous_owner: PersonView | None = None
    reason: str | None = None
    text: str | None = None
    steps: str | None = None
    category: str | None = None
    attempt: int | None = None
    missing: tuple[str, ...] = ()
    command: str | None = None
    clock: str | None = None
    percent: int | None = None
    due_at: str | None = None
    unverified: bool = False
    verdict: str | None = None
    previous_severity: str | None = None
    previous_type: str | None = None
    proposed_severity: str | None = None
    proposed_type: str | None = None
    failed_notice: str | None = None
    failed_recipient: str | None = None
    over_percent: int | None = None
    explanation: str | None = None


class NoticeView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a template may name. A refused command may concern a ticket that is no escalation: then much is null.

    `talking_points` is the text for the customer in a call task for the owner.
    """

    kind: str
    recipient_name: str | None
    ticket: str
    ticket_url: str | None = None
    reference: str | None = None
    subject: str | None = None
    excerpt: str | None = None
    severity: str | None = None
    type: str | None = None
    state: str | None = None
    owner: PersonView | None = None
    management: PersonView | None = None
    owner_is_recipient: bool = False
    customer: CustomerView = CustomerView()
    account: AccountView | None = None
    started_at: str | None = None
    next_update_at: str | None = None
    expected_resolution_at: str | None = None
    reasons: tuple[str, ...] = ()
    talking_points: str | None = None
    act: ActView
