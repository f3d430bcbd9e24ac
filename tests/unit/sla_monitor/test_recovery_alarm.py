"""What Faust only logs ends the service: rows that are lost at once, a recovery that stands still after a minute."""

import logging
from datetime import timedelta

import pytest

from chassis.clock import ManualClock
from chassis.stream_rows import RowsNotRecoveredError
from services.sla_monitor.adapters.recovery_alarm import RecoveryAlarm
from tests.unit.sla_monitor.telling import instant

_LOG = logging.getLogger("faust.tables.recovery")
_SILENT = "[^--Recovery]: No event received for active tp %r since recovery start (started %s)"


@pytest.mark.expects_errors
def test_rows_that_cannot_be_read_end_it_at_once() -> None:
    with RecoveryAlarm() as alarm:
        alarm.raise_if_heard()
        _LOG.error("[^--Recovery]: Error in recovery: %r", "KeyError")
        with pytest.raises(RowsNotRecoveredError, match="could not be recovered"):
            alarm.raise_if_heard()


def test_a_recovery_that_stands_still_ends_it_after_a_minute_and_one_that_goes_on_does_not() -> None:
    clock = ManualClock(instant("08:00:00"))
    with RecoveryAlarm(clock) as alarm:
        _LOG.warning(_SILENT, "rows-0", "31 seconds ago")
        clock.advance(timedelta(seconds=59))
        alarm.raise_if_heard()
        alarm.calm()
        clock.advance(timedelta(seconds=60))
        alarm.raise_if_heard()
        _LOG.warning(_SILENT, "rows-0", "31 seconds ago")
        clock.advance(timedelta(seconds=60))
        with pytest.raises(RowsNotRecoveredError, match="stands still"):
            alarm.raise_if_heard()
