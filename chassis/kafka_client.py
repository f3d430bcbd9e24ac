"""How aiokafka is told to connect, and which of its errors may heal."""

from ssl import SSLContext
from typing import TypedDict

from aiokafka.errors import KafkaConnectionError, KafkaError

from chassis.errors import EscalonError, RetryableError, StartUpError
from chassis.settings import KafkaSettings


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
    if error.retriable or isinstance(error, KafkaConnectionError):
        return RetryableError(f"{doing}: {type(error).__name__}")
    return error
