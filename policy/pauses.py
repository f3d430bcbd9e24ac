"""In which states of an escalation a clock stands, time passing for nobody (procedure, "Clock rules")."""

from enum import StrEnum

from policy.document import Part


class PauseCause(StrEnum):
    """What a clock may stand for."""

    PROPOSED_RESOLUTION = "proposed_resolution"
    """The customer is asked whether it is solved, until the answer."""
    QUESTION = "question"
    """The customer was asked a question, until a reply of whatever kind, a proposed resolution or the close."""


class Pauses(Part, frozen=True, kw_only=True):
    """What each clock stands for. No other clock can: a question answers the customer, so it ends them.

    A proposed resolution ends the running update, so only a question can pause that.
    """

    resolution: tuple[PauseCause, ...] = (PauseCause.PROPOSED_RESOLUTION,)
    update: tuple[PauseCause, ...] = ()

    @property
    def for_questions(self) -> bool:
        """Tell whether any clock stands while a question waits."""
        return PauseCause.QUESTION in (*self.resolution, *self.update)
