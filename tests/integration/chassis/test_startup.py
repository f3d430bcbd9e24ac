"""A newcomer's mistakes get one clear line each."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from chassis.errors import StartUpError
from chassis.settings import KafkaSettings
from chassis.startup import check_kafka
from tests.harness.topics import create_topics
from tests.integration.chassis.sasl_kafka import PASSWORD, USER, a_sasl_kafka

pytestmark = pytest.mark.expects_errors


async def test_what_is_right_is_told_with_its_partitions(kafka: str, unique: str) -> None:
    await create_topics(kafka, f"{unique}.a", f"{unique}.b", partitions=3)
    both = (f"{unique}.a", f"{unique}.b")
    assert await check_kafka(KafkaSettings(bootstrap_servers=kafka), both, both) == dict.fromkeys(both, 3)


async def test_a_broker_that_is_not_there_is_named(free_port: int) -> None:
    with pytest.raises(StartUpError) as raised:
        await check_kafka(KafkaSettings(bootstrap_servers=f"127.0.0.1:{free_port}"), ("words",))
    assert str(raised.value) == f"no Kafka answers at 127.0.0.1:{free_port} by PLAINTEXT (ConnectionRefusedError)"


async def test_one_broker_of_several_is_enough(kafka: str, unique: str, free_port: int) -> None:
    await create_topics(kafka, unique)
    settings = KafkaSettings(bootstrap_servers=f"127.0.0.1:{free_port},{kafka}")
    assert await check_kafka(settings, (unique,)) == {unique: 1}


async def test_an_address_without_a_port_is_told() -> None:
    with pytest.raises(StartUpError, match=r"'kafka' is not host:port"):
        await check_kafka(KafkaSettings(bootstrap_servers="kafka"), ())


async def test_missing_topics_are_named_all_at_once(kafka: str, unique: str) -> None:
    await create_topics(kafka, f"{unique}.there")
    with pytest.raises(StartUpError) as raised:
        await check_kafka(KafkaSettings(bootstrap_servers=kafka), (f"{unique}.there", f"{unique}.b", f"{unique}.a"))
    assert f"{unique}.a, {unique}.b; `escalon topics apply` creates them" in str(raised.value)
    assert f"{unique}.there" not in str(raised.value)


async def test_unequal_partition_counts_are_told(kafka: str, unique: str) -> None:
    await create_topics(kafka, f"{unique}.a", partitions=2)
    await create_topics(kafka, f"{unique}.b", partitions=3)
    both = (f"{unique}.a", f"{unique}.b")
    with pytest.raises(StartUpError, match=f"{unique}.a has 2, {unique}.b has 3"):
        await check_kafka(KafkaSettings(bootstrap_servers=kafka), both, both)


@pytest.fixture(scope="module")
def guarded() -> Iterator[str]:
    with a_sasl_kafka() as broker:
        yield broker.login_address


def _login(address: str, password: str) -> KafkaSettings:
    return KafkaSettings(
        bootstrap_servers=address,
        security_protocol="SASL_PLAINTEXT",
        sasl_username=USER,
        sasl_password=SecretStr(password),
    )


async def test_right_credentials_let_us_in(guarded: str, unique: str) -> None:
    with pytest.raises(StartUpError, match="topics missing"):
        await check_kafka(_login(guarded, PASSWORD), (unique,))


async def test_wrong_credentials_are_told_with_the_user_and_without_the_password(guarded: str) -> None:
    with pytest.raises(StartUpError) as raised:
        await check_kafka(_login(guarded, "hunter2"), ("words",))
    assert f"refuses the credentials of user {USER}" in str(raised.value)
    assert "hunter2" not in str(raised.value)


async def test_plain_text_to_a_broker_that_wants_a_login_names_the_protocol_that_was_tried(guarded: str) -> None:
    with pytest.raises(StartUpError, match="by PLAINTEXT"):
        await check_kafka(KafkaSettings(bootstrap_servers=guarded, request_timeout_ms=2000), ("words",))
