"""The notifier as a process: escalations in, words out, outcomes said, and what a crash does to that."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from ops.local.kafka import LocalKafka
from schemas import escalations as events
from schemas.catalogue import ESCALATIONS
from schemas.notifications import NoticeDelivered
from schemas.vocabulary import AssignmentCause, ContactKind
from tests.harness.kafka import a_local_kafka
from tests.harness.notices import a_policy, an_opening, sealed
from tests.harness.receivers.faults import Fault
from tests.harness.receivers.slack import TOKEN, LocalSlack, a_slack
from tests.harness.service_process import ServiceProcess
from tests.harness.waiting import eventually
from tests.integration.notifier.running import NotifierDesk, a_notifier, about, sunk

SOON = timedelta(seconds=10)


@pytest.fixture(scope="module")
def broker() -> Iterator[LocalKafka]:
    with a_local_kafka() as broker:
        yield broker


def assigned(ticket: str, name: str = "1", version: str = "default-1") -> events.EscalationEvent:
    event = sealed(events.OwnerAssigned(owner="ana", cause=AssignmentCause.OPENED, cycle=1), name=name)
    return about(event, ticket, version=version)


def opening(ticket: str) -> events.EscalationEvent:
    return about(an_opening(), ticket)


async def ready(notifier: ServiceProcess) -> None:
    await eventually(notifier.is_ready, 40, what=lambda: notifier.log)


def with_slack(slack: LocalSlack) -> dict[str, str]:
    return {
        "ESCALON_SLACK_TOKEN": TOKEN,
        "ESCALON_SLACK_BASE_URL": slack.base_url,
        "ESCALON_SLACK_TIMEOUT_SECONDS": "3",
    }


async def test_what_happens_is_told_once_and_what_is_hostile_is_put_aside(
    broker: LocalKafka, tmp_path: Path, free_port: int
) -> None:
    ticket = "zendesk-eu/path"
    informed = about(sealed(events.CustomerInformed(kind=ContactKind.UPDATE, by="ana", text="s3cret words")), ticket)
    async with NotifierDesk(broker.bootstrap_servers) as desk:
        with a_notifier(broker.bootstrap_servers, tmp_path, free_port) as notifier:
            await ready(notifier)
            for value in (b"garbage", None, b"x" * 2_000_000):
                await desk.tell_bytes(ESCALATIONS, value)
            await desk.tell(opening(ticket), assigned(ticket), opening(ticket), informed, assigned(ticket))
            await eventually(lambda: len(desk.told(ticket)) == 4, what=lambda: notifier.log)
            await eventually(lambda: 'outcome="delivered",via="sink"' in notifier.metrics())
            assert notifier.terminate(SOON) == 0, notifier.log
        assert await desk.dead_letters(ESCALATIONS) == 3
    assert Counter(desk.told(ticket)) == Counter(
        [
            ("new_owner", "ana"),
            ("opened", "inc-esc-4m7kq-2xw9t"),
            ("ticket_tagged", ticket),
            ("update", "customer"),
        ]
    )
    assert sorted(row.kind for row in sunk(tmp_path)) == ["new_owner", "opened", "ticket_tagged", "update"]
    for never in ("s3cret", "garbage", "All pages down", "carla@"):
        assert never not in notifier.log


async def test_a_first_start_tells_nothing_of_what_was_before_and_a_later_one_all_that_was_meanwhile(
    broker: LocalKafka, tmp_path: Path, free_port: int
) -> None:
    ticket = "zendesk-eu/before"
    async with NotifierDesk(broker.bootstrap_servers) as desk:
        await desk.tell(assigned(ticket, "before"))
        with a_notifier(broker.bootstrap_servers, tmp_path, free_port) as notifier:
            await ready(notifier)
            assert "earlier events of escalations.v1 are told to nobody" in notifier.log
            assert notifier.terminate(SOON) == 0, notifier.log
        await desk.tell(assigned(ticket, "meanwhile"))
        with a_notifier(broker.bootstrap_servers, tmp_path, free_port) as notifier:
            await eventually(lambda: desk.outcomes(ticket), 40, what=lambda: notifier.log)
            assert notifier.terminate(SOON) == 0, notifier.log
    (outcome,) = desk.outcomes(ticket)
    assert outcome.cause_id == assigned(ticket, "meanwhile").meta.id


async def test_a_crash_between_sending_and_recording_repeats_nothing(
    broker: LocalKafka, tmp_path: Path, free_port: int
) -> None:
    ticket = "zendesk-eu/crash"
    async with NotifierDesk(broker.bootstrap_servers) as desk, a_slack("U0ANA", "U0MIA") as slack:
        slack.faults.add("chat.postMessage", Fault(hang=True, after=True))
        with a_notifier(broker.bootstrap_servers, tmp_path, free_port, with_slack(slack)) as notifier:
            await ready(notifier)
            await desk.tell(assigned(ticket))
            await eventually(lambda: slack.messages, what=lambda: notifier.log)
            notifier.kill()
        assert desk.outcomes(ticket) == []
        with a_notifier(broker.bootstrap_servers, tmp_path, free_port, with_slack(slack)) as notifier:
            await eventually(lambda: desk.outcomes(ticket), 40, what=lambda: notifier.log)
            assert notifier.terminate(SOON) == 0, notifier.log
        (outcome,) = desk.outcomes(ticket)
        assert isinstance(outcome, NoticeDelivered)
        assert (outcome.via, outcome.attempts, outcome.possible_repeat) == ("slack", 2, False)
        assert len(slack.messages) == 1


async def test_a_crash_anywhere_under_load_leaves_each_notice_told_once_by_id(
    broker: LocalKafka, tmp_path: Path, free_port: int
) -> None:
    tickets = [f"zendesk-eu/load-{number}" for number in range(120)]
    async with NotifierDesk(broker.bootstrap_servers) as desk:
        with a_notifier(broker.bootstrap_servers, tmp_path, free_port) as notifier:
            await ready(notifier)
            await desk.tell(*(assigned(ticket) for ticket in tickets))
            await eventually(lambda: len(sunk(tmp_path)) > 5, what=lambda: notifier.log)
            notifier.kill()
        with a_notifier(broker.bootstrap_servers, tmp_path, free_port) as notifier:
            await eventually(lambda: all(desk.outcomes(ticket) for ticket in tickets), 60, what=lambda: notifier.log)
            assert notifier.terminate(SOON) == 0, notifier.log
    assert all(len({outcome.meta.id for outcome in desk.outcomes(ticket)}) == 1 for ticket in tickets)
    assert len({row.key for row in sunk(tmp_path)}) == len(sunk(tmp_path)) == len(tickets)


async def test_shadow_mode_writes_to_nobody_whatever_is_configured(
    broker: LocalKafka, tmp_path: Path, free_port: int
) -> None:
    ticket = "zendesk-eu/shadow"
    async with NotifierDesk(broker.bootstrap_servers) as desk, a_slack("U0ANA") as slack:
        shadow = {**with_slack(slack), "ESCALON_SHADOW": "true"}
        with a_notifier(broker.bootstrap_servers, tmp_path, free_port, shadow) as notifier:
            await ready(notifier)
            await desk.tell(opening(ticket), assigned(ticket))
            await eventually(lambda: len(desk.told(ticket)) == 3, what=lambda: notifier.log)
            assert notifier.terminate(SOON) == 0, notifier.log
        assert slack.calls == []
    assert {outcome.via for outcome in desk.outcomes(ticket)} == {"sink"}


async def test_an_event_waits_for_the_policy_it_is_pinned_to(
    broker: LocalKafka, tmp_path: Path, free_port: int
) -> None:
    before, waiting = "zendesk-eu/pinned", "zendesk-eu/pinned-later"
    async with NotifierDesk(broker.bootstrap_servers) as desk:
        with a_notifier(broker.bootstrap_servers, tmp_path, free_port) as notifier:
            await ready(notifier)
            await desk.tell(assigned(before), assigned(waiting, version="later-1"))
            await eventually(lambda: desk.outcomes(before), what=lambda: notifier.log)
            await eventually(lambda: "later-1" in notifier.log, what=lambda: notifier.log)
            assert desk.outcomes(waiting) == []
            await desk.publish_policy(a_policy(), "later-1")
            await eventually(lambda: desk.outcomes(waiting), 40, what=lambda: notifier.log)
            assert notifier.terminate(SOON) == 0, notifier.log


async def test_a_first_start_that_was_told_an_instant_tells_what_was_since(
    broker: LocalKafka, tmp_path: Path, free_port: int
) -> None:
    ticket = "zendesk-eu/since"
    async with NotifierDesk(broker.bootstrap_servers) as desk:
        await desk.tell(assigned(ticket))
        since = {"ESCALON_SINCE": "2020-01-01T00:00:00Z"}
        with a_notifier(broker.bootstrap_servers, tmp_path, free_port, since) as notifier:
            await eventually(lambda: desk.outcomes(ticket), 40, what=lambda: notifier.log)
            assert notifier.terminate(SOON) == 0, notifier.log
