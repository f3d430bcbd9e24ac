"""What is promised by severity and what clocks stand for: as the procedure says, or as a story has it instead."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

HOUR = timedelta(hours=1)

Target = timedelta | int
"""Time on the severity's clock, or business days."""

AROUND_THE_CLOCK = ("P1", "P2")
TARGETS: dict[str, dict[str, Target]] = {
    "P1": {
        "first_response": HOUR / 4,
        "update": HOUR / 2,
        "resolution": 4 * HOUR,
        "confirmation": 24 * HOUR,
    },
    "P2": {"first_response": HOUR, "update": 2 * HOUR, "resolution": 8 * HOUR, "confirmation": 24 * HOUR},
    "P3": {"first_response": 4 * HOUR, "update": 8 * HOUR, "resolution": 3, "confirmation": 1},
    "P4": {"first_response": 1, "resolution": 5, "confirmation": 1},
}
PAUSES = {"resolution": ["proposed_resolution"]}


class Promises:
    """The promises of a story, by its `severities`: an answer to what the customer writes is promised only there."""

    def __init__(self, severities: Mapping[str, Mapping[str, Any]]) -> None:
        self._severities = severities

    def target(self, severity: str, name: str) -> Target | None:
        """Return what is promised, None where nothing is."""
        if name != "next_reply":
            return TARGETS[severity].get(name)
        given = self._next_reply(severity)
        if given is None:
            return None
        amount = int(given["amount"])
        return amount if given["measure"] == "business_days" else timedelta(seconds=amount)

    def is_around_the_clock(self, severity: str, name: str) -> bool:
        """Tell whether the target is of elapsed time, and not of the business calendar."""
        given = self._next_reply(severity) if name == "next_reply" else None
        return severity in AROUND_THE_CLOCK or (given is not None and given["measure"] == "elapsed")

    def stands_for(self, severity: str, name: str) -> Sequence[str]:
        """Return what the clock stands for under that severity."""
        pauses: Mapping[str, Sequence[str]] = {**PAUSES, **self._severities.get(severity, {}).get("pauses", {})}
        return pauses.get(name, ())

    def _next_reply(self, severity: str) -> Mapping[str, Any] | None:
        found: Mapping[str, Any] | None = self._severities.get(severity, {}).get("next_reply")
        return found
