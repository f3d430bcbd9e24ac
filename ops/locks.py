"""`python -m ops.locks`: the exact versions that are installed, one file per service and one of everything.

The files hold names and versions only, so they mean the same behind any package index.
"""

import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from schemas.catalogue import DEPLOYED

REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements"
_OURS = "escalon"
_TOOLS = {"pip", "setuptools", "wheel", _OURS}


def everything() -> dict[str, str]:
    """Return the version of each package that is installed, ours and pip's own aside."""
    versions = {canonicalize_name(found.metadata["Name"]): found.version for found in distributions()}
    return {name: version for name, version in versions.items() if name not in _TOOLS}


def needed_for(extra: str) -> dict[str, str]:
    """Return the version of each package that one of our extras needs, directly or not."""
    found: dict[str, str] = {}
    _collect(distribution(_OURS), {extra}, found)
    return found


def _collect(package: Distribution, extras: set[str], found: dict[str, str]) -> None:
    for requirement in _requirements(package, extras):
        name = canonicalize_name(requirement.name)
        if name == _OURS:
            _collect(package, set(requirement.extras), found)
        elif name not in found:
            _add(name, requirement.extras, found)


def _add(name: str, extras: set[str], found: dict[str, str]) -> None:
    try:
        package = distribution(name)
    except PackageNotFoundError:
        return  # Another platform's.
    found[name] = package.version
    _collect(package, extras, found)


def _requirements(package: Distribution, extras: set[str]) -> Iterator[Requirement]:
    for line in package.requires or ():
        requirement = Requirement(line)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in (*extras, "")):
            yield requirement


def write(path: Path, head: str, versions: dict[str, str]) -> None:
    """Write one file, sorted by name."""
    lines: Iterable[str] = (f"{name}=={version}" for name, version in sorted(versions.items()))
    path.write_text("\n".join([f"# {head} Written by `make locks`.", *lines, ""]), encoding="utf-8")


def main() -> int:
    """Write all files."""
    REQUIREMENTS.mkdir(exist_ok=True)
    write(REQUIREMENTS / "lock.txt", "Everything, for developers and CI.", everything())
    for service in DEPLOYED:
        write(REQUIREMENTS / f"{service}.txt", f"What the {service} runs on.", needed_for(service))
    return 0


if __name__ == "__main__":
    sys.exit(main())
