"""The judge that goes by the policy's rules; criteria are compiled once for each version."""

from datetime import datetime

from policy.cel import CompiledCriteria
from policy.model import VersionedPolicy
from schemas.classifications import AccountSnapshot, Judgement
from schemas.ids import PolicyVersion
from schemas.tickets import Ticket
from schemas.vocabulary import ReplyIntent
from services.classifier.domain.judging import judge

_KEPT = 16


class RuleJudge:
    """Judges by rules alone. Raises CriteriaProblemError for a policy that its own check refuses."""

    def __init__(self) -> None:
        self._compiled: dict[PolicyVersion, CompiledCriteria] = {}

    def judge(
        self, ticket: Ticket, account: AccountSnapshot | None, policy: VersionedPolicy, occurred_at: datetime
    ) -> Judgement:
        """Return the verdict on the ticket as it was at `occurred_at`."""
        return judge(self._criteria(policy), ticket, account, occurred_at)

    def intent_of(self, reply: str, policy: VersionedPolicy) -> ReplyIntent:
        """Return what a customer's reply means for a proposed resolution."""
        return self._criteria(policy).intent_of(reply)

    def _criteria(self, policy: VersionedPolicy) -> CompiledCriteria:
        found = self._compiled.get(policy.version)
        if found is None:
            found = CompiledCriteria(policy.policy.criteria)
            if len(self._compiled) >= _KEPT:
                self._compiled.pop(next(iter(self._compiled)))
            self._compiled[policy.version] = found
        return found
