"""What `make reset` forgets and what it keeps."""

from pathlib import Path

import pytest

from ops.local import __main__ as local


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("kafka/lib/kafka.jar", "kafka/store/log", "router.sqlite3", "clock.json"):
        path = tmp_path / ".local" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    return tmp_path / ".local"


def test_it_keeps_the_jars_and_forgets_what_was_stored(folder: Path) -> None:
    local.reset()

    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()) == [
        "kafka/lib/kafka.jar",
    ]


def test_it_may_be_repeated_and_needs_nothing_to_be_there(folder: Path) -> None:
    local.clear(folder)
    local.clear(folder)
    local.clear(folder / "nowhere")


def test_a_word_it_does_not_know_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert local.main(["forget"]) == 2
    assert "fetch|reset" in capsys.readouterr().err
