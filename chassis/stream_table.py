"""A Faust table whose rows have versions, so that what a replica wrote after it had lost the partition does no harm.

Nothing keeps such a replica from its last writes: they wait in its producer while it is frozen.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import faust
from faust.types import TP, EventT
from rocksdict import WriteBatch

from chassis.changelog import Entry
from chassis.changelog_writer import ChangelogWriter
from chassis.producer import Appended
from chassis.records import Outgoing

_NONE = -1
_MIB = 1024 * 1024
_STORE = {
    "write_buffer_size": _MIB // 2,
    "max_write_buffer_number": 2,
    "block_cache_size": _MIB,
    "target_file_size_base": 16 * _MIB,
}
"""For each partition. Faust's own write buffer of 64 MiB and cache of 2 GiB make the memory grow for days; a larger
cache than this makes nothing faster, as the machine's own cache holds the files."""


class VersionedTable(faust.Table[bytes, bytes]):
    """Bytes by bytes. `version_of` gives the version of a stored row, or raises ValueError for what is none.

    Recovery never replaces a row by an older.
    """

    def __init__(self, app: faust.App, name: str, version_of: Callable[[bytes], int]) -> None:
        super().__init__(app, name=name, key_type=bytes, value_type=bytes, options=_STORE, beacon=app.tables.beacon)
        stream_app: Any = app
        self._changelog: ChangelogWriter = stream_app.changelog
        self._changelog.tell(self.changelog_topic_name, self._on_written)
        self._version_of = version_of
        self._unreadable: dict[TP, dict[bytes, int]] = {}

    def read(self, key: bytes, partition: int | None = None) -> bytes | None:
        """Return the row of a key; without a partition, of whichever of those held has it."""
        if partition is not None:
            row: bytes | None = self._store_of(partition).get(key)
            return row
        held: Any = self.data
        found: Iterator[bytes] = (row for one in held._dbs.values() if (row := one.get(key)) is not None)  # noqa: SLF001
        return next(found, None)

    def put(self, partition: int, key: bytes, row: bytes | None) -> None:
        """Replace the row of a key whose events come in that partition; None deletes it, also where there is none."""
        store = self._store_of(partition)
        if row is None:
            store.delete(key)
        else:
            store.put(key, row)
        self._changelog.put(Outgoing(self.changelog_topic_name, key, row, partition=partition))

    def load(self, partition: TP, entries: Sequence[Entry]) -> None:
        """Take rows from the changelog at once, with how far that is; doing so again changes nothing.

        A row without a version is passed over: see `unreadable`.
        """
        store = self._store_of(partition.partition)
        unreadable = self._unreadable.setdefault(partition, {})
        batch = WriteBatch(raw_mode=True)
        versions: dict[bytes, int] = {}
        for entry in entries:
            try:
                version = _NONE if entry.value is None else self._version_of(entry.value)
            except ValueError:
                unreadable[entry.key] = entry.offset
                continue
            unreadable.pop(entry.key, None)
            if entry.value is None:
                batch.delete(entry.key)
            elif version >= self._version_in(store, entry.key, versions):
                batch.put(entry.key, entry.value)
            else:
                continue
            versions[entry.key] = version
        if entries:
            # Behind a row that cannot be read nothing counts as read, so that every start meets it.
            reached = min([entries[-1].offset, *(offset - 1 for offset in unreadable.values())])
            batch.put(self._offset_key, str(reached).encode())
        store.write(batch)

    def unreadable(self, partition: TP) -> list[int]:
        """Return the offsets of the rows loaded that have no version, and that no later one of their key replaces."""
        return sorted(self._unreadable.get(partition, {}).values())

    def key_hashes(self, partition: TP) -> set[int]:
        """Return the hash of each key that has a row on disk."""
        found = {hash(key) for key in self._store_of(partition.partition).keys()}  # noqa: SIM118  it is no mapping
        found.discard(hash(self._offset_key))
        return found

    def empty(self, partition: TP) -> None:
        """Delete all rows of a partition from the disk."""
        self._unreadable.pop(partition, None)
        store = self._store_of(partition.partition)
        batch = WriteBatch(raw_mode=True)
        for key in store.keys():  # noqa: SIM118
            batch.delete(key)
        store.write(batch)

    def distrust(self, partition: TP) -> None:
        """Have what is on disk loaded anew when the partition is next assigned."""
        self._store_of(partition.partition).delete(self._offset_key)

    @property
    def _offset_key(self) -> bytes:
        store: Any = self.data
        key: bytes = store.offset_key
        return key

    def _store_of(self, partition: int) -> Any:
        store: Any = self.data
        return store._db_for_partition(partition)  # noqa: SLF001

    def _version_in(self, store: Any, key: bytes, versions: dict[bytes, int]) -> int:
        if key in versions:
            return versions[key]
        stored = store.get(key)
        return _NONE if stored is None else self._version_of(stored)

    def apply_changelog_batch(self, batch: Iterable[EventT[bytes]]) -> None:
        """Take rows from the changelog; reading any of it again changes nothing."""
        events = list(batch)
        versions: dict[bytes | None, int] = {}
        fresh = [event for event in events if self._is_fresh(event, versions)]
        super().apply_changelog_batch(fresh)
        ends: dict[TP, int] = {}
        for event in events:
            ends[event.message.tp] = max(event.message.offset, ends.get(event.message.tp, _NONE))
        for partition, offset in ends.items():
            self.data.set_persisted_offset(partition, offset)

    def _is_fresh(self, event: EventT[bytes], versions: dict[bytes | None, int]) -> bool:
        key, value = event.message.key, event.message.value
        if value is None:
            versions[key] = _NONE
            return True
        version = self._version_of(value)
        if key not in versions:
            stored = self.data.get(key)
            versions[key] = _NONE if stored is None else self._version_of(stored)
        if version < versions[key]:
            return False
        versions[key] = version
        return True

    def on_key_set(self, key: bytes, value: bytes) -> None:  # noqa: ARG002
        """Refuse what goes past `put`: Faust would write it beside the rows that wait."""
        raise TypeError("a row is put, not assigned")

    def on_key_del(self, key: bytes) -> None:  # noqa: ARG002
        """Refuse it, too."""
        raise TypeError("a row is put, not deleted")

    def _on_written(self, rows: Appended) -> None:
        """Remember how far the copy on disk goes: up to where somebody else wrote between what we wrote."""
        partition = TP(*rows.partition)
        store: Any = self.data
        if partition.partition not in store._dbs:  # noqa: SLF001  given away, and not to be opened again
            return
        known = store.persisted_offset(partition)
        if rows.offset == (_NONE if known is None else known) + 1:
            store.set_persisted_offset(partition, rows.offset + rows.records - 1)
