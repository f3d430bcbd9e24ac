"""In-process stand-ins for the classifier's ports: for stories, for exported tickets, for tests."""

from collections.abc import Mapping

from schemas.classifications import AccountSnapshot


class InMemoryAccounts:
    """Accounts given once, or recorded one by one; the latest counts."""

    def __init__(self, accounts: Mapping[str, AccountSnapshot] | None = None) -> None:
        self._accounts = dict(accounts or {})

    def record(self, account: AccountSnapshot) -> None:
        """Keep the account as it is now."""
        self._accounts[account.account_id] = account

    def get(self, account_id: str) -> AccountSnapshot | None:
        """Return the account, None where it is not known."""
        return self._accounts.get(account_id)
