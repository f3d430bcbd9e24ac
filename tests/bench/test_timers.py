"""The sla_monitor's timers beside those of a plain Faust application and of Kafka Streams, in one run.

Each round gives every application a broker of its own. Nothing is asserted but that every timer came exactly once.
"""

import statistics
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.bench.measuring import cpu_seconds, note, percentile
from tests.bench.settings import BenchSettings
from tests.bench.timer_apps import TimerApp, kafka_streams, now_ms, our_monitor, plain_faust

pytestmark = pytest.mark.timeout(14_400)

BURST = 5_000
STEADY_A_SECOND, STEADY_SECONDS = 1_000, 30.0
OPEN = 1_000_000
RATE, COMPUTED = "events/s", "computing time an event, µs"
WARM, COLD = "warm restart, s", "cold recovery, s"
AT_ONCE, STEADY_P99 = "5,000 at once: all out, s", "1,000/s: p99 late, s"
RESIDENT = "open timers: resident, MiB"
APPS: dict[str, Callable[[Path], AbstractContextManager[TimerApp]]] = {
    "ours": our_monitor,
    "faust": plain_faust,
    "streams": kafka_streams,
}

Figures = dict[str, dict[str, list[float]]]


def test_timers_beside_the_peers(tmp_path: Path) -> None:
    settings = BenchSettings()
    figures: Figures = defaultdict(lambda: defaultdict(list))
    for turn in range(settings.rounds):
        names = settings.timer_apps if turn % 2 == 0 else settings.timer_apps[::-1]
        for name in names:
            folder = tmp_path / f"{name}-{turn}"
            folder.mkdir()
            with APPS[name](folder) as app:
                _Measured(app, name, figures, settings).all(filled=settings.timers_open if turn == 0 else 0)
    note(f"| figure | {' | '.join(settings.timer_apps)} |")
    for figure, values in figures.items():
        note(f"| {figure} | {' | '.join(_spread(values[name]) for name in settings.timer_apps)} |")


class _Measured:
    """One application's turn."""

    def __init__(self, app: TimerApp, name: str, figures: Figures, settings: BenchSettings) -> None:
        self._app = app
        self._name = name
        self._figures = figures
        self._events = settings.timer_events
        self._seconds = settings.seconds or STEADY_SECONDS

    def all(self, filled: int) -> None:
        """Take every figure; the last with so many open timers, where given."""
        rate = self._rate()
        self._fill("fill1", self._events + self._events // 4 - self._app.rows())
        self._found(WARM, self._app.restart("warm1", cold=False))
        self._found(COLD, self._app.restart("cold1", cold=True))
        self._found(AT_ONCE, self._burst(rate))
        self._found(STEADY_P99, self._steady(rate))
        if filled:
            self._found(RESIDENT, self._resident(filled))

    def _found(self, figure: str, value: float) -> None:
        self._figures[figure][self._name].append(value)
        note(f"{self._name}: {figure} {value:,.3f}")

    def _rate(self) -> float:
        """Return events a second once the first fifth is handled; a busy machine is told by the computing time."""
        warm_up = self._events // 4
        total = self._events + warm_up
        self._app.write(self._app.timers.load("load1", total))
        self._app.start()
        first, began = self._app.wait_handled(warm_up, 120 + warm_up / 50)
        computed = cpu_seconds(self._app.pid)
        last, ended = self._app.wait_handled(total, 120 + total / 50)
        self._found(COMPUTED, (cpu_seconds(self._app.pid) - computed) / (last - first) * 1e6)
        rate = (last - first) / (ended - began)
        self._found(RATE, rate)
        return rate

    def _burst(self, rate: float) -> float:
        """Return how long after they fell due the last of 5,000 was out; a first burst does not count."""
        for prefix in ("brst1", "brst2"):
            due = now_ms() + 2000 + int(BURST / rate * 1500)
            fired = self._app.fire(prefix, [due] * BURST, 180 + 2 * BURST / rate)
        return (max(appended for _, appended in fired) - due) / 1000

    def _steady(self, rate: float) -> float:
        count = int(self._seconds * STEADY_A_SECOND)
        begin = now_ms() + 4000 + int(count / rate * 1500)
        fired = self._app.fire("stdy1", [begin + number for number in range(count)], 300 + 2 * count / rate)
        late = [(appended - due) / 1000 for due, appended in fired]
        note(f"{self._name}: p50 {percentile(late, 50):.3f} s late")
        return percentile(late, 99)

    def _resident(self, filled: int) -> float:
        self._fill("open1", filled)
        return self._app.resident_mib()

    def _fill(self, prefix: str, rows: int) -> None:
        """Have so many more timers be open."""
        before = self._app.handled()
        self._app.write(self._app.timers.opened(prefix, rows))
        self._app.wait_handled(before + rows, 120 + rows / 50)


def _spread(values: list[float]) -> str:
    if not values:
        return ""
    return f"{statistics.median(values):,.2f} ({min(values):,.2f} to {max(values):,.2f})"
