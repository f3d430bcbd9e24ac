"""What notices tell people to type works as it stands there."""

import re
import shlex

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from ops.cli import app
from policy.communication_render import render
from policy.communication_samples import samples_of
from schemas.vocabulary import NoticeKind
from tests.harness.notices import communication

_COMMAND = re.compile(r"\bescalon [a-z].*")


def lines_to_type(kind: NoticeKind) -> list[str]:
    """Return every command line in every template of a kind, for somebody of whom much and of whom little is known."""
    templates = [
        template
        for name, by_language in communication().templates.items()
        if name.split(".")[0] == kind.value
        for template in by_language.values()
    ]
    said = [render(template, view) for template in templates for view in samples_of(kind)]
    return [line for words in said for line in _COMMAND.findall(words.body)]


@pytest.mark.parametrize("kind", NoticeKind)
def test_a_command_in_a_notice_is_one_of_the_command_line_s_with_all_it_needs(kind: NoticeKind) -> None:
    for line in lines_to_type(kind):
        command = get_command(app)
        _, *words = shlex.split(line)
        while isinstance(command, TyperGroup):
            command = command.commands[words.pop(0)]
        assert command.make_context(line, words).params["by"] == "sample"


@pytest.mark.parametrize(
    "kind", [NoticeKind.NEW_OWNER, NoticeKind.REMINDER, NoticeKind.CALL_CUSTOMER, NoticeKind.REPLY_UNCLEAR]
)
def test_whoever_has_to_answer_is_told_what_to_type(kind: NoticeKind) -> None:
    assert any("ESC-00000-00000 --by sample" in line for line in lines_to_type(kind))
