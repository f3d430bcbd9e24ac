"""A probe tells /readyz whether something answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from chassis.errors import RetryableError
from chassis.probe import Probe
from tests.harness.waiting import eventually

SHORT = timedelta(milliseconds=10)


class Answering:
    """Answers, refuses or stays silent, as told."""

    def __init__(self) -> None:
        self.refuses = False
        self.silent = False

    async def ping(self) -> None:
        if self.refuses:
            raise RetryableError("away")
        if self.silent:
            await asyncio.Event().wait()


@asynccontextmanager
async def probing(answering: Answering) -> AsyncIterator[Probe]:
    probe = Probe("the store", answering.ping, every=SHORT, patience=SHORT)
    running = asyncio.create_task(probe.run())
    try:
        yield probe
    finally:
        probe.stop()
        await running


def test_nothing_is_well_before_it_was_asked() -> None:
    assert Probe("the store", Answering().ping).check() == "the store was not asked yet"


async def test_what_refuses_or_stays_silent_is_told_until_it_answers_again() -> None:
    answering = Answering()
    async with probing(answering) as probe:
        await eventually(lambda: probe.check() is None)
        answering.refuses = True
        await eventually(lambda: probe.check() == "the store does not answer")
        answering.refuses = False
        await eventually(lambda: probe.check() is None)
        answering.silent = True
        await eventually(lambda: probe.check() == "the store does not answer")
