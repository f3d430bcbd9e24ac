"""Nobody is certain to be in a group that has not answered for a session."""

from datetime import timedelta

from chassis.clock import ManualClock
from chassis.group_membership import GroupMembership
from tests.harness.tickets import AT


def test_who_was_never_answered_is_not_certain() -> None:
    assert not GroupMembership(6.0, ManualClock(AT)).is_certain()


def test_an_answer_counts_from_when_it_was_asked_for_however_late_it_is_read() -> None:
    clock = ManualClock(AT)
    membership = GroupMembership(6.0, clock)
    asked_at = membership.now()
    clock.advance(timedelta(seconds=5))
    membership.answered(asked_at)
    assert membership.is_certain()
    clock.advance(timedelta(seconds=1))
    assert not membership.is_certain()


def test_an_older_answer_takes_nothing_back() -> None:
    clock = ManualClock(AT)
    membership = GroupMembership(6.0, clock)
    early = membership.now()
    clock.advance(timedelta(seconds=5))
    membership.answered(membership.now())
    membership.answered(early)
    clock.advance(timedelta(seconds=5))
    assert membership.is_certain()


def test_nobody_is_in_doubt_before_the_first_answer() -> None:
    assert not GroupMembership(6.0, ManualClock(AT)).is_in_doubt()


def test_a_silence_of_a_session_is_a_doubt_until_the_next_answer() -> None:
    clock = ManualClock(AT)
    membership = GroupMembership(6.0, clock)
    membership.answered(membership.now())
    clock.advance(timedelta(seconds=6))
    assert membership.is_in_doubt()
    membership.answered(membership.now())
    assert not membership.is_in_doubt()


async def test_only_what_the_group_says_to_a_member_counts() -> None:
    clock = ManualClock(AT)
    membership = GroupMembership(6.0, clock)
    coordinator = Coordinator()
    membership.watch(coordinator)
    await coordinator._do_heartbeat()
    assert not membership.is_certain()
    await coordinator._do_rejoin_group()
    assert membership.is_certain()


class Coordinator:
    """Answers as aiokafka's does: heartbeats are refused, joining works."""

    async def _do_heartbeat(self) -> bool:
        return False

    async def _do_rejoin_group(self) -> bool:
        return True
