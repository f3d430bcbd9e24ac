"""Read a story from a file: every word checked, every error with file and line."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from ops.scenario.language import (
    ACTS,
    DETAILS,
    KINDS,
    OF_NO_TICKET,
    VERDICT_WORDS,
    Down,
    Expectation,
    Given,
    Line,
    Story,
    When,
)
from ops.scenario.marked_yaml import MarkedMapping, StoryError, read_marked
from schemas.catalogue import SERVICES

T = TypeVar("T")

ONLY_TICKET = "zendesk-eu/1"
"""The ticket of a story that names none."""
_TOP = ("name", "given", "when", "then", "never", "complete", "until")
_TICKET = re.compile(r"^[^/\s]+/\S+$")


def read_story(path: Path) -> Story:
    """Return the story; raises StoryError naming file and line."""
    return _Reader(path).story(read_marked(path))


class _Reader:
    def __init__(self, path: Path) -> None:
        self._path = path

    def story(self, document: MarkedMapping) -> Story:
        """Read the whole document."""
        self._only(document, _TOP, "a story")
        for word in ("name", "when", "then", "until"):
            if word not in document:
                raise self._error(document.line, f"a story needs `{word}`")
        complete = self._convert(document.line, document.get("complete", []), tuple[str, ...])
        if unknown := [kind for kind in complete if kind not in KINDS]:
            raise self._error(document.line, f"complete: unknown {unknown[0]}; allowed are {', '.join(KINDS)}")
        return Story(
            path=str(self._path),
            name=str(document["name"]),
            given=self._convert(document.line, document.get("given", {}), Given),
            when=tuple(self._when(entry) for entry in self._entries(document, "when")),
            then=tuple(self._expectation(entry) for entry in self._entries(document, "then")),
            never=tuple(self._expectation(entry) for entry in self._entries(document, "never")),
            complete=complete,
            until=self._instant(document.line, document["until"]),
        )

    def _entries(self, document: MarkedMapping, word: str) -> list[MarkedMapping]:
        entries = document.get(word, [])
        if not isinstance(entries, list) or not all(isinstance(entry, MarkedMapping) for entry in entries):
            raise self._error(document.line, f"`{word}` is a list of mappings")
        return entries

    def _when(self, entry: MarkedMapping) -> When:
        if "at" not in entry:
            raise self._error(entry.line, "every `when` has an `at`")
        at = self._instant(entry.line, entry["at"])
        if "down" in entry:
            return self._down(entry, at)
        words = [word for word in entry if word not in {"at", "arrives", "ticket"}]
        if len(words) != 1 or words[0] not in ACTS:
            allowed = ", ".join((*ACTS, "down"))
            raise self._error(entry.line, f"one of {allowed}; found {', '.join(words) or 'none'}")
        (word,) = words
        return When(
            line=entry.line,
            at=at,
            arrives=self._instant(entry.line, entry["arrives"]) if "arrives" in entry else at,
            ticket="" if word in OF_NO_TICKET else self._ticket(entry),
            word=word,
            act=self._convert(entry.line, entry[word], ACTS[word]),
        )

    def _down(self, entry: MarkedMapping, at: datetime) -> When:
        self._only(entry, ("at", "down", "until"), "`down`")
        if entry["down"] not in SERVICES or "until" not in entry:
            raise self._error(entry.line, f"`down` names one of {', '.join(SERVICES)} and has an `until`")
        act = Down(service=entry["down"], until=self._instant(entry.line, entry["until"]))
        return When(line=entry.line, at=at, arrives=at, ticket="", word="down", act=act)

    def _expectation(self, entry: MarkedMapping) -> Line:
        kinds = [word for word in entry if word in KINDS]
        if len(kinds) != 1:
            raise self._error(entry.line, f"exactly one of {', '.join(KINDS)}; found {', '.join(kinds) or 'none'}")
        (kind,) = kinds
        self._only(entry, ("at", "ticket", kind, *DETAILS.get(kind, ())), f"`{kind}`")
        if kind == "corrected" and entry.get("to", "kept") not in VERDICT_WORDS:
            raise self._error(entry.line, f"`to` is one of {', '.join(sorted(VERDICT_WORDS))}")
        return Line(line=entry.line, kind=kind, expects=self._convert(entry.line, entry, Expectation))

    def _ticket(self, entry: MarkedMapping) -> str:
        ticket = str(entry.get("ticket", ONLY_TICKET))
        if not _TICKET.match(ticket):
            raise self._error(entry.line, "a ticket is `<helpdesk>/<ticket_id>`")
        return ticket

    def _instant(self, line: int, value: Any) -> datetime:
        instant = self._convert(line, value, datetime)
        if instant.tzinfo is None:
            raise self._error(line, "an instant needs a time zone")
        return instant.astimezone(UTC)

    def _only(self, mapping: MarkedMapping, allowed: tuple[str, ...], what: str) -> None:
        if unknown := [word for word in mapping if word not in allowed]:
            raise self._error(mapping.line, f"{what} knows no `{unknown[0]}`; allowed are {', '.join(allowed)}")

    def _convert(self, line: int, value: Any, kind: type[T]) -> T:
        try:
            return msgspec.convert(value, type=kind, strict=True)
        except msgspec.ValidationError as error:
            raise self._error(_deepest_line(value, str(error), line), str(error)) from error

    def _error(self, line: int, text: str) -> StoryError:
        return StoryError(f"{self._path}:{line}: {text}")


def _deepest_line(value: Any, error: str, line: int) -> int:
    """Return the line of the innermost mapping on the path that msgspec names."""
    for step in re.findall(r"\.(\w+)|\[(\d+)\]", error.rpartition("`$")[2]):
        if isinstance(value, MarkedMapping):
            line = value.line
        key: Any = step[0] if step[0] else int(step[1])
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            break
    return value.line if isinstance(value, MarkedMapping) else line
