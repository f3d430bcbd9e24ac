"""Worked examples of a policy, executed: what its rules say of each ticket against what its author wrote beside it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Protocol

import msgspec

from policy.criteria import Example
from policy.model import VersionedPolicy
from schemas.classifications import AccountSnapshot, Judgement
from schemas.tickets import Ticket, TicketFields

_AT = datetime(2026, 6, 2, 8, tzinfo=UTC)
"""An example has no date; dates matter only to a front-line SLA that is given by its dates."""


class ExampleJudge(Protocol):
    """Applies the rules of a policy to a ticket (the classifier's judge)."""

    def judge(
        self, ticket: Ticket, account: AccountSnapshot | None, policy: VersionedPolicy, occurred_at: datetime
    ) -> Judgement:
        """Return the verdict on the ticket as it was at the instant."""
        ...


def failed_examples(policy: VersionedPolicy, judge: ExampleJudge) -> list[str]:
    """Return a line for each example that comes out otherwise than written; what one leaves out may be anything."""
    failed: list[str] = []
    for index, example in enumerate(policy.policy.criteria.examples):
        verdict = judge.judge(ticket_of(example, index), None, policy, _AT)
        differences = "; ".join(_differences(example, verdict))
        if differences:
            failed.append(f"criteria.examples[{index}]: {example.says} But {differences}")
    return failed


def ticket_of(example: Example, index: int) -> Ticket:
    """Return the example's ticket; raises msgspec.ValidationError for a field of the wrong type."""
    fields = {name: value for name, value in example.fields.items() if value is not None}
    return Ticket(
        helpdesk="example",
        ticket_id=str(index),
        subject=example.subject,
        description=example.description,
        fields=msgspec.convert(fields, TicketFields),
    )


def _differences(example: Example, verdict: Judgement) -> Iterator[str]:
    if example.qualifies is not verdict.qualifies:
        yield "it does not qualify" if example.qualifies else f"it qualifies by {', '.join(verdict.reasons)}"
    if example.reasons is not None and set(example.reasons) != set(verdict.reasons):
        yield f"its reasons are {_listed(verdict.reasons)}, not {_listed(example.reasons)}"
    if example.severity not in {None, verdict.severity}:
        yield f"its severity is {verdict.severity}, not {example.severity}"
    if example.type not in {None, verdict.type}:
        yield f"its type is {verdict.type}, not {example.type}"


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(words) or "none"
