"""One whole installation on this machine, without Docker: Apache Kafka itself, the services, their supervisor, the clock."""
