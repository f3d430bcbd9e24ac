"""Shares of a target at which somebody is told; past the whole of it, how far over it a clock is."""

from policy.document import Part
from schemas.vocabulary import Audience

BREACH = 100
"""Percent of the target at which a promise is broken."""


class Threshold(Part, frozen=True, kw_only=True):
    """A share of a clock's target, in percent of its working time, and who is told when it is used up.

    Below 100 it is a warning, 100 is the breach, above it is an overrun: so far the clock went on after the breach.
    `audiences` null: whom `audiences.yaml` tells of a warning or, from 100 on, of a breach; empty: nobody, it only goes
    on record. From 100 on it may come again each `every` percent more, `at_most` so many times, until the cycle ends.
    """

    percent: int
    audiences: tuple[Audience, ...] | None = None
    every: int | None = None
    at_most: int | None = None

    @property
    def percents(self) -> range:
        """The share itself and where it comes again, ascending."""
        step = self.every or 1
        return range(self.percent, self.percent + step * (self.at_most or 0) + 1, step)


def percents_of(thresholds: tuple[Threshold, ...]) -> tuple[int, ...]:
    """Return every share at which something is said, ascending; the breach is always one of them."""
    return tuple(sorted({BREACH, *(percent for one in thresholds for percent in one.percents)}))


def audiences_at(thresholds: tuple[Threshold, ...], percent: int) -> tuple[Audience, ...] | None:
    """Return who is told of a share; None where the thresholds leave it to the kind of notice."""
    return next((one.audiences for one in thresholds if percent in one.percents), None)
