"""Machines of what follows the close: the review, and what is done so that it does not happen again."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from schemas.vocabulary import ClockName
from services.auditor.domain.case import Fact, Happening
from services.auditor.domain.rounds import Cycle, begin, unended


@dataclass(slots=True)
class Review:
    """From each close to the review; a reopening ends it, too, and the next close begins another."""

    cycles: list[Cycle] = field(default_factory=list)

    def tell(self, fact: Fact, *, void: bool) -> None:  # noqa: ARG002  none of its facts is a message
        """Take the next fact."""
        if fact.what is Happening.CLOSED:
            self.cycles.append(begin(ClockName.REVIEW, len(self.cycles) + 1, fact.at))
        elif fact.what in {Happening.REVIEWED, Happening.REOPENED}:
            for cycle in unended(self.cycles):
                cycle.end(fact, answered=fact.what is Happening.REVIEWED)


@dataclass(slots=True)
class PreventiveAction:
    """From its plan until it is done, whatever becomes of the escalation."""

    cycles: list[Cycle] = field(default_factory=list)
    early: dict[int, Fact] = field(default_factory=dict)
    """What was done before it was planned."""

    def tell(self, fact: Fact, *, void: bool) -> None:  # noqa: ARG002  none of its facts is a message
        """Take the next fact."""
        if fact.what is Happening.PLANNED:
            action = begin(ClockName.PREVENTIVE_ACTION, fact.number, fact.at)
            action.promised_at = fact.next_at
            if fact.number in self.early:
                action.end(self.early[fact.number], answered=True)
            self.cycles.append(action)
        elif fact.what is Happening.DONE:
            mine = [action for action in unended(self.cycles) if action.number == fact.number]
            for action in mine:
                action.end(fact, answered=True)
            if not mine:
                self.early[fact.number] = fact


def unended_after(facts: Iterable[Fact]) -> list[Cycle]:
    """Return the reviews and preventive actions that have not ended."""
    review, action = Review(), PreventiveAction()
    for fact in facts:
        review.tell(fact, void=False)
        action.tell(fact, void=False)
    return [*unended(review.cycles), *unended(action.cycles)]
