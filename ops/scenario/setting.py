"""What a story gives: the policy with its calendar and chains put in, the people of the chains, the accounts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from msgspec.structs import replace

from ops.scenario.language import AccountGiven, Given, PolicyPublishedWith, Story
from ops.scenario.policy_changes import with_changes
from policy.loader import load_policy, load_roster
from policy.model import Policy, VersionedPolicy
from policy.publication import versioned
from policy.roster import Person, Roster
from policy.routing import ChainStep
from schemas.classifications import AccountSnapshot
from schemas.ids import PersonKey, PolicyVersion
from schemas.vocabulary import Severity

DEFAULT_POLICY = Path(__file__).parents[2] / "policy" / "default"
_STORY_VERSION = PolicyVersion("story")


@dataclass(frozen=True, slots=True)
class Setting:
    """The world a story is played in; `published` has the policies that come later, by the line that publishes one."""

    policy: VersionedPolicy
    roster: Roster
    accounts: dict[str, AccountSnapshot]
    unreachable: frozenset[str] = frozenset()
    published: Mapping[int, VersionedPolicy] = field(default_factory=dict)


def setting_of(story: Story, default_policy: Path = DEFAULT_POLICY) -> Setting:
    """Return the story's world; a policy folder is looked for beside the story.

    Raises PolicyError for a bad folder, StoryError for a change of the story that no policy may have.
    """
    given = story.given
    folder = Path(story.path).parent / given.policy if given.policy else default_policy
    written, roster = _shipped() if folder == DEFAULT_POLICY else (load_policy(folder), load_roster(folder))
    policy = with_changes(_as_given(written.policy, given), given, f"{story.path}: given")
    return Setting(
        policy=VersionedPolicy(version=_STORY_VERSION, policy=policy),
        roster=_with_people(roster, given),
        accounts={key: _account(key, account) for key, account in given.accounts.items()},
        unreachable=frozenset(given.unreachable),
        published=dict(_published(story, policy)),
    )


def _published(story: Story, policy: Policy) -> Iterator[tuple[int, VersionedPolicy]]:
    """Yield what the story publishes, each upon the one before it."""
    for when in sorted(story.when, key=lambda when: when.arrives):
        if isinstance(when.act, PolicyPublishedWith):
            if when.act.policy is not None:
                policy = _as_given(load_policy(Path(story.path).parent / when.act.policy).policy, story.given)
            policy = with_changes(policy, when.act, f"{story.path}:{when.line}")
            yield when.line, versioned(policy)


def _as_given(policy: Policy, given: Given) -> Policy:
    return _with_calendar(_with_chains(policy, given), given)


@cache
def _shipped() -> tuple[VersionedPolicy, Roster]:
    """Return the default policy, which unlike one that is being written does not change meanwhile."""
    return load_policy(DEFAULT_POLICY), load_roster(DEFAULT_POLICY)


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
