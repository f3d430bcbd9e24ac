"""How aiokafka is told to connect, and which of its errors may heal."""

import asyncio
import logging
from ssl import SSLContext
from typing import Any, TypedDict

from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    OutOfOrderSequenceNumber,
    UnknownProducerId,
)

from chassis.errors import EscalonError, RetryableError, StartUpError
from chassis.settings import KafkaSettings

log = logging.getLogger(__name__)

_MAY_HEAL = (KafkaConnectionError, KafkaTimeoutError, OutOfOrderSequenceNumber, UnknownProducerId)
"""What aiokafka would not try again: time-outs, and a broken sequence, after which the producer begins another."""


class ConnectionOptions(TypedDict):
    """What every client of aiokafka takes."""

    bootstrap_servers: str
    client_id: str
    request_timeout_ms: int
    security_protocol: str
    ssl_context: SSLContext | None
    sasl_mechanism: str
    sasl_plain_username: str | None
    sasl_plain_password: str | None


def connection_options(settings: KafkaSettings, client_id: str) -> ConnectionOptions:
    """Return how to connect; raises StartUpError for TLS files that cannot be read or credentials that are missing."""
    password = settings.sasl_password
    if settings.security_protocol.startswith("SASL") and (settings.sasl_username is None or password is None):
        raise StartUpError(
            f"{settings.security_protocol} needs ESCALON_KAFKA_SASL_USERNAME and ESCALON_KAFKA_SASL_PASSWORD"
        )
    return ConnectionOptions(
        bootstrap_servers=settings.bootstrap_servers,
        client_id=client_id,
        request_timeout_ms=settings.request_timeout_ms,
        security_protocol=settings.security_protocol,
        ssl_context=settings.ssl_context(),
        sasl_mechanism=settings.sasl_mechanism,
        sasl_plain_username=settings.sasl_username,
        sasl_plain_password=None if password is None else password.get_secret_value(),
    )


def not_reached(settings: KafkaSettings, error: Exception) -> StartUpError:
    """Return what to tell when a client could not start."""
    servers, protocol = settings.bootstrap_servers, settings.security_protocol
    return StartUpError(f"no Kafka answers at {servers} by {protocol} ({type(error).__name__})")


def outcome_of(error: KafkaError, doing: str) -> EscalonError | KafkaError:
    """Return what to raise for a client's error: a RetryableError where the world may heal, else the error itself."""
    if error.retriable or isinstance(error, _MAY_HEAL):
        return RetryableError(f"{doing}: {type(error).__name__}")
    return error


async def farewell(kafka: Any, seconds: float) -> None:
    """Stop a client; what a silent broker does not take in time is given up.

    A task of its own: with the broker gone aiokafka's stop may raise the cancellation of its inner tasks, which would
    look like our own.
    """
    stop = asyncio.ensure_future(kafka.stop())
    await asyncio.wait({stop}, timeout=seconds)
    if not stop.done():
        stop.cancel()
        await asyncio.wait({stop}, timeout=seconds)
    if not stop.done() or stop.cancelled() or stop.exception() is not None:
        log.warning("a client of Kafka left without a word")
