"""What may be called how, what may be written where."""

import ast
import re
from collections.abc import Iterator

import pytest

from schemas.catalogue import EVENTS, TOPICS
from tests.harness.sources import ROOT, Source, product_sources, sources_of_tests, written_files

_PRODUCT, _TESTS = product_sources(), sources_of_tests()
_EVERYTHING = (*_PRODUCT, *_TESTS)
_EMPTY_WORDS = {"manager", "helper", "helpers", "util", "utils", "common", "base", "data", "info"}
_FIELD_WORD = "reference_data"
_NAMED_BY_LIBRARIES = {("services/notifier/adapters/smtp.py", "data")}
_IGNORE = "# type: " + "ignore"
# Spelt in pieces, so that this file itself does not say what it looks for.
_REGISTRY_HOSTS = ("pypi" + ".org", "python" + "hosted", "repo.maven." + "apache", "repo1." + "maven", "npmjs" + ".org")
_MACHINE_PATHS = ("/work" + "/main", "/work" + "/shared", "/home" + "/")
_UNFINISHED = re.compile(r"\b(TO" + "DO|FIX" + "ME|X" + r"XX)\b")


def _words(name: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)}


def _strings(source: Source) -> Iterator[ast.Constant]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node


def test_no_file_class_or_function_is_called_by_an_empty_word() -> None:
    # Functions of tests may have to: some fakes answer to a library's own names. So does one of a channel.
    named = [(source.path, source.path) for source in _EVERYTHING]
    named += [(f"{source.at(one)} {one.name}", one.name) for source in _PRODUCT for one in source.definitions()]
    named = [(place, name) for place, name in named if (place.partition(":")[0], name) not in _NAMED_BY_LIBRARIES]

    assert [place for place, name in named if _words(name.replace(_FIELD_WORD, "")) & _EMPTY_WORDS] == []


def test_each_module_opens_with_one_to_four_lines_on_what_it_is_for() -> None:
    opened = {source.path: ast.get_docstring(source.tree) or "" for source in _EVERYTHING}
    lines = {path: len([line for line in words.splitlines() if line]) for path, words in opened.items()}

    assert [f"{path}: {count}" for path, count in lines.items() if not 1 <= count <= 4] == []


def test_what_is_raised_ends_in_error() -> None:
    wrong = [
        f"{source.at(one)} {one.name}"
        for source in _PRODUCT
        for one in source.definitions()
        if isinstance(one, ast.ClassDef)
        and any(isinstance(parent, ast.Name) and parent.id.endswith(("Error", "Exception")) for parent in one.bases)
        and not one.name.endswith("Error")
    ]

    assert wrong == []


def test_topics_are_named_in_the_catalogue_and_nowhere_else() -> None:
    names = {topic.name for topic in TOPICS}
    again = [
        f"{source.at(text)} {text.value!r}"
        for source in _PRODUCT
        if source.path != "schemas/catalogue.py"
        for text in _strings(source)
        if text.value in names
    ]

    assert again == []


def test_events_are_named_in_the_schemas_and_nowhere_else() -> None:
    again = [
        f"{source.at(text)} {text.value!r}"
        for source in _PRODUCT
        if not source.path.startswith("schemas/")
        for text in _strings(source)
        if text.value in EVENTS
    ]

    assert again == []


def test_at_most_five_types_are_ignored_each_with_its_code_and_why() -> None:
    lines = [
        f"{source.path}: {line.strip()}"
        for source in _EVERYTHING
        for line in source.text.splitlines()
        if _IGNORE in line
    ]

    assert len(lines) <= 5, lines
    assert [line for line in lines if not re.search(_IGNORE + r"\[[a-z, -]+\]  # \w", line)] == []


def test_nothing_is_left_unfinished() -> None:
    assert [path for path, text in _texts() if _UNFINISHED.search(text)] == []


def test_no_file_names_a_registry_or_a_path_of_one_machine() -> None:
    said = [
        f"{path}: {word}" for path, text in _texts() for word in (*_REGISTRY_HOSTS, *_MACHINE_PATHS) if word in text
    ]

    assert said == []


def _texts() -> Iterator[tuple[str, str]]:
    for path in written_files():
        yield path.relative_to(ROOT).as_posix(), path.read_text("utf-8", errors="replace")


def _calls(source: Source) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


_CLOCKS = re.compile(r"^(datetime\.|dt\.)*(datetime|date)\.(now|utcnow|today)$|^time\.(time|time_ns|localtime|gmtime)$")


def test_only_the_clock_reads_the_clock() -> None:
    read = [
        f"{source.at(call)} {name}"
        for source in _PRODUCT
        if source.path != "chassis/clock.py"
        for name, call in _calls(source)
        if _CLOCKS.match(name)
    ]

    assert read == []


def test_only_settings_and_the_command_line_read_the_environment() -> None:
    read = [
        source.at(node)
        for source in _PRODUCT
        if not source.path.startswith("ops/")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "os.getenv", "os.environb"}
    ]

    assert read == []


@pytest.mark.parametrize("forbidden", ["unittest.mock", "pytest_mock"])
def test_no_test_uses_mocks_where_a_fake_can_stand(forbidden: str) -> None:
    users = [
        source.at(node)
        for source in _TESTS
        for node in ast.walk(source.tree)
        if (isinstance(node, ast.ImportFrom) and f"{node.module}.{node.names[0].name}".startswith(forbidden))
        or (isinstance(node, ast.Import) and any(name.name.startswith(forbidden) for name in node.names))
    ]

    assert users == []


def test_no_test_sleeps_or_is_skipped() -> None:
    # Giving way to the event loop is not sleeping; the waiting primitive is where everybody else's sleep went, and a
    # bench keeps a pace.
    slept = [
        source.at(call)
        for source in _TESTS
        if source.path != "tests/harness/waiting.py" and not source.path.startswith("tests/bench/")
        for name, call in _calls(source)
        if name in {"time.sleep", "asyncio.sleep"} and ast.unparse(call.args[0]) != "0"
    ]
    skipped = [
        source.at(node)
        for source in _TESTS
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Attribute)
        and ast.unparse(node) in {"pytest.skip", "pytest.mark.skip", "pytest.mark.skipif", "pytest.mark.xfail"}
    ]

    assert slept + skipped == []


def test_the_name_of_a_test_is_a_sentence() -> None:
    short = [
        f"{source.at(one)} {one.name}"
        for source in _TESTS
        for one in source.functions()
        if one.name.startswith("test_") and one.name.count("_") < 3 and one.col_offset == 0
    ]

    assert short == []
