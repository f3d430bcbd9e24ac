"""The notifier speaks: the only service that talks to the world outside."""
