"""How long and how hard the benches press; the defaults are the figures that docs/benchmarks.md names."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class BenchSettings(BaseSettings):
    """Read from ESCALON_BENCH_TICKETS, ESCALON_BENCH_SECONDS, ESCALON_BENCH_SURGE_BASE, ESCALON_BENCH_ROUNDS."""

    model_config = SettingsConfigDict(env_prefix="ESCALON_BENCH_")

    tickets: int = Field(20_000, ge=1_000)
    """How many tickets wait for the classifier and for the bare loop."""
    seconds: float | None = Field(None, gt=0)
    """How long a steady load lasts; each bench has its own default."""
    surge_base: float = Field(10, gt=0)
    """Tickets a second before a surge of thirty times as many."""
    timer_apps: tuple[str, ...] = ("ours", "faust", "streams")
    """Whose timers are compared; `ours`, `faust`, `streams` (which needs Maven)."""
    timer_events: int = Field(200_000, ge=1_000)
    """How many events are measured, after a quarter as many; as many rows as all of them are there to recover."""
    timers_open: int = Field(1_000_000, ge=0)
    """How many more timers are opened before memory is measured, in the first round."""
    rounds: int = Field(3, ge=1)
    """How often a figure is taken; the median counts."""
