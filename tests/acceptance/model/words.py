"""Which words of the language a story could not do without: were one not said, something else would follow."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from tests.acceptance.model.playing import Entry, expectations, instant

Told = tuple[Mapping[str, Any], list[Entry]]
"""`given` and `when`."""


def _without_in_severities(word: str) -> Callable[[Told], Told]:
    def without(told: Told) -> Told:
        given, when = told
        severities = {
            severity: {name: value for name, value in promised.items() if name != word}
            for severity, promised in given.get("severities", {}).items()
        }
        return {**given, "severities": severities}, when

    return without


def _with_each(entry_without: Callable[[Entry], Entry]) -> Callable[[Told], Told]:
    return lambda told: (told[0], [entry_without(entry) for entry in told[1]])


def _asking_nothing(entry: Entry) -> Entry:
    return {"update" if word == "question" else word: said for word, said in entry.items()}


def _answering_nothing(entry: Entry) -> Entry:
    return {**entry, "customer_replied": {"text": "Any news?"}} if "customer_replied" in entry else entry


WITHOUT: dict[str, Callable[[Told], Told]] = {
    "next_reply": _without_in_severities("next_reply"),
    "pauses": _without_in_severities("pauses"),
    "question": _with_each(_asking_nothing),
    "the customer's answers": _with_each(_answering_nothing),
}
"""Each word, with how the story goes without it."""


class Words:
    """`unheard` are those that no story needed so far."""

    def __init__(self) -> None:
        self.unheard = set(WITHOUT)

    def hear(self, story: Mapping[str, Any]) -> None:
        """Take note of the words that the story needs."""
        self.unheard -= set(_needed(story, self.unheard))


def _needed(story: Mapping[str, Any], words: Iterable[str]) -> Iterator[str]:
    told, until = (story["given"], story["when"]), instant(story["until"])
    for word in words:
        without = WITHOUT[word](told)
        if without != told and expectations(*without, until) != story["then"]:
            yield word
