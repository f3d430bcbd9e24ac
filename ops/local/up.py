"""`escalon up`, step by step: Kafka, topics, procedure, services, then the sample morning by the fast clock."""

import asyncio
import logging
import signal
import sys
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from chassis.clock import ClockKeeper, SharedClock
from chassis.errors import EscalonError
from ops.commands.tickets import play_by_clock
from ops.connection import EventLog, publisher
from ops.event_file import FileEvent, read_event_file
from ops.local.installation import Installation
from ops.local.procedure import publish_procedure
from ops.local.supervisor import Supervisor
from ops.topics import apply_topics
from ops.view.dashboard import Dashboard, Moment
from ops.view.watch import say_line, show
from schemas.catalogue import ACCOUNTS, COMMANDS, TICKETS
from schemas.message import NEVER

MORNING = Path(__file__).resolve().parents[2] / "deploy" / "local" / "sample_morning.jsonl"
MORNING_AT = datetime(2026, 6, 2, 6, 0, tzinfo=UTC)
"""Eight o'clock in Berlin on the Tuesday that the sample morning is."""
_BEAT_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user asked for."""

    run_for_seconds: float | None
    speed: float
    zone: ZoneInfo
    fresh: bool


class Up:
    """One run of a local installation, from start to stop."""

    def __init__(self, here: Installation, wishes: Wishes) -> None:
        self._here = here
        self._wishes = wishes
        self._clock = SharedClock(here.clock_file)
        self._keeper = ClockKeeper(here.clock_file, MORNING_AT, wishes.speed)
        self._supervisor = Supervisor(here.broker(), here.services(), self._say)
        self._ending = asyncio.Event()
        self._remark = ""
        self._events = 0
        self._played = 0

    async def run(self) -> None:
        """Run until a signal, or as long as was asked for after the play began; everything is stopped when it returns.

        Raises StartUpError naming what is missing, or what ends again and again.
        """
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._ending.set)
        self._here.prepare(fresh=self._wishes.fresh)
        _log_to(self._here.logs / "up.log")
        self._events_of_the_morning = read_event_file(MORNING)
        self._events = len(self._events_of_the_morning)
        try:
            if await self._unless_ending(self._start()):
                await self._unless_ending(self._play_and_show())
        except* EscalonError as failed:
            raise _first(failed) from None
        finally:
            await self._stop()

    async def _start(self) -> None:
        if not self._here.clock_file.is_file():
            # It is the morning's first minute for every process that starts; time passes when all of them are ready.
            self._keeper.start()
            self._keeper.stop()
        say_line(f"starting Kafka on port {self._here.port} …")
        await self._supervisor.start_broker()
        settings = self._here.kafka_settings
        created = await apply_topics(settings)
        published = await publish_procedure(settings, self._clock)
        say_line(f"{len(created)} topics created, {len(published)} of policy and roster published; starting services …")
        self._here.say_where()
        await self._supervisor.start_services()

    async def _play_and_show(self) -> None:
        settings = self._here.kafka_settings
        events = await self._not_yet_sent(self._events_of_the_morning)
        self._keeper.start()
        now = self._clock.now().astimezone(self._wishes.zone)
        say_line(f"ready: it is {now:%A %d %B %Y, %H:%M:%S}, time runs {self._wishes.speed:g} times as fast")
        async with asyncio.TaskGroup() as group:
            group.create_task(self._beat())
            group.create_task(self._supervisor.keep())
            group.create_task(self._play(events))
            group.create_task(show(EventLog(settings), Dashboard(self._wishes.zone), self._moment))
            if self._wishes.run_for_seconds is not None:
                asyncio.get_running_loop().call_later(self._wishes.run_for_seconds, self._ending.set)

    async def _not_yet_sent(self, events: list[FileEvent]) -> list[FileEvent]:
        """Leave out what an earlier run has sent: it is on the log under the same id."""
        log = EventLog(self._here.kafka_settings)
        sent = {entry.message.meta.id async for entry in log.entries(ACCOUNTS, TICKETS, COMMANDS) if entry.message}
        left = [event for event in events if event.sealed(NEVER).meta.id not in sent]
        self._played = len(events) - len(left)
        return left

    async def _play(self, events: list[FileEvent]) -> None:
        async with publisher(self._here.kafka_settings) as out:
            await play_by_clock(events, out, self._clock, self._count)

    async def _beat(self) -> None:
        while True:
            self._keeper.beat()
            await asyncio.sleep(_BEAT_SECONDS)

    async def _unless_ending(self, work: Coroutine[Any, Any, None]) -> bool:
        """Do the work, but drop it when the end is asked for; tell whether it was done. Raises what it raises."""
        working = asyncio.create_task(work)
        ending = asyncio.create_task(self._ending.wait())
        await asyncio.wait({working, ending}, return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        if working.done():
            working.result()
            return True
        working.cancel()
        await asyncio.wait({working})
        return False

    async def _stop(self) -> None:
        self._keeper.stop()
        say_line("stopping …")
        await self._supervisor.stop()
        self._here.say_no_more()
        say_line("stopped; a second `up` goes on from here, `make reset` forgets")

    def _moment(self) -> Moment:
        played = f"{self._played}/{self._events} played"
        remark = f"{played}  {self._remark}" if self._remark else played
        return Moment(self._clock.now(), self._wishes.speed, self._supervisor.lights, remark)

    def _count(self) -> None:
        self._played += 1

    def _say(self, line: str) -> None:
        self._remark = line
        if not sys.stdout.isatty():
            say_line(line)
        logging.getLogger(__name__).warning(line)


def _first(failed: BaseExceptionGroup[EscalonError]) -> EscalonError:
    """Return the first of what failed together: one clear line is told."""
    found: BaseException = failed
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    assert isinstance(found, EscalonError)  # noqa: S101  # `except*` chose them
    return found


def _log_to(file: Path) -> None:
    """Let libraries log to a file: the terminal is the view's."""
    handler = logging.FileHandler(file)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.getLogger().addHandler(handler)
