"""What a story gives: the policy with its calendar and chains put in, the people of the chains, the accounts."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec.structs import replace

from ops.scenario.language import AccountGiven, Given, Story
from ops.scenario.marked_yaml import StoryError
from policy.checks import check_policy
from policy.loader import load_policy, load_roster
from policy.model import Policy, VersionedPolicy
from policy.roster import Person, Roster
from policy.routing import ChainStep
from policy.targets import SeverityPolicy
from schemas.classifications import AccountSnapshot
from schemas.ids import PersonKey, PolicyVersion
from schemas.vocabulary import Severity

DEFAULT_POLICY = Path(__file__).parents[2] / "policy" / "default"
_STORY_VERSION = PolicyVersion("story")


@dataclass(frozen=True, slots=True)
class Setting:
    """The world a story is played in."""

    policy: VersionedPolicy
    roster: Roster
    accounts: dict[str, AccountSnapshot]
    unreachable: frozenset[str] = frozenset()


def setting_of(story: Story, default_policy: Path = DEFAULT_POLICY) -> Setting:
    """Return the story's world; a policy folder is looked for beside the story. Raises PolicyError for a bad one."""
    given = story.given
    folder = Path(story.path).parent / given.policy if given.policy else default_policy
    versioned, roster = load_policy(folder), load_roster(folder)
    policy = _with_severities(_with_calendar(_with_chains(versioned.policy, given), given), story)
    return Setting(
        policy=VersionedPolicy(version=_STORY_VERSION, policy=policy),
        roster=_with_people(roster, given),
        accounts={key: _account(key, account) for key, account in given.accounts.items()},
        unreachable=frozenset(given.unreachable),
    )


def _with_chains(policy: Policy, given: Given) -> Policy:
    if given.chains is None:
        return policy
    chains = {
        issue_type: tuple(ChainStep(person=PersonKey(person)) for person in people)
        for issue_type, people in given.chains.items()
    }
    fallback = next(iter(chains.values()))[-1].person or policy.routing.fallback
    return replace(
        policy, routing=replace(policy.routing, chains={**policy.routing.chains, **chains}, fallback=fallback)
    )


def _with_calendar(policy: Policy, given: Given) -> Policy:
    """Put the story's calendar in the place of every business calendar that P3 and P4 go by."""
    if given.calendar is None:
        return policy
    names = {policy.severities[severity].calendar for severity in (Severity.P3, Severity.P4)} - {None}
    return replace(policy, calendars={**policy.calendars, **{str(name): given.calendar for name in names}})


def _with_severities(policy: Policy, story: Story) -> Policy:
    """Put the story's promises in the place of the policy's; raises StoryError for what is none."""
    severities = dict(policy.severities)
    for severity, given in story.given.severities.items():
        written = {**msgspec.to_builtins(severities[severity]), **given}
        try:
            severities[severity] = msgspec.convert(written, SeverityPolicy)
        except msgspec.ValidationError as error:
            raise StoryError(f"{story.path}: given.severities.{severity}: {error}") from error
    changed = replace(policy, severities=severities)
    for place, says in check_policy(changed):
        if place.startswith("severities."):
            raise StoryError(f"{story.path}: given.{place}: {says}")
    return changed


def _with_people(roster: Roster, given: Given) -> Roster:
    people = {PersonKey(key) for chain in (given.chains or {}).values() for key in chain}
    invented = {
        key: Person(name=key.capitalize(), role="Escalation owner", email=f"{key}@example.com", slack=key.upper())
        for key in people
    }
    absences = tuple(absence for absence in roster.absences if absence.person not in people)
    return replace(roster, people={**roster.people, **invented}, absences=absences)


def _account(key: str, given: AccountGiven) -> AccountSnapshot:
    return AccountSnapshot(
        account_id=key,
        name=given.name or key,
        tier=given.tier,
        key_account=given.key_account,
        region=given.region,
        renewal_at=datetime(2027, 1, 1, tzinfo=UTC),
    )
