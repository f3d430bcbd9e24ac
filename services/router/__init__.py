"""The router decides: the only one that changes an escalation."""
