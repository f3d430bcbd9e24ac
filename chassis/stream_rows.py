"""Whether the rows on disk are those of the changelog: compared key by key, partition by partition."""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field

from aiokafka.errors import KafkaError
from faust.types import TP

from chassis.changelog import ChangelogReader, Entry, a_changelog_reader
from chassis.errors import EscalonError
from chassis.settings import KafkaSettings
from chassis.stream_table import VersionedTable

_ROWS_AT_ONCE = 500
_LOOKS = 5
_BETWEEN_LOOKS_SECONDS = 15.0

log = logging.getLogger(__name__)


class RowsNotRecoveredError(EscalonError):
    """Rows could not be read back from the changelog; a new start reads them again."""


class LiveKeys:
    """The keys that have a row after the entries taken so far, as 64-bit hashes: 50 bytes each."""

    def __init__(self) -> None:
        self.hashes: set[int] = set()

    def take(self, entries: Iterable[Entry]) -> None:
        """Take what comes next in the changelog."""
        for entry in entries:
            if entry.value is None:
                self.hashes.discard(hash(entry.key))
            else:
                self.hashes.add(hash(entry.key))


@dataclass(slots=True)
class RowCounts:
    """How many rows each partition had on disk and in the changelog when they were last compared."""

    on_disk: dict[TP, int] = field(default_factory=dict)
    in_changelog: dict[TP, int] = field(default_factory=dict)

    def forget(self, partitions: Iterable[TP]) -> None:
        """Forget partitions that are given away."""
        for partition in partitions:
            self.on_disk.pop(partition, None)
            self.in_changelog.pop(partition, None)


class RowsCheck:
    """Compares, and has what differs read anew by the next start."""

    def __init__(self, settings: KafkaSettings, counts: RowCounts) -> None:
        self._settings = settings
        self._counts = counts

    def differing(self, table: VersionedTable, partition: TP, live: LiveKeys) -> set[int]:
        """Return the hashes of the keys that are only on disk, or only live in the changelog."""
        on_disk = table.key_hashes(partition)
        self._note(partition, on_disk, live)
        return on_disk ^ live.hashes

    def _note(self, partition: TP, on_disk: set[int], live: LiveKeys) -> None:
        self._counts.on_disk[partition] = len(on_disk)
        self._counts.in_changelog[partition] = len(live.hashes)

    def refuse(self, table: VersionedTable, partition: TP, differ: set[int]) -> RowsNotRecoveredError:
        """Take the copy on disk for worthless, and return what to end with."""
        table.distrust(partition)
        return RowsNotRecoveredError(
            f"{partition.topic}, partition {partition.partition}: {self._counts.on_disk[partition]} rows on disk,"
            f" {self._counts.in_changelog[partition]} in the changelog, {len(differ)} differ;"
            " the next start reads all of them again"
        )

    async def run(self, held: Mapping[TP, VersionedTable]) -> None:
        """Compare partitions while events are handled; raises RowsNotRecoveredError.

        A crash can keep a row, or its deletion, from the changelog: it is written when its event comes again. So only
        what differs look after look is taken for lost.
        """
        for partition, table in held.items():
            suspects = await self._suspects(table, partition)
            for _ in range(_LOOKS):
                if not suspects:
                    break
                place = {"topic": partition.topic, "partition": partition.partition}
                log.warning("rows and changelog differ", extra=place | {"count": len(suspects)})
                await asyncio.sleep(_BETWEEN_LOOKS_SECONDS)
                suspects &= await self._suspects(table, partition)
            if suspects:
                raise self.refuse(table, partition, suspects)

    async def _suspects(self, table: VersionedTable, partition: TP) -> set[int]:
        """Return the keys that differ, but for those that came or went while the changelog was read."""
        while True:
            before = table.key_hashes(partition)
            try:
                await table.app.producer.flush()
                async with a_changelog_reader(self._settings, partition.topic, partition.partition) as reader:
                    live = await _live(reader)
            except KafkaError as error:
                log.info("rows are not compared yet: %s", type(error).__name__)
                await asyncio.sleep(_BETWEEN_LOOKS_SECONDS)
                continue
            after = table.key_hashes(partition)
            self._note(partition, after, live)
            return (live.hashes - before - after) | ((before & after) - live.hashes)


async def _live(reader: ChangelogReader) -> LiveKeys:
    live = LiveKeys()
    begin, end = reader.span
    async with aclosing(reader.read(begin, end, _ROWS_AT_ONCE)) as entries_read:
        async for entries in entries_read:
            live.take(entries)
            await asyncio.sleep(0)
    return live
