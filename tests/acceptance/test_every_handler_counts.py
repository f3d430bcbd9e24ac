"""Taking any handler out makes a story fail: what no story would miss has no business here."""

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest

from ops.scenario import players
from ops.scenario.language import Story
from ops.scenario.reading import read_story
from ops.scenario.setting import Setting, setting_of
from ops.scenario.world import Stage
from schemas.escalations import StreamEvent
from schemas.message import Message
from schemas.notifications import NoticeDelivered, NoticeSuperseded
from services.notifier.domain import occasions
from services.router.handlers import HANDLERS

SHELVES = ("own", "core", "clocks")
FOR_THE_RECORD_ONLY = {NoticeDelivered, NoticeSuperseded}
"""What the router makes of these is on record and shows nowhere else; its unit tests hold them."""
TOLD = sorted({*occasions._TOLD, *occasions._JUDGED}, key=lambda event: event.__name__)


@pytest.fixture(scope="module")
def stories() -> list[tuple[Story, Setting]]:
    folder = Path(__file__).parent / "scenarios"
    paths = [path for shelf in SHELVES for path in sorted((folder / shelf).glob("*.yaml"))]
    read = [read_story(path) for path in paths]
    return [(story, setting_of(story)) for story in read]


@pytest.fixture(scope="module")
def stage() -> Stage:
    return Stage()


async def _failing(stage: Stage, stories: list[tuple[Story, Setting]]) -> AsyncIterator[str]:
    for story, setting in stories:
        if await stage.play(story, setting):
            yield story.name


async def _a_story_fails(stage: Stage, stories: list[tuple[Story, Setting]]) -> bool:
    async for _ in _failing(stage, stories):
        return True
    return False


@pytest.mark.parametrize(
    "kind", [kind for kind in HANDLERS if kind not in FOR_THE_RECORD_ONLY], ids=lambda kind: kind.__name__
)
async def test_without_this_handler_of_the_router_a_story_fails(
    kind: type[Message], stage: Stage, stories: list[tuple[Story, Setting]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(HANDLERS, kind)

    assert await _a_story_fails(stage, stories)


@pytest.mark.parametrize("event", TOLD, ids=lambda event: event.__name__)
async def test_when_nobody_is_told_of_this_event_a_story_fails(
    event: type[StreamEvent], stage: Stage, stories: list[tuple[Story, Setting]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(occasions, "SILENT", occasions.SILENT | {event})

    assert await _a_story_fails(stage, stories)


@pytest.mark.parametrize(
    "player", [players.ClassifierPlayer, players.RouterPlayer, players.MonitorPlayer, players.NotifierPlayer]
)
async def test_without_this_service_a_story_fails(
    player: type[players.Player], stage: Stage, stories: list[tuple[Story, Setting]], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def take_nothing(_self: object, _message: Message, _now: datetime) -> list[Message]:
        return []

    monkeypatch.setattr(player, "take", take_nothing)

    assert await _a_story_fails(stage, stories)


async def test_without_the_clock_of_the_monitor_a_story_fails(
    stage: Stage, stories: list[tuple[Story, Setting]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(players.MonitorPlayer, "wakes_at", lambda _self: None)

    assert await _a_story_fails(stage, stories)
