"""The rules of an escalation's life, pure: state, what follows from a message, what an event makes of the state."""
