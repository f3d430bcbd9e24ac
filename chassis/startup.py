"""What must be there before a service starts; what is not is named in one line, with what to do."""

from collections.abc import Collection, Mapping
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.conn import create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)

from chassis.errors import StartUpError
from chassis.kafka_client import ConnectionOptions, connection_options, not_reached
from chassis.settings import KafkaSettings

_CREDENTIALS = (
    AuthenticationFailedError,
    SaslAuthenticationFailed,
    IllegalSaslStateError,
    UnsupportedSaslMechanismError,
)
_ANSWER_MS = 5_000


async def check_kafka(
    settings: KafkaSettings, topics: Collection[str], co_partitioned: Collection[str] = ()
) -> Mapping[str, int]:
    """Return how many partitions each topic has, once all is right.

    Raises StartUpError: no broker answers, the credentials are wrong, topics are missing, or those in `co_partitioned`
    do not have the same number of partitions.
    """
    options = connection_options(settings, "start-up")
    options["request_timeout_ms"] = min(_ANSWER_MS, settings.request_timeout_ms)
    await _greet_any(options)
    counts = await _partition_counts(settings, options, {*topics, *co_partitioned})
    missing = sorted(topic for topic, count in counts.items() if count == 0)
    if missing:
        raise StartUpError(
            f"topics missing on {settings.bootstrap_servers}: {', '.join(missing)}; `escalon topics apply` creates them"
        )
    if len({counts[topic] for topic in co_partitioned}) > 1:
        told = ", ".join(f"{topic} has {counts[topic]}" for topic in sorted(co_partitioned))
        raise StartUpError(f"these topics need the same number of partitions: {told}")
    return counts


async def _greet_any(options: ConnectionOptions) -> None:
    """Connect to one of the brokers, as a client would, to learn what is wrong if none can be."""
    problems: list[str] = []
    for server in options["bootstrap_servers"].split(","):
        problem = await _greet(server.strip(), options)
        if problem is None:
            return
        problems.append(problem)
    raise StartUpError("; ".join(problems))


async def _greet(server: str, options: ConnectionOptions) -> str | None:
    host, _, port = server.rpartition(":")
    if not host or not port.isdigit():
        raise StartUpError(f"ESCALON_KAFKA_BOOTSTRAP_SERVERS: {server!r} is not host:port")
    rest: dict[str, Any] = {name: value for name, value in options.items() if name != "bootstrap_servers"}
    try:
        connection = await create_conn(host.strip("[]"), int(port), **rest)
    except _CREDENTIALS as error:
        user = options["sasl_plain_username"]
        return f"Kafka at {server} refuses the credentials of user {user} ({type(error).__name__})"
    except (TimeoutError, KafkaError, OSError) as error:
        protocol = options["security_protocol"]
        return f"no Kafka answers at {server} by {protocol} ({type(error).__name__})"
    connection.close()
    return None


async def _partition_counts(
    settings: KafkaSettings, options: ConnectionOptions, topics: Collection[str]
) -> dict[str, int]:
    client = AIOKafkaClient(**options)
    try:
        await client.bootstrap()
        cluster = await client.fetch_all_metadata()
    except KafkaError as error:
        raise not_reached(settings, error) from error
    finally:
        await client.close()
    return {topic: len(cluster.partitions_for_topic(topic) or ()) for topic in sorted(topics)}
