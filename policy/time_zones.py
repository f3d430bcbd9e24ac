"""Time zones by the rules of the `tzdata` package, whatever the machine has: every replica goes by the same."""

from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import tzdata

RULES: str = tzdata.IANA_VERSION
"""The version of the IANA database by which local times are read, like `2026a`; findings carry it."""


@cache
def zone_of(name: str) -> ZoneInfo:
    """Return a zone of the IANA database; raises ZoneInfoNotFoundError (a KeyError) for a name that is none."""
    if name not in _names():
        raise ZoneInfoNotFoundError(f"no time zone found with key {name}")
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as rules:
        return ZoneInfo.from_file(rules, key=name)


@cache
def _names() -> frozenset[str]:
    return frozenset(files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())
