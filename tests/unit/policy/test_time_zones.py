"""Time zones come from the package, so that machines with other rules agree."""

import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
import tzdata

from policy.time_zones import RULES, zone_of

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def other_rules(tmp_path: Path) -> Iterator[None]:
    """Have the machine read New York's rules for Berlin."""
    (tmp_path / "Europe").mkdir()
    with files("tzdata").joinpath("zoneinfo", "America", "New_York").open("rb") as rules:
        (tmp_path / "Europe" / "Berlin").write_bytes(rules.read())
    zoneinfo.reset_tzpath(to=[str(tmp_path)])
    yield
    zoneinfo.reset_tzpath()


@pytest.mark.usefixtures("other_rules")
def test_the_rules_are_those_of_the_package_whatever_the_machine_has() -> None:
    zone_of.cache_clear()
    assert NOON.astimezone(ZoneInfo.no_cache("Europe/Berlin")).hour == 8
    assert NOON.astimezone(zone_of("Europe/Berlin")).hour == 14
    assert tzdata.IANA_VERSION == RULES


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "US/Eastern", "America/Argentina/Buenos_Aires"])
def test_zones_and_their_old_names_are_found(name: str) -> None:
    assert zone_of(name).key == name


@pytest.mark.parametrize("name", ["", "Mars", "../zones", "/etc/localtime", "Europe", "europe/berlin"])
def test_what_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(ZoneInfoNotFoundError, match="no time zone found"):
        zone_of(name)
