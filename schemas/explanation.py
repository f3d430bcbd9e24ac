"""Why a clock stood where it did: carried by findings and by the router's records of them, to be read years later."""

from datetime import datetime
from typing import Annotated

from schemas.message import Record, doc, pii

MOST_SEGMENTS = 24
"""Segments an explanation has at most; what there is more of is summed (sla_monitor, `domain/explaining.py`)."""


class ClockSegment(Record, frozen=True, kw_only=True, gc=False):
    """A stretch of a clock. Words are plain text, so that a reader need not know each."""

    what: Annotated[str, doc("`ran`, `closed` (not working time in its calendar) or `paused`.")]
    since: Annotated[datetime, doc("When it began (UTC).")]
    until: Annotated[datetime, doc("When it ended, or when the clock was looked at (UTC).")]
    seconds: Annotated[float, doc("How long it was; less than from since to until where closed hours are summed in.")]
    version: Annotated[int, doc("Version of the event that paused it; 0 where none did.")] = 0
    why: Annotated[str | None, doc("What it was paused for, like `proposed_resolution`, `question` or `closed`.")] = (
        None
    )
    by: Annotated[str | None, pii("Who brought that about: a roster key, or the helpdesk's id.")] = None


class ClockExplanation(Record, frozen=True, kw_only=True, gc=False):
    """A cycle of a clock as it stood at the threshold, at its end, or else when it was looked at."""

    sentence: Annotated[str, doc("All of it in one sentence, in English.")]
    target: Annotated[str, doc("What was promised, like `15 min` or `3 business days`.")]
    target_seconds: Annotated[float, doc("The same in seconds of working time.")]
    used_seconds: Annotated[
        float, doc("Seconds of working time used; they go on after a breach, until the cycle ends.")
    ]
    calendar: Annotated[str | None, doc("Calendar of the policy it ran on; null is around the clock.")] = None
    policy_version: Annotated[str, doc("Version of the procedure by which it was measured.")]
    segments: Annotated[
        tuple[ClockSegment, ...], doc(f"Its stretches in order, without a gap, {MOST_SEGMENTS} at most.")
    ] = ()
