"""What the documents say is there: links, commands, files, settings, metrics, examples."""

import re
from pathlib import Path

import pytest
import typer.main
from pydantic_settings import BaseSettings
from typer.core import TyperGroup

from chassis.settings import describe_settings
from ops.cli import app
from ops.event_file import read_event_file
from ops.local.run_file import LocalSettings
from ops.scenario.language import ACTS, KINDS
from ops.scenario.reading import read_story
from ops.scenario.setting import setting_of
from ops.scenario.world import Stage
from ops.services import METRICS, SETTINGS, metric_families
from schemas.vocabulary import NoticeKind
from tests.bench.settings import BenchSettings
from tests.harness.settings import HarnessSettings
from tests.harness.sources import ROOT
from tests.unit.docs.documents import Command, Document, documents

DOCUMENTS = documents()
BY_PATH = {document.path: document for document in DOCUMENTS}
SHOWN = [command for document in DOCUMENTS for command in document.commands()]
ROOMS = ("chassis", "deploy", "docs", "ops", "policy", "schemas", "services", "tests", "wire")
PROGRAMS = {"make", "escalon", "python", "pre-commit", "export"}
"""What a reader of ours has at hand."""


def mentioned(program: str) -> list[Command]:
    return [command for document in DOCUMENTS for command in document.mentioned(program)]


def broken_link(document: Document, link: str) -> bool:
    if re.match(r"^[a-z]+:", link):
        return False
    path, _, anchor = link.partition("#")
    target = (ROOT / document.path).parent / path if path else ROOT / document.path
    if not target.exists():
        return True
    found = BY_PATH.get(target.resolve().relative_to(ROOT).as_posix())
    return bool(anchor) and (found is None or anchor not in found.anchors())


def test_every_link_leads_somewhere() -> None:
    broken = [f"{document.path}: {link}" for document in DOCUMENTS for link in document.links]

    assert len(broken) > 20
    assert [place for place in broken if broken_link(BY_PATH[place.split(": ")[0]], place.split(": ", 1)[1])] == []


def test_the_readme_is_read_in_a_few_minutes() -> None:
    assert len(BY_PATH["README.md"].text.splitlines()) <= 150


def test_only_programs_that_a_reader_has_are_shown() -> None:
    assert {command.program for command in SHOWN} <= PROGRAMS


def test_what_is_made_can_be_made() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    made = [*(command for command in SHOWN if command.program == "make"), *mentioned("make")]

    assert made
    assert [str(command) for command in made if command.words[1:] and command.words[1] not in targets] == []


@pytest.mark.parametrize("command", [command for command in SHOWN if command.program == "escalon"], ids=str)
def test_a_command_that_is_shown_can_be_typed(command: Command) -> None:
    node, rest = typer.main.get_command(app), list(command.words[1:])
    while isinstance(node, TyperGroup):
        node = node.commands[rest.pop(0)]

    # Parses the rest of the line, options, values and what is required, and runs nothing.
    with node.make_context("escalon", rest):
        pass


@pytest.mark.parametrize("command", mentioned("escalon"), ids=str)
def test_a_command_that_is_mentioned_is_there(command: Command) -> None:
    node = typer.main.get_command(app)
    for word in command.words[1:]:
        if isinstance(node, TyperGroup) and not word.startswith("-"):
            node = node.commands[word]
        elif word.startswith("--"):
            assert word in {name for parameter in node.params for name in parameter.opts}


def test_files_that_are_named_are_there() -> None:
    named = {
        (document.path, phrase)
        for document in DOCUMENTS
        for phrase in document.phrases
        if phrase.split("/")[0] in ROOMS and re.fullmatch(r"[\w./*-]+", phrase) and "/" in phrase
    }

    assert len(named) > 40
    assert [(place, path) for place, path in sorted(named) if not any(ROOT.glob(path.rstrip("/")))] == []


def test_settings_that_are_named_are_there() -> None:
    kinds: tuple[type[BaseSettings], ...] = (*SETTINGS.values(), LocalSettings, HarnessSettings, BenchSettings)
    known = {setting.variable for kind in kinds for setting in describe_settings(kind)}
    named = {
        (document.path, name) for document in DOCUMENTS for name in re.findall(r"ESCALON_[A-Z_]+\*?", document.text)
    }
    unknown = {
        (place, name)
        for place, name in named
        if name not in known and not (name.endswith("*") and any(one.startswith(name[:-1]) for one in known))
    }

    assert len(named) > 40
    assert unknown == set()


def test_metrics_that_are_named_are_there() -> None:
    families = {(family.name, family.type) for service in METRICS for family in metric_families(service)}
    known = {f"{name}_total" if kind == "counter" else name for name, kind in families}
    pattern = re.compile(r"`(escalon_[a-z_]+)")
    named = {(document.path, name) for document in DOCUMENTS for name in pattern.findall(document.text)}

    assert len(named) > 40
    assert {(place, name) for place, name in named if name not in known and name != "escalon_notice"} == set()


def test_the_readme_s_example_can_be_sent(tmp_path: Path) -> None:
    (example,) = BY_PATH["README.md"].blocks("json")
    (tmp_path / "tickets.jsonl").write_text(example, encoding="utf-8")

    (event,) = read_event_file(tmp_path / "tickets.jsonl")

    assert event.key == "zendesk-eu/48213"


async def test_the_story_that_is_told_comes_out_as_it_is_told(tmp_path: Path) -> None:
    (told,) = BY_PATH["docs/stories.md"].blocks("yaml")
    (tmp_path / "story.yaml").write_text(told, encoding="utf-8")
    story = read_story(tmp_path / "story.yaml")

    assert await Stage().play(story, setting_of(story)) == []


def test_every_word_of_a_story_is_explained() -> None:
    text = BY_PATH["docs/stories.md"].text
    kinds = [kind.value for kind in NoticeKind]

    assert [word for word in (*ACTS, *KINDS, "down") if f"`{word}:" not in text] == []
    assert [word for word in kinds if f"`{word}`" not in text] == []
