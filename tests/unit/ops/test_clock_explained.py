"""`escalon clock explain`, from a log: why a clock stood, by whom, and how close to the breach it was."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import datetime

import pytest
from typer.testing import CliRunner

from chassis.records import Record
from chassis.settings import KafkaSettings
from ops.cli import app
from ops.clock_explained import UnexplainedError, explained
from ops.commands import people
from ops.connection import Entry, EventLog
from ops.scenario.reading import read_story
from ops.scenario.setting import setting_of
from policy.publication import canonical_json
from schemas.catalogue import Topic
from schemas.commands import SendUpdate
from schemas.message import Message
from schemas.reference_data import PolicyPublished
from tests.harness.evidence import STORIES, evidence_of
from tests.harness.examples import example_of

STORY = "own/22_a_question_pauses.yaml"
TICKET = "zendesk-eu/1"


class ToldLog(EventLog):
    """A log that holds what a story left."""

    def __init__(self, messages: Iterable[Message]) -> None:
        super().__init__(KafkaSettings(bootstrap_servers="nowhere:9092"))
        self._messages = tuple(messages)

    async def entries(self, *topics: Topic, follow: bool = False) -> AsyncIterator[Entry]:
        """Yield what there is, whatever the topics."""
        del topics, follow
        for message in self._messages:
            yield Entry(Record(topic="", partition=0, offset=0, key=None, value=None), message)


def _log(story: str) -> ToldLog:
    versioned = setting_of(read_story(STORIES / story)).policy
    published = PolicyPublished(
        meta=example_of(PolicyPublished).meta, version=versioned.version, document=canonical_json(versioned.policy)
    )
    return ToldLog([published, *(one.message for one in asyncio.run(evidence_of(story)).seen)])


async def _lines(log: ToldLog, now: str, clock: str, cycle: int) -> tuple[str, ...]:
    clocks = await explained(log, TICKET, datetime.fromisoformat(now))
    return next(one.lines for one in clocks if (one.clock.clock, one.clock.cycle) == (clock, cycle))


def test_a_pause_says_why_by_whom_and_how_close_to_the_breach() -> None:
    lines = asyncio.run(_lines(_log(STORY), "2026-06-03T12:00:00+00:00", "resolution", 1))

    assert [line for line in lines if line.startswith("paused")] == [
        (
            "paused  2026-06-02 09:00:00Z to 2026-06-02 13:00:00Z  4 h  ana asked the customer (update)"
            "  (question, by ana, 4.17 % used and 23 h left by then)"
        ),
        (
            "paused  2026-06-03 07:40:00Z to 2026-06-03 09:00:00Z  1 h 20 min  ana asked the customer (update)"
            "  (question, by ana, 15.28 % used and 20 h 20 min left by then)"
        ),
        (
            "paused  2026-06-03 09:00:00Z to 2026-06-03 10:00:00Z  1 h  ana proposed a resolution: fixed"
            "  (proposed resolution, by ana, 15.28 % used and 20 h 20 min left by then)"
        ),
    ]


def test_an_escalation_that_is_none_is_told_so() -> None:
    with pytest.raises(UnexplainedError, match="there is no escalation ESC-1"):
        asyncio.run(explained(_log(STORY), "ESC-1", datetime.fromisoformat("2026-06-03T12:00:00+00:00")))


def test_a_question_is_an_update_that_is_marked_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[object] = []

    async def keep(_by: str, draft: object) -> None:
        sent.append(draft)

    monkeypatch.setattr(people, "_send", keep)
    words = ["command", "update", TICKET, "--by", "ana", "--text", "Which browser?"]
    for more in ([], ["--question"]):
        said = CliRunner().invoke(app, [*words, *more])
        assert said.exit_code == 0, said.output

    assert [one.question for one in sent if isinstance(one, SendUpdate)] == [False, True]
