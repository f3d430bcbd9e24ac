"""Accounts in memory: fed by the topic table in production, given at once in stories and tests."""

from collections.abc import Mapping

from schemas.classifications import AccountSnapshot


class InMemoryAccounts:
    """Accounts given at once, or recorded one by one; the latest counts."""

    def __init__(self, accounts: Mapping[str, AccountSnapshot] | None = None) -> None:
        self._accounts = dict(accounts or {})

    def record(self, account: AccountSnapshot) -> None:
        """Keep the account as it is now."""
        self._accounts[account.account_id] = account

    def forget(self, account_id: str) -> None:
        """Forget an account that the CRM deleted; forgetting it again changes nothing."""
        self._accounts.pop(account_id, None)

    def __len__(self) -> int:
        """Return how many accounts are known."""
        return len(self._accounts)

    def get(self, account_id: str) -> AccountSnapshot | None:
        """Return the account, None where it is not known."""
        return self._accounts.get(account_id)
