"""Runs in which clocks go by what the customer writes are held against the same promises."""

import asyncio
import functools

import pytest
from msgspec.structs import replace

from schemas import escalations as ev
from schemas.vocabulary import ClockName
from tests.harness.evidence import STORIES, Taken, evidence_of

ANSWERED = "own/20_the_next_reply.yaml"
RUNS = sorted(f"own/{path.name}" for path in (STORIES / "own").glob("2[0-4]_*.yaml"))


@functools.cache
def taken(story: str) -> Taken:
    """Return the evidence of a story; it is only read."""
    return asyncio.run(evidence_of(story))


@pytest.mark.parametrize("story", RUNS)
def test_nothing_is_found_in_a_run_that_went_right(story: str) -> None:
    assert taken(story).broken() == {}


def test_an_answer_that_is_missing_on_record_is_found() -> None:
    evidence = taken(ANSWERED)
    (kept,) = [one for one in evidence.of(ev.SlaKept) if one.clock is ClockName.NEXT_REPLY]
    in_its_place = ev.OwnerNotified(
        meta=kept.meta,
        escalation=kept.escalation,
        notice_id="n",
        kind=evidence.of(ev.OwnerNotified)[0].kind,
        person="x",
    )
    broken = evidence.with_other(kept, in_its_place).broken()
    assert any("next_reply 1 kept is not on record" in line for line in broken["clocks right"])


def test_a_reply_that_lost_its_mark_changes_what_the_log_gives() -> None:
    evidence = taken(ANSWERED)
    for received in evidence.of(ev.CustomerReplyReceived):
        evidence = evidence.with_other(received, replace(received, awaits_reply=None))
    assert "clocks right" in evidence.broken()
