"""Our source files, as the house rules see them."""

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT_ROOMS = ("chassis", "ops", "policy", "schemas", "services", "wire")
SERVICES = ("auditor", "classifier", "notifier", "router", "sla_monitor")

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """A Python file of ours."""

    path: str
    text: str

    @functools.cached_property
    def tree(self) -> ast.Module:
        """Return its syntax."""
        return ast.parse(self.text, self.path)

    @property
    def lines(self) -> int:
        """Return how long it is."""
        return len(self.text.splitlines())

    @property
    def module(self) -> str:
        """Return the name it is imported by."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def functions(self) -> Iterator[Function]:
        """Yield every function and method in it."""
        for node in ast.walk(self.tree):
            if isinstance(node, Function):
                yield node

    def definitions(self) -> Iterator[Definition]:
        """Yield every class, function and method in it."""
        for node in ast.walk(self.tree):
            if isinstance(node, Definition):
                yield node

    def at(self, node: ast.AST) -> str:
        """Return where a piece of it stands, as editors take it."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}"


@functools.cache
def product_sources() -> tuple[Source, ...]:
    """Return every Python file that a user runs."""
    return tuple(source for room in PRODUCT_ROOMS for source in _sources_in(room))


@functools.cache
def sources_of_tests() -> tuple[Source, ...]:
    """Return every Python file of the tests."""
    return _sources_in("tests")


@functools.cache
def written_files() -> tuple[Path, ...]:
    """Return every text file that we wrote by hand, whatever its kind."""
    folders = [ROOT / name for name in (*PRODUCT_ROOMS, "tests", "deploy", "docs", "requirements", ".ci")]
    kinds = {".py", ".md", ".toml", ".yaml", ".yml", ".txt", ".sh", ".xml", ".properties", ".java", ".jsonl", ""}
    found = [path for folder in folders for path in sorted(folder.rglob("*")) if path.suffix in kinds]
    found += [
        path for path in sorted(ROOT.iterdir()) if path.suffix in {".md", ".toml", ".yaml"} or path.name == "Makefile"
    ]
    return tuple(path for path in found if path.is_file() and not _made({*path.relative_to(ROOT).parts}))


def length(node: Definition) -> int:
    """Return how many lines a definition takes, from `def` to its end."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def ninety_fifth(values: list[int]) -> int:
    """Return what 95 of 100 values do not pass."""
    ordered = sorted(values)
    return ordered[int(0.95 * (len(ordered) - 1))]


def _sources_in(room: str) -> tuple[Source, ...]:
    found = [path.relative_to(ROOT) for path in sorted((ROOT / room).rglob("*.py"))]
    return tuple(
        Source(path.as_posix(), (ROOT / path).read_text("utf-8")) for path in found if not _made({*path.parts})
    )


def _made(parts: set[str]) -> bool:
    """Tell whether a file was made by a tool."""
    return bool(parts & {"__pycache__", ".venv", ".local", "build", "target"})
