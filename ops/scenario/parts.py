"""What the words of a story are made of, and the words of what follows a close, a deletion or a promise."""

from datetime import datetime

import msgspec

from schemas.vocabulary import PreventionKind


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a story; unknown words are refused."""


class By(Part, frozen=True, kw_only=True):
    """Who."""

    by: str


class Written(By, frozen=True, kw_only=True):
    """Who wrote what."""

    text: str


class DeletedBecause(Part, frozen=True, kw_only=True):
    """The ticket is deleted."""

    reason: str | None = None


class Promised(Written, frozen=True, kw_only=True):
    """What the customer is told, and when the next word comes."""

    next_at: datetime


class ActionPlannedAs(Written, frozen=True, kw_only=True):
    """A preventive action."""

    action: str
    kind: PreventionKind
    owner: str
    due_at: datetime


class ActionNamed(By, frozen=True, kw_only=True):
    """A preventive action that is done."""

    action: str
