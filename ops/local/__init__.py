"""The real parts on one machine without Docker: Apache Kafka's own broker, and what it needs."""
