"""A folder of YAML files to a checked policy and roster; whatever is wrong is said at once, by file and line."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from policy.cel import check_criteria
from policy.checks import Complaints, check_policy
from policy.communication import Communication
from policy.communication_check import check_communication
from policy.criteria import Criteria
from policy.marked_yaml import MarkedDocument
from policy.model import Policy, VersionedPolicy
from policy.problems import PolicyError, Problem
from policy.publication import versioned
from policy.roster import Roster
from policy.roster_checks import check_roster, check_routing_against
from policy.routing import Routing
from policy.written_calendars import HolidaysError, WrittenCalendar, WrittenCalendars, laid_out

ROSTER_FILE = "roster.yaml"


@dataclass(frozen=True, slots=True)
class _Part:
    """What a file of the folder holds: these fields of the struct that stands at `path`."""

    file: str
    struct: type
    path: str
    keys: tuple[str, ...]


_PARTS = (
    _Part("policy.yaml", Policy, "", ("label",)),
    _Part("criteria.yaml", Criteria, "criteria", Criteria.__struct_fields__),
    _Part("severities.yaml", Policy, "", ("severities",)),
    _Part("calendars.yaml", WrittenCalendars, "", ("calendars", "calendar_by")),
    _Part("routing.yaml", Routing, "routing", Routing.__struct_fields__),
    _Part("audiences.yaml", Communication, "communication", ("notices",)),
    _Part("templates.yaml", Communication, "communication", ("templates",)),
)
POLICY_FILES = tuple(part.file for part in _PARTS)


def load_policy(folder: Path) -> VersionedPolicy:
    """Return the policy of a folder, under the version its content has.

    Everybody it names must stand in the folder's roster, where there is one. Raises PolicyError with all problems.
    """
    document = MarkedDocument()
    problems = _strangers(folder)
    values: dict[str, object] = {}
    for part in _PARTS:
        read = _read_part(document, folder, part)
        values = {**values, **read} if not part.path else {**values, part.path: {**_dict(values, part.path), **read}}
    _raise_any([*problems, *document.problems])
    written = msgspec.convert(values.pop("calendars"), dict[str, WrittenCalendar])
    policy = msgspec.convert({**values, "calendars": _laid_out(written, folder, document)}, Policy)
    _raise_any(_located(document, _policy_complaints(policy)))
    if (folder / ROSTER_FILE).is_file():
        _raise_any(_located(document, check_routing_against(policy, load_roster(folder))))
    return versioned(policy)


def load_roster(folder: Path) -> Roster:
    """Return the roster of a folder (`roster.yaml`); raises PolicyError with all problems."""
    document = MarkedDocument()
    values = _read_part(document, folder, _Part(ROSTER_FILE, Roster, "", Roster.__struct_fields__))
    _raise_any(document.problems)
    roster = msgspec.convert(values, Roster)
    _raise_any(_located(document, check_roster(roster)))
    return roster


def _laid_out(written: dict[str, WrittenCalendar], folder: Path, document: MarkedDocument) -> dict[str, object]:
    """Return the calendars with all their holidays as days; raises PolicyError for holidays that cannot be."""
    found: dict[str, object] = {}
    problems: list[Problem] = []
    for name, calendar in written.items():
        try:
            found[name] = msgspec.to_builtins(laid_out(calendar, lambda file: (folder / file).read_bytes()))
        except HolidaysError as error:
            problems.append(document.problem(f"calendars.{name}.{error.place}", error.says))
    _raise_any(problems)
    return found


def _policy_complaints(policy: Policy) -> Complaints:
    yield from check_policy(policy)
    yield from _split("criteria", check_criteria(policy.criteria))
    yield from _split("communication", check_communication(policy.communication))


def _split(part: str, complaints: Iterable[str]) -> Complaints:
    """Take the place off a complaint that begins with it: `reasons.sla_at_risk[0].when: …`."""
    for complaint in complaints:
        place, _, says = complaint.partition(": ")
        yield f"{part}.{place}", says


def _read_part(document: MarkedDocument, folder: Path, part: _Part) -> dict[str, object]:
    try:
        text = (folder / part.file).read_text(encoding="utf-8")
    except FileNotFoundError:
        document.problems.append(Problem(part.file, 0, "", f"missing in {folder}; it holds {', '.join(part.keys)}"))
        return {}
    except (OSError, UnicodeDecodeError) as error:
        document.problems.append(Problem(part.file, 0, "", f"cannot be read: {error}"))
        return {}
    return document.read(part.file, text, part.struct, part.path, part.keys)


def _strangers(folder: Path) -> list[Problem]:
    allowed = {*POLICY_FILES, ROSTER_FILE}
    names = {path.name for path in folder.glob("*.y*ml")}
    return [
        Problem(name, 0, "", f"not a file of a policy; allowed: {', '.join(sorted(allowed))}")
        for name in names - allowed
    ]


def _dict(values: dict[str, object], key: str) -> dict[str, object]:
    found = values.get(key, {})
    return found if isinstance(found, dict) else {}


def _located(document: MarkedDocument, complaints: Complaints) -> list[Problem]:
    return [document.problem(path, says) for path, says in complaints]


def _raise_any(problems: list[Problem]) -> None:
    if problems:
        raise PolicyError(problems)
