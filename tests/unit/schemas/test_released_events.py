"""What an earlier version wrote is read, folded and answered today as it was then."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ops.scenario.reading import read_story
from ops.scenario.setting import setting_of
from schemas.codec import Codec, SchemaBook
from schemas.escalations import EscalationEvent, StreamEvent
from schemas.ids import TicketKey
from schemas.message import Message
from schemas.notifications import NoticeDelivered
from services.notifier.domain.planning import Setting, plan_notices
from services.router.domain.evolve import evolve
from services.router.domain.state import TicketState
from services.sla_monitor.domain.folding import fold, ticket_of, version_of
from services.sla_monitor.domain.row import AnyRow
from tests.harness.released import VERSIONS, events_of

_STORIES = {path.stem: path for path in (Path(__file__).parents[2] / "acceptance" / "scenarios").rglob("*.yaml")}
_NOW = datetime(2026, 6, 2, 8, 0, tzinfo=UTC)

pytestmark = pytest.mark.parametrize("version", VERSIONS)


def _written(version: str) -> Mapping[str, list[Message]]:
    codec = Codec(SchemaBook())
    stories: dict[str, list[Message]] = {}
    for written in events_of(version):
        message = codec.decode(written.value)
        assert message.wire_name() == written.name
        stories.setdefault(written.story, []).append(message)
    return stories


def _streams(messages: list[Message]) -> list[StreamEvent]:
    return [message for message in messages if isinstance(message, StreamEvent)]


def test_every_event_is_read_and_says_the_same_when_written_again(version: str) -> None:
    codec = Codec(SchemaBook())
    messages = [message for story in _written(version).values() for message in story]

    assert messages
    assert [codec.decode(codec.encode(message)) for message in messages] == messages


def test_every_stored_stream_folds_without_gap_into_the_state_its_last_event_tells(version: str) -> None:
    for messages in _written(version).values():
        states: dict[str, TicketState] = {}
        for event in _streams(messages):
            ticket = ticket_of(event)
            states[ticket] = evolve(states.get(ticket, TicketState(ticket=TicketKey(ticket))), event)
            assert states[ticket].version == version_of(event)
            escalation = states[ticket].escalation
            if isinstance(event, EscalationEvent):
                told = event.escalation
                assert escalation is not None
                assert (escalation.owner, escalation.state) == (told.owner, told.state)


def test_the_monitor_folds_every_stream_to_its_last_version(version: str) -> None:
    rows: dict[str, AnyRow | None] = {}
    for story, messages in _written(version).items():
        for event in _streams(messages):
            key = f"{story} {ticket_of(event)}"
            row = rows[key] = fold(rows.get(key), event)
            assert row is None or row.version == version_of(event)
    assert any(rows.values())


def test_every_notice_that_was_delivered_is_planned_today_under_the_same_id(version: str) -> None:
    compared = 0
    for story, messages in _written(version).items():
        setting = setting_of(read_story(_STORIES[story]))
        told = Setting(policy=setting.policy.policy, roster=setting.roster, now=_NOW)
        planned = {notice.id for event in _streams(messages) for notice in plan_notices(event, told).notices}
        delivered = {message.notice_id for message in messages if isinstance(message, NoticeDelivered)}
        assert delivered <= planned, story
        compared += len(delivered)
    assert compared
