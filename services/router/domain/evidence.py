"""What the router has seen of its other inputs when it is given a finding of the sla_monitor."""

from datetime import datetime, timedelta

import msgspec


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Whether all that could refute a finding has been read; gathered by the stream, per partition.

    `classified_until` is the last `ClassifierProgressed.reached_at` of the partition (None: none seen yet);
    `commands_read` tells that `commands.v1` was read to the end it had when the finding came; `held_for` is how long
    the finding has waited, in real time.
    """

    classified_until: datetime | None
    commands_read: bool
    held_for: timedelta = timedelta(0)
