"""When each ticket is next to be looked at: minute buckets, and a heap for what is near. One per partition."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from heapq import heapify, heappop, heappush

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MINUTE = 60_000_000
_STALE_ALLOWED = 10_000


class DueIndex:
    """At most one instant for each ticket. Not durable: it is rebuilt from the rows.

    Entries that were replaced stay in their bucket until its minute comes and are passed over then, so adding and
    expiring cost a microsecond or two, whatever the number of tickets. Where most are such, all are laid out anew: a
    ticket that is closed is not to take room until the day it was once due on.
    """

    def __init__(self) -> None:
        self._due: dict[str, int] = {}
        self._buckets: dict[int, list[str]] = {}
        self._minutes: list[int] = []
        self._near: list[tuple[int, str]] = []
        self._near_until = 0
        self._entries = 0

    def __len__(self) -> int:
        return len(self._due)

    def put(self, ticket: str, due_at: datetime | None) -> None:
        """Have the ticket looked at then, instead of when it was to be; None: not at all."""
        if due_at is None:
            self._due.pop(ticket, None)
            self._tidy()
            return
        due = (due_at - _EPOCH) // _MICROSECOND
        if self._due.get(ticket) == due:
            return
        self._place(ticket, due)
        self._tidy()

    def _place(self, ticket: str, due: int) -> None:
        self._due[ticket] = due
        self._entries += 1
        if due < self._near_until:
            heappush(self._near, (due, ticket))
        else:
            self._bucket_of(due).append(ticket)

    def next_due_at(self) -> datetime | None:
        """Return the earliest instant there is."""
        while True:
            self._drop_stale()
            if self._near:
                return _EPOCH + self._near[0][0] * _MICROSECOND
            if not self._minutes:
                return None
            self._take_in(self._minutes[0])

    def expired(self, now: datetime, most: int | None = None) -> list[str]:
        """Take out and return the tickets due by then, in due order, at most so many."""
        limit = (now - _EPOCH) // _MICROSECOND
        while self._minutes and self._minutes[0] <= limit // _MINUTE + 1:
            self._take_in(self._minutes[0])
        tickets: list[str] = []
        while self._near and self._near[0][0] <= limit and len(tickets) != most:
            due, ticket = heappop(self._near)
            self._entries -= 1
            if self._due.get(ticket) == due:
                del self._due[ticket]
                tickets.append(ticket)
        return tickets

    def between(self, since: datetime, until: datetime) -> Iterator[tuple[str, datetime]]:
        """Yield the tickets due after `since` and by `until`, in no order; costs as much as there are by then."""
        first, limit = ((instant - _EPOCH) // _MICROSECOND for instant in (since, until))
        while self._minutes and self._minutes[0] <= limit // _MINUTE:
            self._take_in(self._minutes[0])
        places = [0]
        while places:
            place = places.pop()
            if place < len(self._near) and self._near[place][0] <= limit:
                due, ticket = self._near[place]
                if due > first and self._due.get(ticket) == due:
                    yield ticket, _EPOCH + due * _MICROSECOND
                places += (2 * place + 1, 2 * place + 2)

    def _bucket_of(self, due: int) -> list[str]:
        minute = due // _MINUTE
        bucket = self._buckets.get(minute)
        if bucket is None:
            bucket = self._buckets[minute] = []
            heappush(self._minutes, minute)
        return bucket

    def _take_in(self, minute: int) -> None:
        """Move the earliest bucket into the heap, leaving out what was replaced since."""
        heappop(self._minutes)
        self._near_until = (minute + 1) * _MINUTE
        for ticket in self._buckets.pop(minute):
            due = self._due.get(ticket)
            if due is not None and due // _MINUTE == minute:
                self._near.append((due, ticket))
            else:
                self._entries -= 1
        heapify(self._near)

    def _drop_stale(self) -> None:
        while self._near and self._due.get(self._near[0][1]) != self._near[0][0]:
            heappop(self._near)
            self._entries -= 1

    def _tidy(self) -> None:
        if self._entries <= 2 * len(self._due) + _STALE_ALLOWED:
            return
        due = self._due
        self._due, self._buckets, self._minutes, self._near = {}, {}, [], []
        self._entries = 0
        for ticket, at in due.items():
            self._place(ticket, at)
