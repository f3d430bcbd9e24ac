"""A Faust table whose rows have versions, so that what a replica wrote after it had lost the partition does no harm.

Nothing keeps such a replica from its last writes: they wait in its producer while it is frozen.
"""

from collections.abc import Callable, Iterable

import faust
from faust.types import TP, EventT, FutureMessage
from faust.types.tuples import RecordMetadata

_NONE = -1
_MIB = 1024 * 1024
_STORE = {
    "write_buffer_size": _MIB,
    "max_write_buffer_number": 2,
    "block_cache_size": 4 * _MIB,
    "target_file_size_base": 16 * _MIB,
}
"""For each partition. Faust's own write buffer of 64 MiB and cache of 2 GiB make the memory grow for days."""


class VersionedTable(faust.Table[bytes, bytes]):
    """Bytes by bytes. `version_of` gives the version of a stored row; recovery never replaces one by an older."""

    def __init__(self, app: faust.App, name: str, version_of: Callable[[bytes], int]) -> None:
        super().__init__(app, name=name, key_type=bytes, value_type=bytes, options=_STORE, beacon=app.tables.beacon)
        self._version_of = version_of

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

    def _on_changelog_sent(self, fut: FutureMessage) -> None:
        """Remember how far the copy on disk goes: up to where somebody else wrote between what we wrote."""
        sent: RecordMetadata = fut.result()
        known = self.data.persisted_offset(sent.topic_partition)
        if sent.offset == (_NONE if known is None else known) + 1:
            super()._on_changelog_sent(fut)
