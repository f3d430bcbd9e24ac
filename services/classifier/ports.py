"""What the classifier needs from outside itself."""

from datetime import datetime
from typing import Protocol

from policy.model import VersionedPolicy
from schemas.classifications import AccountSnapshot, Judgement
from schemas.tickets import Ticket
from schemas.vocabulary import ReplyIntent


class Judge(Protocol):
    """Says what a ticket is; the same input gives the same output."""

    def judge(
        self, ticket: Ticket, account: AccountSnapshot | None, policy: VersionedPolicy, occurred_at: datetime
    ) -> Judgement:
        """Return the verdict on the ticket as it was at `occurred_at`."""
        ...

    def intent_of(self, reply: str, policy: VersionedPolicy) -> ReplyIntent:
        """Return what a customer's reply means for a proposed resolution."""
        ...


class Accounts(Protocol):
    """The accounts as the CRM knows them."""

    def get(self, account_id: str) -> AccountSnapshot | None:
        """Return the account, None where it is not known."""
        ...
