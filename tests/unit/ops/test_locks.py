"""The locks name exact versions and no place to get them from."""

from pathlib import Path

import pytest

from ops.locks import REQUIREMENTS, everything, needed_for, write
from schemas.catalogue import DEPLOYED


def test_a_service_is_locked_with_what_it_needs_and_without_what_it_does_not() -> None:
    classifier, router = needed_for("classifier"), needed_for("router")

    assert {"aiokafka", "fastavro", "msgspec"} <= classifier.keys()
    assert "sqlalchemy" not in classifier
    assert "pytest" not in router
    assert {"sqlalchemy", "eventsourcing", "psycopg-binary"} <= router.keys()


def test_what_a_service_needs_is_among_everything_in_the_same_version() -> None:
    versions = everything()

    assert all(versions[name] == version for name, version in needed_for("sla_monitor").items())
    assert "escalon" not in versions


def test_a_lock_is_sorted_names_and_versions(tmp_path: Path) -> None:
    write(tmp_path / "lock.txt", "Some.", {"b": "2", "a": "1"})

    assert (tmp_path / "lock.txt").read_text() == "# Some. Written by `make locks`.\na==1\nb==2\n"


@pytest.mark.parametrize("name", ["lock", *DEPLOYED])
def test_the_locks_in_the_repository_hold_no_address(name: str) -> None:
    text = (REQUIREMENTS / f"{name}.txt").read_text()

    assert "==" in text
    assert "://" not in text
    assert " @ " not in text
