"""A rotation that has nobody is said when the gap begins and when it ends, for the type whose chain has it."""

import logging
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from chassis.clock import ManualClock
from policy.model import VersionedPolicy
from policy.roster import Absence, Roster, Rotation
from policy.routing import ChainStep, Routing
from schemas.ids import PersonKey
from schemas.vocabulary import IssueType
from services.router.adapters.rota_watch import RotaWatch
from services.router.metrics import RouterMetrics
from tests.unit.router.telling import VERSION, policy, roster, routing
from wire.reference_data import PolicyRegistry, RosterRegistry

START = datetime(2026, 6, 2, 8, tzinfo=UTC)
ANA = PersonKey("ana")


def routed() -> Routing:
    """Return chains of which one begins with a rotation."""
    plain = routing()
    first = (ChainStep(rotation="technical"), *plain.chains[IssueType.TECHNICAL][1:])
    return replace(plain, chains={**plain.chains, IssueType.TECHNICAL: first})


def with_absence(begins_at: datetime) -> Roster:
    """Return a roster whose rotation has one person, who is away for an hour."""
    turns = Rotation(people=(ANA,), starts_at=START - timedelta(days=1), shift_hours=12, time_zone="UTC")
    away = Absence(person=ANA, starts_at=begins_at, ends_at=begins_at + timedelta(hours=1))
    return replace(roster(), rotations={"technical": turns}, absences=(away,))


class Watched:
    """A watch, its clock and what it measures."""

    def __init__(self, roster: Roster | None) -> None:
        self.clock, self.registry = ManualClock(START), CollectorRegistry()
        self.rosters = RosterRegistry(roster)
        policies = PolicyRegistry([VersionedPolicy(version=VERSION, policy=policy(routed()))])
        self.watch = RotaWatch(policies, self.rosters, self.clock, RouterMetrics(self.registry))

    def gaps(self, issue_type: IssueType = IssueType.TECHNICAL) -> float | None:
        return self.registry.get_sample_value("escalon_router_rota_gaps", {"type": issue_type.value})


def test_a_gap_is_said_once_when_it_begins_and_once_when_it_ends(caplog: pytest.LogCaptureFixture) -> None:
    watched = Watched(with_absence(START + timedelta(minutes=5)))
    gaps = []
    for _ in range(70):
        watched.watch.look()
        gaps.append(watched.gaps())
        watched.clock.advance(timedelta(minutes=1))

    assert gaps == [0.0] * 5 + [1.0] * 60 + [0.0] * 5
    assert watched.gaps(IssueType.BILLING) == 0.0
    told = [(line.levelname, line.getMessage()) for line in caplog.records]
    assert [level for level, _ in told] == ["WARNING", "WARNING"]
    assert "rotation technical of type technical" in told[0][1]
    assert "no gap any more" in told[1][1]
    assert ANA not in caplog.text


def test_a_new_roster_is_looked_at_at_once(caplog: pytest.LogCaptureFixture) -> None:
    watched = Watched(with_absence(START + timedelta(days=3)))
    watched.watch.look()
    watched.rosters.replace(with_absence(START))
    watched.watch.look()
    assert watched.gaps() == 1.0
    assert len(caplog.records) == 1


def test_between_two_looks_nothing_is_worked_out() -> None:
    watched = Watched(with_absence(START + timedelta(seconds=30)))
    watched.watch.look()
    watched.clock.advance(timedelta(seconds=59))
    watched.watch.look()
    assert watched.gaps() == 0.0
    watched.clock.advance(timedelta(seconds=1))
    watched.watch.look()
    assert watched.gaps() == 1.0


def test_without_a_roster_there_is_no_rota_yet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    watched = Watched(None)
    watched.watch.look()
    assert watched.gaps() is None
    assert caplog.records == []
