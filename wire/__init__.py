"""The published language on Kafka: where schemas, policy and chassis meet."""
