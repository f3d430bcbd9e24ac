"""The command line against a real Kafka on which no service runs: topics, policy, roster, tickets."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from schemas.catalogue import TICKETS, TOPICS
from schemas.tickets import TicketEvent
from tests.harness.installation import Installation, a_prepared_installation

pytestmark = [pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    """A broker with topics, policy and roster."""
    async with a_prepared_installation(tmp_path_factory.mktemp("prepared")) as installation:
        yield installation


def _line(number: str, at: str) -> str:
    ticket = {"helpdesk": "zendesk-eu", "ticket_id": number, "subject": "Down"}
    return json.dumps({"event": "TicketOpened", "at": at, "ticket": ticket})


async def _tickets(here: Installation, numbers: set[str]) -> list[TicketEvent]:
    events = [one for one in await here.log(TICKETS) if isinstance(one, TicketEvent)]
    return [one for one in events if one.ticket.ticket_id in numbers]


async def test_topics_are_listed_and_applying_them_again_changes_nothing(here: Installation) -> None:
    said = await asyncio.to_thread(here.escalon, "topics", "apply")
    lines = await here.lines("topics", "list")

    assert said.stdout.strip() == "every topic is there"
    assert {topic.name for topic in TOPICS} <= {line["topic"] for line in lines}
    assert all(line["problem"] is None for line in lines)


async def test_the_published_policy_and_roster_are_shown(here: Installation) -> None:
    for what in ("policy", "roster"):
        said = await asyncio.to_thread(here.escalon, what, "publish")
        assert said.returncode == 0, said.stderr
        assert said.stdout.strip().endswith("published")

    (policy,) = await here.lines("policy", "show")
    rows = await here.lines("roster", "who", "--at", "2026-06-02T08:00:00")

    assert policy["label"] == "default"
    assert len(rows) == 4


async def test_a_file_of_tickets_is_sent_and_sent_again_with_the_same_ids(here: Installation, tmp_path: Path) -> None:
    file = tmp_path / "tickets.jsonl"
    file.write_text(_line("sent-1", "2026-06-02T08:00:00Z") + "\n" + _line("sent-2", "2026-06-02T08:01:00Z") + "\n")

    for _ in range(2):
        said = await asyncio.to_thread(here.escalon, "ticket", "send", str(file))
        assert said.returncode == 0, said.stderr

    sent = await _tickets(here, {"sent-1", "sent-2"})
    assert len(sent) == 4
    assert len({one.meta.id for one in sent}) == 2


async def test_a_played_file_keeps_its_distances_times_the_speed(here: Installation, tmp_path: Path) -> None:
    file = tmp_path / "day.jsonl"
    file.write_text(_line("played-1", "2026-06-02T08:00:00Z") + "\n" + _line("played-2", "2026-06-02T09:00:00Z") + "\n")

    said = await asyncio.to_thread(here.escalon, "play", str(file), "--speed", "3600")

    assert said.returncode == 0, said.stderr
    first, second = sorted(await _tickets(here, {"played-1", "played-2"}), key=lambda one: one.meta.occurred_at)
    assert (second.meta.occurred_at - first.meta.occurred_at).total_seconds() == pytest.approx(1.0)


async def test_a_bad_file_is_named_by_line_and_nothing_of_it_is_sent(here: Installation, tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text(_line("good-1", "2026-06-02T08:00:00Z") + '\n{"event": "TicketPainted"}\n')

    said = await asyncio.to_thread(here.escalon, "ticket", "send", str(file))

    assert said.returncode == 1
    assert f"{file}:2:" in said.stderr
    assert await _tickets(here, {"good-1"}) == []


async def test_where_nothing_is_there_is_said_so(here: Installation) -> None:
    nobody = await asyncio.to_thread(here.escalon, "escalation", "show", "ESC-00000-00000")

    assert nobody.returncode == 1
    assert nobody.stderr.strip() == "escalon: there is no escalation ESC-00000-00000"
    assert await here.lines("escalation", "list") == []
    assert await here.lines("dead-letters", "list") == []
