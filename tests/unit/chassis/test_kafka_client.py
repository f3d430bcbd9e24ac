"""Which of a client's errors the world may heal."""

import pytest
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    OutOfOrderSequenceNumber,
    RequestTimedOutError,
    TopicAuthorizationFailedError,
)

from chassis.errors import RetryableError
from chassis.kafka_client import outcome_of


@pytest.mark.parametrize(
    "error", [KafkaConnectionError(), KafkaTimeoutError(), RequestTimedOutError(), OutOfOrderSequenceNumber()]
)
def test_a_broker_that_is_away_or_slow_is_tried_again(error: KafkaError) -> None:
    assert isinstance(outcome_of(error, "writing to Kafka"), RetryableError)


def test_what_no_waiting_heals_stays_the_error_it_is() -> None:
    refused = TopicAuthorizationFailedError()

    assert outcome_of(refused, "writing to Kafka") is refused
