"""Which words of the language a story could not do without: were one not said, something else would follow."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from tests.acceptance.model.playing import Entry, expectations, instant

Told = Mapping[str, Any]
"""A whole story."""


def _without_in_severities(word: str) -> Callable[[Told], Told]:
    def without(story: Told) -> Told:
        severities = {
            severity: {name: value for name, value in promised.items() if name != word}
            for severity, promised in story["given"].get("severities", {}).items()
        }
        return {**story, "given": {**story["given"], "severities": severities}}

    return without


def _with_each(entry_without: Callable[[Entry], Entry]) -> Callable[[Told], Told]:
    return lambda story: {**story, "when": [entry_without(entry) for entry in story["when"]]}


def _asking_nothing(entry: Entry) -> Entry:
    return {"update" if word == "question" else word: said for word, said in entry.items()}


def _answering_nothing(entry: Entry) -> Entry:
    return {**entry, "customer_replied": {"text": "Any news?"}} if "customer_replied" in entry else entry


def _without_merges_into(*states: str | None) -> Callable[[Told], Told]:
    def without(story: Told) -> Told:
        merges = [entry for entry in story["when"] if "merged_into" in entry and _state_into(story, entry) in states]
        return {**story, "when": [entry for entry in story["when"] if entry not in merges]}

    return without


def _state_into(story: Told, merge: Entry) -> str | None:
    """Return in which state the other ticket is by then, None where it is no escalation."""
    states: list[str] = [
        line["state"]
        for line in story["then"]
        if "state" in line and line["ticket"] == merge["merged_into"] and instant(line["at"]) < instant(merge["at"])
    ]
    return states[-1] if states else None


WITHOUT: dict[str, Callable[[Told], Told]] = {
    "next_reply": _without_in_severities("next_reply"),
    "pauses": _without_in_severities("pauses"),
    "question": _with_each(_asking_nothing),
    "the customer's answers": _with_each(_answering_nothing),
    "merged_into a quiet ticket": _without_merges_into(None),
    "merged_into an escalation": _without_merges_into("open", "resolution_proposed", "confirmed"),
    "merged_into what was closed": _without_merges_into("closed"),
}
"""Each word, with how the story goes without it."""


class Words:
    """`unheard` are those that no story needed so far."""

    def __init__(self) -> None:
        self.unheard = set(WITHOUT)

    def all_heard_with(self, story: Told) -> bool:
        """Take note of the words that the story needs; tell whether each was needed by now."""
        self.unheard -= set(needed(story, self.unheard))
        return not self.unheard


def needed(story: Told, words: Iterable[str]) -> Iterator[str]:
    """Yield those of the words that the story needs."""
    for word in words:
        without = WITHOUT[word](story)
        is_said = (without["given"], without["when"]) != (story["given"], story["when"])
        if is_said and expectations(without["given"], without["when"], instant(story["until"])) != story["then"]:
            yield word
