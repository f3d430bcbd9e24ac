"""What was published on `policies.v1` and `roster.v1`, as a service knows it: folded record by record."""

from collections.abc import Iterable

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


class PolicyRegistry:
    """Every version of the procedure; a version never changes, so folding a record again changes nothing."""

    def __init__(self, policies: Iterable[VersionedPolicy] = ()) -> None:
        self._policies: dict[PolicyVersion, VersionedPolicy] = {}
        self._latest: VersionedPolicy | None = None
        for policy in policies:
            self.add(policy)

    def fold(self, published: PolicyPublished) -> None:
        """Take a published version in, in the order of the topic; a version published again becomes the latest again.

        Raises RejectedMessageError for one this release does not understand.
        """
        version = PolicyVersion(published.version)
        known = self._policies.get(version)
        try:
            self.add(known or VersionedPolicy(version=version, policy=policy_of(published.document)))
        except msgspec.DecodeError as error:
            raise RejectedMessageError(f"policy version {version} is not understood: {error}") from error

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
