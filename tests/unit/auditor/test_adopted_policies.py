"""A version that is adopted by what runs: what fell due before is judged by the one before, and all else by it."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from policy.model import Policy, VersionedPolicy
from policy.targets import Measure, Target
from schemas.ids import PolicyVersion
from schemas.vocabulary import ClockName, Severity
from services.auditor.adapters.in_memory import InMemoryCases
from services.auditor.domain.doubts import Kind
from services.auditor.handlers import Auditor, NotAudited
from tests.unit.auditor.test_auditor import TOLERANCE, Audit, doubts
from tests.unit.sla_monitor.telling import TICKET, VERSION, FixedPolicies, default_policy, instant
from wire.reference_data import PolicyRegistry

NEXT = PolicyVersion("v2")


def _answered_within(minutes: int | None) -> Policy:
    """Return the default promises with another first response for P1, or with updates that are promised to nobody."""
    known = default_policy()
    promised = known.severities[Severity.P1]
    if minutes is None:
        promised = replace(promised, update=None)
    else:
        promised = replace(promised, first_response=Target(measure=Measure.ELAPSED, amount=minutes * 60))
    return replace(known, severities={**known.severities, Severity.P1: promised})


def _opened(policy: Policy) -> Audit:
    policies = FixedPolicies()
    policies.others[NEXT] = policy
    audit = Audit()
    audit.auditor = Auditor(policies, InMemoryCases(), TOLERANCE)
    audit.take(audit.telling.opened(instant("08:00:00")))
    return audit


def test_a_breach_before_the_adoption_is_right_by_the_earlier_version_and_is_not_promised_again() -> None:
    audit = _opened(_answered_within(60))
    audit.take(audit.breach("08:15:00", "08:15:00"), audit.telling.adopted(instant("08:16:00"), NEXT))
    audit.turn_to("08:16:00")

    assert doubts(audit.turn_to("10:00:00")) == []


@pytest.mark.parametrize(("due", "wrong"), [("09:00:00", []), ("08:15:00", [(Kind.DUE_AT, 100)])])
def test_a_breach_after_the_adoption_is_right_by_the_adopted_version_only(
    due: str, wrong: list[tuple[Kind, int]]
) -> None:
    audit = _opened(_answered_within(60))
    audit.take(audit.telling.adopted(instant("08:05:00"), NEXT), audit.breach(due, due))
    audit.turn_to(due)

    assert doubts(audit.turn_to("09:06:00")) == wrong


def test_what_is_overdue_at_the_adoption_is_a_silence_from_then_on() -> None:
    audit = _opened(_answered_within(5))
    audit.take(audit.telling.adopted(instant("08:07:00"), NEXT))
    audit.turn_to("08:07:00")

    assert doubts(audit.turn_to("08:11:59")) == []
    (objection,) = [one for one in audit.turn_to("08:12:00") if one.doubt.clock is ClockName.FIRST_RESPONSE]
    assert (objection.doubt.kind, objection.doubt.since) == (Kind.SILENT, instant("08:07:00"))


def test_what_was_broken_before_the_adoption_is_broken_also_where_the_adopted_version_promises_nothing() -> None:
    audit = _opened(_answered_within(None))
    audit.take(audit.telling.adopted(instant("08:31:00"), NEXT))
    breach = replace(audit.breach("08:31:00", "08:30:00"), clock=ClockName.UPDATE)
    audit.take(breach)
    audit.turn_to("08:31:00")

    assert doubts(audit.turn_to("08:40:00"), ClockName.UPDATE) == []


def test_a_version_that_was_adopted_and_has_not_arrived_is_waited_for() -> None:
    policies = PolicyRegistry([VersionedPolicy(version=VERSION, policy=default_policy())])
    audit = Audit()
    audit.auditor = Auditor(policies, InMemoryCases(), timedelta(minutes=5))
    audit.take(audit.telling.opened(instant("08:00:00")), audit.telling.adopted(instant("08:01:00"), NEXT))
    audit.turn_to("08:02:00")
    assert audit.summary("08:02:00").not_audited == {NotAudited.POLICY: 1}

    policies.add(VersionedPolicy(version=NEXT, policy=_answered_within(60)))
    audit.turn_to("08:03:00")
    assert audit.summary("08:03:00").not_audited == {}
    assert audit.summary("08:03:00").running[ClockName.FIRST_RESPONSE] == 1
    assert TICKET not in audit.auditor.to_look_at(instant("08:04:00"))
