"""Our documents, taken apart: links, blocks of code, commands, words in code."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from tests.harness.sources import ROOT, written_files

_FENCE = re.compile(r"^[ ]*```(\w*)\n(.*?)^[ ]*```[ ]*$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_ASSIGNMENT = re.compile(r"^[A-Za-z_]\w*=")
_ENDS_A_COMMAND = frozenset({"|", ">", "<", "&&", ";"})


@dataclass(frozen=True, slots=True)
class Command:
    """A command line as a reader would type it."""

    place: str
    words: tuple[str, ...]

    @property
    def program(self) -> str:
        """Return what is run, without its folder."""
        return self.words[0].rpartition("/")[2]

    def __str__(self) -> str:
        return f"{self.place}: {' '.join(self.words)}"


@dataclass(frozen=True, slots=True)
class Document:
    """A document of ours; `path` is seen from the root."""

    path: str
    text: str

    @property
    def links(self) -> list[str]:
        """Return where its links go."""
        return _LINK.findall(_FENCE.sub("", self.text))

    @property
    def phrases(self) -> list[str]:
        """Return what stands in backticks within a line."""
        return _INLINE.findall(_FENCE.sub("", self.text))

    def blocks(self, language: str) -> list[str]:
        """Return the blocks of code in a language."""
        return [body for found, body in _FENCE.findall(self.text) if found == language]

    def commands(self) -> Iterator[Command]:
        """Yield the commands of its shell blocks; one goes on over lines while a quotation is open."""
        for block in self.blocks("sh"):
            pending = ""
            for line in block.replace("\\\n", " ").splitlines():
                pending = f"{pending}\n{line}" if pending else line
                try:
                    words = shlex.split(pending, comments=True)
                except ValueError:
                    continue
                pending = ""
                if command := _command(self.path, words):
                    yield command

    def mentioned(self, program: str) -> Iterator[Command]:
        """Yield commands of a program that are mentioned within a line."""
        for phrase in self.phrases:
            if phrase.split()[:1] and phrase.split()[0].rpartition("/")[2] == program:
                yield Command(self.path, tuple(phrase.split()))

    def anchors(self) -> set[str]:
        """Return the anchors of its headings, as forges make them."""
        headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", self.text), re.MULTILINE)
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def documents() -> list[Document]:
    """Return every document there is."""
    paths = [path for path in written_files() if path.suffix == ".md"]
    return [Document(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in paths]


def _command(place: str, words: list[str]) -> Command | None:
    while words and _ASSIGNMENT.match(words[0]):
        words = words[1:]
    end = next((at for at, word in enumerate(words) if word in _ENDS_A_COMMAND), len(words))
    return Command(place, tuple(words[:end])) if words[:end] else None
