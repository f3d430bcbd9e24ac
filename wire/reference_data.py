"""What was published on `policies.v1` and `roster.v1`, as a service knows it: folded record by record."""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from chassis.errors import RejectedMessageError, RetryableError
from policy.model import Policy, VersionedPolicy
from policy.publication import policy_of, roster_of
from policy.roster import Roster
from schemas.ids import PolicyVersion
from schemas.reference_data import PolicyPublished, RosterPublished


class PolicyNotKnownError(RetryableError):
    """The version has not arrived here yet: an escalation keeps the version it opened with, so wait for it."""


class RosterNotKnownError(RetryableError):
    """No roster was published yet: without one nobody is on duty."""


def _no_complaints(_policy: Policy) -> Sequence[str]:
    """Find nothing wrong with a policy."""
    return ()


class PolicyRegistry:
    """Every version of the procedure; a version never changes, so folding a record again changes nothing.

    `complaints` says what is wrong with a policy for the one who is to apply it: one with a complaint is not taken in.
    """

    def __init__(
        self,
        policies: Iterable[VersionedPolicy] = (),
        *,
        complaints: Callable[[Policy], Sequence[str]] = _no_complaints,
    ) -> None:
        self._complaints = complaints
        self._policies: dict[PolicyVersion, VersionedPolicy] = {}
        self._latest: VersionedPolicy | None = None
        for policy in policies:
            self.add(policy)

    def fold(self, published: PolicyPublished) -> None:
        """Take a published version in, in the order of the topic; a version published again becomes the latest again.

        Raises RejectedMessageError for one this release does not understand, or that cannot be applied.
        """
        version = PolicyVersion(published.version)
        self.add(self._policies.get(version) or self._understood(version, published.document))

    def add(self, policy: VersionedPolicy) -> None:
        """Take a version in and make it the latest."""
        self._policies[policy.version] = self._latest = policy

    def get(self, version: PolicyVersion) -> Policy:
        """Return a version of the procedure; raises PolicyNotKnownError while it has not arrived."""
        known = self._policies.get(version)
        if known is None:
            raise PolicyNotKnownError(f"policy version {version} has not arrived on policies.v1 yet")
        return known.policy

    def latest(self) -> VersionedPolicy:
        """Return the version published last; raises PolicyNotKnownError before the first."""
        if self._latest is None:
            raise PolicyNotKnownError("no policy was published on policies.v1 yet: run `escalon policy publish`")
        return self._latest

    def _understood(self, version: PolicyVersion, document: str) -> VersionedPolicy:
        try:
            policy = policy_of(document)
        except msgspec.DecodeError as error:
            raise RejectedMessageError(f"policy version {version} is not understood: {error}") from error
        if complaints := self._complaints(policy):
            raise RejectedMessageError(f"policy version {version} cannot be applied: {complaints[0]}")
        return VersionedPolicy(version=version, policy=policy)


class RosterRegistry:
    """The roster in force: always the one published last."""

    def __init__(self, roster: Roster | None = None) -> None:
        self._roster = roster

    def fold(self, published: RosterPublished) -> None:
        """Take a published roster in; raises RejectedMessageError for one this release does not understand."""
        try:
            self.replace(roster_of(published.document))
        except msgspec.DecodeError:
            # The error could quote a person's contact.
            raise RejectedMessageError(f"roster version {published.version} is not understood") from None

    def replace(self, roster: Roster) -> None:
        """Make a roster the one in force."""
        self._roster = roster

    def current(self) -> Roster:
        """Return the roster in force; raises RosterNotKnownError before the first."""
        if self._roster is None:
            raise RosterNotKnownError("no roster was published on roster.v1 yet: run `escalon roster publish`")
        return self._roster
