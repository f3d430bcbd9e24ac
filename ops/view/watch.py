"""Follows the log and shows it: the live view where there is a terminal, a line for each piece of news where not."""

import asyncio
import sys
from collections.abc import Callable

from rich.console import Console
from rich.live import Live

from chassis.clock import REAL_TIME
from ops.connection import EventLog
from ops.view.dashboard import Dashboard, Moment
from ops.view.live_view import picture
from schemas.catalogue import ESCALATIONS, NOTIFICATIONS, SLA

_PICTURES_A_SECOND = 5


class Follower:
    """Folds the log into a dashboard; without a terminal it prints what is news since it began."""

    def __init__(self, log: EventLog, dashboard: Dashboard, say: Callable[[str], None] | None) -> None:
        self._log = log
        self._dashboard = dashboard
        self._say = say

    async def run(self) -> None:
        """Follow until cancelled; what was on the log before is folded and not told again."""
        began_ms = REAL_TIME.now().timestamp() * 1000
        async for entry in self._log.entries(ESCALATIONS, SLA, NOTIFICATIONS, follow=True):
            is_new = self._dashboard.take(entry.message)
            if self._say and is_new and entry.message is not None and entry.record.timestamp_ms >= began_ms:
                line = self._dashboard.feed.plain(entry.message)
                if line is not None:
                    self._say(line)


async def paint(dashboard: Dashboard, moment: Callable[[], Moment], console: Console) -> None:
    """Draw the dashboard again and again, on a screen of its own, until cancelled."""
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            width, height = console.size
            live.update(picture(dashboard, moment(), width, height), refresh=True)
            await asyncio.sleep(1 / _PICTURES_A_SECOND)


async def show(log: EventLog, dashboard: Dashboard, moment: Callable[[], Moment]) -> None:
    """Follow and show until cancelled; raises StartUpError when no broker answers."""
    console = Console()
    if not console.is_terminal:
        await Follower(log, dashboard, say_line).run()
        return
    following = asyncio.create_task(Follower(log, dashboard, None).run())
    painting = asyncio.create_task(paint(dashboard, moment, console))
    try:
        done, _ = await asyncio.wait({following, painting}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in (following, painting):
            task.cancel()
        await asyncio.gather(following, painting, return_exceptions=True)


def say_line(line: str) -> None:
    """Print a line now."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
