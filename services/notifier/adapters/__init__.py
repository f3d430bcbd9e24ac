"""How the notifier reaches the world: channels, the ledger's databases, Kafka."""
