"""A whole installation on this machine, without Docker: Kafka itself, the services, their supervisor, the clock."""
