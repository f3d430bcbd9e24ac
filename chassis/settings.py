"""What can be set from outside, once: read from the environment, checked whole, described for `escalon settings`."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

from pydantic import Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis.errors import StartUpError

PREFIX = "ESCALON_"

SettingsT = TypeVar("SettingsT", bound=BaseSettings)


class KafkaSettings(BaseSettings):
    """How Kafka is reached."""

    model_config = SettingsConfigDict(env_prefix=f"{PREFIX}KAFKA_", frozen=True)

    bootstrap_servers: str = Field(min_length=1, description="Brokers, as host:port, separated by commas.")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How the connection is secured."
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "PLAIN", description="How we prove who we are, for the SASL protocols."
    )
    sasl_username: str | None = Field(None, description="User name, for the SASL protocols.")
    sasl_password: SecretStr | None = Field(None, description="Password, for the SASL protocols.")
    ssl_cafile: Path | None = Field(
        None, description="Certificates of the authorities we trust; the system's if unset."
    )
    ssl_certfile: Path | None = Field(None, description="Our client certificate, if the brokers ask for one.")
    ssl_keyfile: Path | None = Field(None, description="The key of our client certificate.")
    session_timeout_ms: int = Field(
        15_000, ge=1_000, description="Milliseconds after which the group gives a silent replica's partitions away."
    )
    request_timeout_ms: int = Field(20_000, ge=1_000, description="Milliseconds a broker may take to answer.")

    replication_factor: int = Field(
        1, ge=1, description="Copies of the topics a service makes for itself (changelogs); 3 in production."
    )

    def ssl_context(self) -> ssl.SSLContext | None:
        """Return what the SSL protocols need, None for the others; raises StartUpError for an unreadable file."""
        if not self.security_protocol.endswith("SSL"):
            return None
        try:
            context = ssl.create_default_context(cafile=self.ssl_cafile)
            if self.ssl_certfile is not None:
                context.load_cert_chain(self.ssl_certfile, self.ssl_keyfile)
        except OSError as error:
            raise StartUpError(f"the TLS files of Kafka cannot be read: {error.strerror or error}") from error
        return context


class ServiceSettings(BaseSettings):
    """What every service can be told; a service's own settings extend it."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, populate_by_name=True)

    kafka: KafkaSettings = Field(description="How Kafka is reached.")
    replica_id: str = Field(
        "0", min_length=1, description="Tells the replicas of a service apart; lasts over restarts."
    )
    health_host: str = Field("127.0.0.1", description="Where /livez, /readyz and /metrics listen.")
    health_port: int = Field(
        8080, ge=0, le=65535, description="The port of /livez, /readyz, /metrics; 0 is any free one."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="The least severe line logged.")
    clock_file: Path | None = Field(None, description="State of the demo's fast clock; the machine's clock if unset.")
    schema_registry_url: Annotated[str | None, Field(validation_alias="SCHEMA_REGISTRY_URL")] = Field(
        None, description="Confluent's schema registry; single-object encoding by `schemas.v1` if unset."
    )


def read_settings(kind: type[SettingsT]) -> SettingsT:
    """Read settings from the environment; raises StartUpError naming all that is missing or wrong, in one line."""
    nested: dict[str, Any] = {}
    problems: list[str] = []
    for name, part in _nested(kind).items():
        try:
            nested[name] = part()
        except ValidationError as error:
            problems += _problems(part, error)
            nested[name] = part.model_construct()
    try:
        settings = kind(**nested)
    except ValidationError as error:
        problems += _problems(kind, error)
    if problems:
        raise StartUpError("settings: " + "; ".join(problems))
    return settings


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting as it is described: what it is called, what it is now, and what it is for."""

    variable: str
    type: str
    default: str
    doc: str
    secret: bool
    required: bool


def describe_settings(kind: type[BaseSettings]) -> tuple[Setting, ...]:
    """Return every setting of a class and of the classes in it, in the order they are declared."""
    described: list[Setting] = []
    for name, field in kind.model_fields.items():
        if name in _nested(kind):
            described += describe_settings(_nested(kind)[name])
        else:
            described.append(_describe(kind, name, field))
    return tuple(described)


def variable_of(kind: type[BaseSettings], name: str) -> str:
    """Return the environment variable of a field."""
    alias = kind.model_fields[name].validation_alias
    return alias if isinstance(alias, str) else f"{kind.model_config.get('env_prefix', '')}{name}".upper()


def _nested(kind: type[BaseSettings]) -> dict[str, type[BaseSettings]]:
    return {
        name: field.annotation
        for name, field in kind.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseSettings)
    }


def _problems(kind: type[BaseSettings], error: ValidationError) -> list[str]:
    # Only the rule that was broken is told, never the value: it may be a secret.
    return [_problem(kind, str(found["loc"][0]) if found["loc"] else "", found["msg"]) for found in error.errors()]


def _problem(kind: type[BaseSettings], location: str, message: str) -> str:
    for name, field in kind.model_fields.items():
        if location.lower() in {name, str(field.validation_alias).lower()}:
            if message == "Field required":
                return f"{variable_of(kind, name)} is missing ({field.description})"
            return f"{variable_of(kind, name)}: {message} ({field.description})"
    return f"{location}: {message}" if location else message


def _describe(kind: type[BaseSettings], name: str, field: FieldInfo) -> Setting:
    secret = "SecretStr" in str(field.annotation)
    default = "" if field.default in (None, PydanticUndefined) else str(field.default)
    return Setting(
        variable=variable_of(kind, name),
        type=_type_name(field.annotation),
        default="***" if secret and default else default,
        doc=field.description or "",
        secret=secret,
        required=field.is_required(),
    )


def _type_name(annotation: object) -> str:
    if isinstance(annotation, type):
        return annotation.__name__
    if get_origin(annotation) is Literal:
        return " | ".join(str(value) for value in get_args(annotation))
    return " | ".join(_type_name(part) for part in get_args(annotation) if part is not type(None)) or str(annotation)
