"""`python -m tests.fault.notifier_wiring <point> <prefix> <bites>`: a notifier that ends with notices in flight.

The product knows nothing of it: ports are wrapped in this process only. Notices about tickets that begin with the
prefix are held at the point until three of each channel are there; then SIGKILL comes, and the file says what it hit.
"""

import json
import os
import runpy
import signal
import sys
from asyncio import Event
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from pathlib import Path
from typing import TypeVar

from schemas.ids import NoticeId
from schemas.notifications import NoticeOutcome
from services.notifier.adapters.slack import SlackChannel
from services.notifier.adapters.smtp import SmtpChannel
from services.notifier.adapters.sql_ledger import SqlLedger
from services.notifier.adapters.zendesk import ZendeskChannel
from services.notifier.domain.outcomes import Receipt
from services.notifier.ports import Letter

OF_EACH = 3
"""How many notices of each channel are in flight when the end comes."""
POINTS = ("before-send", "sent", "concluded", "published")
_CHANNELS = 3

ChannelT = TypeVar("ChannelT", SlackChannel, SmtpChannel, ZendeskChannel)


class Bite:
    """Counts what has come to the point, by channel, and ends the process when there is enough of each."""

    def __init__(self, prefix: str, bites: Path) -> None:
        self.hit: Counter[str] = Counter()
        self._prefix = prefix
        self._bites = bites

    def concerns(self, ticket: str) -> bool:
        """Tell whether it is one of ours to hit."""
        return ticket.startswith(self._prefix)

    def comes(self, channel: str) -> None:
        """Note what has come."""
        self.hit[channel] += 1
        if len(self.hit) == _CHANNELS and min(self.hit.values()) >= OF_EACH:
            self._bites.write_text(json.dumps(self.hit), encoding="utf-8")
            os.kill(os.getpid(), signal.SIGKILL)


def wrap_send(channel: type[ChannelT], bite: Bite, *, after: bool) -> None:
    """Hold letters before they are sent, or their receipts after."""
    send: Callable[[ChannelT, Letter], Awaitable[Receipt]] = channel.send

    async def held(self: ChannelT, letter: Letter) -> Receipt:
        if not bite.concerns(letter.notice.about.ticket):
            return await send(self, letter)
        if after:
            await send(self, letter)
        bite.comes(self.name)
        await Event().wait()
        raise AssertionError("unreachable: the process ends meanwhile")

    _replace(channel, "send", held)


def wrap_conclude(bite: Bite) -> None:
    """Have the end come when outcomes are stored and none is published."""
    conclude, unpublished = SqlLedger.conclude, SqlLedger.unpublished

    async def concluded(self: SqlLedger, notice_id: NoticeId, outcome: NoticeOutcome) -> None:
        await conclude(self, notice_id, outcome)
        if bite.concerns(outcome.ticket):
            bite.comes(outcome.via)

    async def held(self: SqlLedger, partitions: Collection[int], limit: int) -> list[tuple[int, NoticeOutcome]]:
        return [row for row in await unpublished(self, partitions, limit) if not bite.concerns(row[1].ticket)]

    _replace(SqlLedger, "conclude", concluded)
    _replace(SqlLedger, "unpublished", held)


def wrap_published(bite: Bite) -> None:
    """Have the end come when outcomes are published and not marked as such."""
    mark, unpublished = SqlLedger.mark_published, SqlLedger.unpublished
    channels: dict[int, str] = {}

    async def gathered(self: SqlLedger, partitions: Collection[int], limit: int) -> list[tuple[int, NoticeOutcome]]:
        rows = await unpublished(self, partitions, limit)
        ours = Counter(outcome.via for _, outcome in rows if bite.concerns(outcome.ticket))
        if ours.total() > 0 and (len(ours) < _CHANNELS or min(ours.values()) < OF_EACH):
            return [row for row in rows if not bite.concerns(row[1].ticket)]
        channels.update({number: outcome.via for number, outcome in rows if bite.concerns(outcome.ticket)})
        return rows

    async def marked(self: SqlLedger, numbers: Sequence[int]) -> None:
        for number in numbers:
            if number in channels:
                bite.comes(channels[number])
        await mark(self, numbers)

    _replace(SqlLedger, "unpublished", gathered)
    _replace(SqlLedger, "mark_published", marked)


def _replace(owner: type, name: str, function: Callable[..., object]) -> None:
    setattr(owner, name, function)


def main(point: str, prefix: str, bites: str) -> None:
    """Run the notifier as its `__main__` does, with the point in place."""
    bite = Bite(prefix, Path(bites))
    if point == "concluded":
        wrap_conclude(bite)
    elif point == "published":
        wrap_published(bite)
    else:
        wrap_send(SlackChannel, bite, after=point == "sent")
        wrap_send(SmtpChannel, bite, after=point == "sent")
        wrap_send(ZendeskChannel, bite, after=point == "sent")
    runpy.run_module("services.notifier", run_name="__main__")


if __name__ == "__main__":
    main(*sys.argv[1:])
