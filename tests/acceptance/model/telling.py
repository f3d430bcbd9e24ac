"""A random story as a file, played by the product, and held against the model in every respect."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from ops.scenario.language import Story
from ops.scenario.matching import Observation, differences
from ops.scenario.reading import read_story
from ops.scenario.setting import setting_of
from ops.scenario.world import World
from schemas.codec import Codec, SchemaBook
from tests.acceptance.model.playing import expectations, instant

COMPLETE = ("owner", "warned", "breached", "kept", "state", "escalated", "refused", "not_escalated", "corrected")
TOLD = frozenset(
    {
        "new_owner",
        "reminder",
        "warning",
        "breach",
        "compliance",
        "opened",
        "acknowledgement",
        "confirmation_request",
        "call_customer",
        "documentation_missing",
        "closed",
    }
)
"""What the model knows of who is told what; of these nothing more may be told either."""
_CODEC = Codec(SchemaBook())


def story_of(given: Mapping[str, Any], when: Sequence[Mapping[str, Any]], until: str) -> dict[str, Any]:
    """Return the whole story, with all that the model expects."""
    return {
        "name": "A random story",
        "given": dict(given),
        "when": list(when),
        "then": expectations(given, when, instant(until)),
        "complete": list(COMPLETE),
        "until": until,
    }


def _one_line(value: object) -> str:
    dumped = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000)
    return dumped.removesuffix("...\n").strip()


def written_to(path: Path, story: Mapping[str, Any]) -> Story:
    """Write the story, as JSON within YAML, which is quicker and no less a story; return what is read of it."""
    path.write_text(as_yaml(story, json.dumps), encoding="utf-8")
    return read_story(path)


def as_yaml(story: Mapping[str, Any], line: Callable[[object], str] | None = None) -> str:
    """Return the story as a file one can save among the others: one line for each fact and expectation."""
    line = line or _one_line
    given = [f"  {word}: {line(value)}" for word, value in story["given"].items()]
    when, then = ([f"  - {line(entry)}" for entry in story[word]] for word in ("when", "then"))
    return "\n".join(
        [
            f"name: {line(story['name'])}",
            "given:",
            *given,
            "when:" if when else "when: []",
            *when,
            "then:" if then else "then: []",
            *then,
            f"complete: {line(story['complete'])}",
            f"until: {line(story['until'])}",
            "",
        ]
    )


async def disagreements(story: Mapping[str, Any], folder: Path) -> list[str]:
    """Return, in words, everything in which product and model differ about the story."""
    read = written_to(folder / "story.yaml", story)
    happened = await World(read, setting_of(read), _CODEC).play()
    return [*differences(read, happened), *_told_beyond(story, happened)]


def _told_beyond(story: Mapping[str, Any], happened: Sequence[Observation]) -> list[str]:
    wanted = Counter((line["ticket"], line["what"]) for line in story["then"] if "told" in line)
    told = [(seen.ticket, seen.what) for seen in happened if seen.kind == "told" and seen.what in TOLD]
    beyond = Counter(told) - wanted
    return [
        f"told {count} times more than the model has it: {ticket} {what}" for (ticket, what), count in beyond.items()
    ]
