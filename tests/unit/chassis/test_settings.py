"""Settings: all that is wrong at once, by the variable's name, and never a secret."""

import pytest
from pydantic import Field

from chassis.errors import StartUpError
from chassis.kafka_client import connection_options
from chassis.settings import KafkaSettings, ServiceSettings, describe_settings, read_settings


class DeskSettings(ServiceSettings):
    """Settings of a service that needs a place to store."""

    database_url: str = Field(description="Where it stores.")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("ESCALON_KAFKA_BOOTSTRAP_SERVERS", "kafka:9092")
    monkeypatch.setenv("ESCALON_DATABASE_URL", "sqlite://")
    return monkeypatch


def test_settings_come_from_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SCHEMA_REGISTRY_URL", "http://registry")
    settings = read_settings(DeskSettings)
    assert settings.kafka.bootstrap_servers == "kafka:9092"
    assert settings.database_url == "sqlite://"
    assert settings.schema_registry_url == "http://registry"


def test_all_that_is_missing_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ESCALON_KAFKA_BOOTSTRAP_SERVERS", raising=False)
    with pytest.raises(StartUpError) as raised:
        read_settings(DeskSettings)
    assert "ESCALON_KAFKA_BOOTSTRAP_SERVERS is missing" in str(raised.value)
    assert "ESCALON_DATABASE_URL is missing (Where it stores.)" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_what_is_wrong_is_told_with_what_is_allowed_and_without_the_value(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ESCALON_HEALTH_PORT", "hunter2")
    environment.setenv("ESCALON_KAFKA_SECURITY_PROTOCOL", "TELNET")
    with pytest.raises(StartUpError) as raised:
        read_settings(DeskSettings)
    assert "ESCALON_HEALTH_PORT: Input should be a valid integer" in str(raised.value)
    assert "ESCALON_KAFKA_SECURITY_PROTOCOL: Input should be 'PLAINTEXT'" in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_every_setting_is_described_once_with_its_variable() -> None:
    described = {setting.variable: setting for setting in describe_settings(DeskSettings)}
    assert len(described) == len(describe_settings(DeskSettings))
    assert described["ESCALON_KAFKA_SASL_PASSWORD"].secret
    assert described["ESCALON_DATABASE_URL"].required
    assert described["ESCALON_HEALTH_PORT"].default == "8080"
    assert all(setting.doc for setting in described.values())


def test_sasl_without_credentials_is_a_start_up_error() -> None:
    settings = KafkaSettings(bootstrap_servers="kafka:9092", security_protocol="SASL_PLAINTEXT")
    with pytest.raises(StartUpError, match="ESCALON_KAFKA_SASL_USERNAME"):
        connection_options(settings, "desk")


def test_a_password_is_never_shown(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ESCALON_KAFKA_SASL_PASSWORD", "hunter2")
    assert "hunter2" not in repr(read_settings(DeskSettings))


def test_tls_files_that_cannot_be_read_are_a_start_up_error(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ESCALON_KAFKA_SECURITY_PROTOCOL", "SSL")
    environment.setenv("ESCALON_KAFKA_SSL_CAFILE", "missing.pem")
    with pytest.raises(StartUpError, match="TLS files of Kafka cannot be read"):
        connection_options(read_settings(DeskSettings).kafka, "desk")
