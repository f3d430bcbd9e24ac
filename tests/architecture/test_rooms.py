"""The same rooms in all services: who knows one finds the way in each."""

import pytest

from schemas.catalogue import DEPLOYED
from tests.harness.sources import ROOT, SERVICES

_ROOMS = {
    *("README.md", "__init__.py", "__main__.py", "bootstrap.py", "config.py", "handlers.py", "metrics.py", "ports.py"),
    *("stream.py", "domain", "adapters"),
}
_ALLOWED_BESIDES = {"migrations", "__pycache__"}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_the_rooms_that_all_have_and_no_other(service: str) -> None:
    found = {path.name for path in (ROOT / "services" / service).iterdir()}

    assert found - _ALLOWED_BESIDES == _ROOMS


def test_what_stands_in_services_is_what_the_catalogue_knows() -> None:
    found = {path.name for path in (ROOT / "services").iterdir() if path.is_dir() and path.name != "__pycache__"}

    assert found == set(DEPLOYED) == set(SERVICES)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_adapters_in_memory_so_that_a_story_can_be_played_in_one_process(service: str) -> None:
    assert (ROOT / "services" / service / "adapters" / "in_memory.py").is_file()
