"""What the customer is waited on for, which clocks may stand for."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from policy.pauses import PauseCause, Pauses
from schemas.vocabulary import ClockName, Severity
from services.auditor.domain.case import Fact, Happening, Rule
from services.auditor.domain.rounds import Cycle

PausesUnder = Callable[[Rule, Severity], Pauses]
"""What clocks stand for by what is held to and the severity."""


@dataclass(slots=True)
class Waiting:
    """What the customer is waited on for, and whether all is over; by what is in force, clocks stand for that."""

    rule: Rule
    severity: Severity
    pauses: PausesUnder
    proposed: bool = False
    asked: bool = False
    over: bool = False

    def tell(self, fact: Fact, *, void: bool) -> None:
        """Take the next fact; a message that is no question, or an assignment, ends no waiting."""
        match fact.what:
            case Happening.CONTACT:
                self.asked = self.asked or (fact.question and not void and not self.over)
            case Happening.REPLIED:
                self.asked = False
            case Happening.PROPOSED | Happening.REJECTED:
                self.proposed, self.asked = fact.what is Happening.PROPOSED, False
            case Happening.CONFIRMED | Happening.CLOSED | Happening.REOPENED:
                self.proposed, self.asked, self.over = False, False, fact.what is not Happening.REOPENED
            case Happening.SEVERITY if fact.severity is not None:
                self.severity = fact.severity
            case Happening.ADOPTED if fact.rule is not None:
                self.rule = fact.rule
            case _:
                pass

    def stands(self, clock: ClockName) -> bool:
        """Tell whether the clock of the resolution, or of updates, stands."""
        allowed = self.pauses(self.rule, self.severity)
        causes = allowed.resolution if clock is ClockName.RESOLUTION else allowed.update
        proposed = self.proposed and PauseCause.PROPOSED_RESOLUTION in causes
        return self.over or proposed or (self.asked and PauseCause.QUESTION in causes)

    def move(self, cycle: Cycle, at: datetime) -> None:
        """Have a cycle stand or run from then on."""
        if self.stands(cycle.clock):
            cycle.stop(at)
        else:
            cycle.go_on(at)
