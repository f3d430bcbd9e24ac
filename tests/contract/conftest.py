"""The two databases the event store promises the same on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chassis.event_store import EventStore


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'deep' / 'store.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[EventStore]:
    opened = EventStore(store_url)
    await opened.prepare()
    yield opened
    await opened.close()
