"""A newcomer's mistakes, made by the commands a newcomer types: each is told in one clear line, and nothing starts."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions

from chassis.settings import KafkaSettings
from ops.local.kafka import LocalKafka
from ops.topics import apply_topics
from schemas.catalogue import SERVICES
from tests.harness.sources import PRODUCT_ROOMS, ROOT
from tests.integration.chassis.sasl_kafka import USER, SaslKafka, a_sasl_kafka

COMMANDS = (
    "topics list",
    "topics apply",
    "escalation list",
    "policy publish",
    "roster publish",
    "command accept zendesk-eu/1 --by ana",
    "dead-letters list",
    "watch",
)
NEED_TOPICS = tuple(command for command in COMMANDS if not command.startswith("topics"))
WRONG = "hunter2"


@pytest.fixture(scope="module")
def guarded() -> Iterator[SaslKafka]:
    """A broker without any topic, with a second door that wants a login."""
    with a_sasl_kafka() as broker:
        yield broker


def escalon(command: str) -> list[str]:
    return ["ops", *command.split()]


def service(name: str) -> list[str]:
    return [f"services.{name}"]


EVERYTHING = [escalon(command) for command in COMMANDS] + [service(name) for name in SERVICES]
ENTRANCES = [escalon("topics list"), escalon("escalation list"), escalon("policy publish"), service("sla_monitor")]
"""An admin client's, a reader's, a writer's, and a service's way in."""


def told(module: list[str], environment: Mapping[str, str], at: Path) -> str:
    """Run `python -m …` to its end and return the one line it says on standard error; it must not have gone well."""
    said = subprocess.run(
        [sys.executable, "-m", *module],
        cwd=ROOT,
        env={
            **os.environ,
            "ESCALON_HEALTH_PORT": "0",
            "ESCALON_LOCAL_DIR": str(at / "local"),
            "ESCALON_ROUTER_STORE_URL": f"sqlite:///{at / 'router.db'}",
            "ESCALON_NOTIFIER_LEDGER_URL": f"sqlite:///{at / 'ledger.db'}",
            "ESCALON_SLA_MONITOR_STORAGE": str(at / "rows"),
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert said.returncode in (1, 2), said
    (line,) = said.stderr.splitlines()
    assert "Traceback" not in said.stdout
    assert WRONG not in said.stdout + said.stderr
    return line


@pytest.mark.parametrize("module", EVERYTHING, ids=" ".join)
def test_a_broker_that_is_not_there_is_named(module: list[str], free_port: int, tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port}"

    line = told(module, {"ESCALON_KAFKA_BOOTSTRAP_SERVERS": address}, tmp_path)

    assert f"no Kafka answers at {address} by PLAINTEXT" in line


@pytest.mark.parametrize(
    "module", [escalon(c) for c in NEED_TOPICS] + [service(name) for name in SERVICES], ids=" ".join
)
def test_topics_that_are_missing_are_named_with_what_creates_them(
    module: list[str], guarded: SaslKafka, tmp_path: Path
) -> None:
    line = told(module, {"ESCALON_KAFKA_BOOTSTRAP_SERVERS": guarded.bootstrap_servers}, tmp_path)

    assert f"topics missing on {guarded.bootstrap_servers}: " in line
    assert "`escalon topics apply` creates them" in line


@pytest.mark.parametrize("module", ENTRANCES, ids=" ".join)
def test_wrong_credentials_are_told_with_the_user_and_without_the_password(
    module: list[str], guarded: SaslKafka, tmp_path: Path
) -> None:
    login = {
        "ESCALON_KAFKA_BOOTSTRAP_SERVERS": guarded.login_address,
        "ESCALON_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "ESCALON_KAFKA_SASL_USERNAME": USER,
        "ESCALON_KAFKA_SASL_PASSWORD": WRONG,
    }

    assert f"refuses the credentials of user {USER}" in told(module, login, tmp_path)


async def test_a_topic_with_another_partition_count_is_named_with_both_numbers(
    own_kafka: LocalKafka, tmp_path: Path
) -> None:
    await apply_topics(KafkaSettings(bootstrap_servers=own_kafka.bootstrap_servers))
    admin = AIOKafkaAdminClient(bootstrap_servers=own_kafka.bootstrap_servers)
    await admin.start()
    await admin.create_partitions({name: NewPartitions(9) for name in ("tickets.v1", "escalations.v1")})
    await admin.close()
    environment = {"ESCALON_KAFKA_BOOTSTRAP_SERVERS": own_kafka.bootstrap_servers}

    assert "tickets.v1 has 9 partitions and needs 8" in told(escalon("topics apply"), environment, tmp_path)
    for name in SERVICES:
        line = told(service(name), environment, tmp_path)
        assert "need the same number of partitions: " in line, name
        assert " has 9" in line, name
        assert " has 8" in line, name


def test_a_setting_that_is_missing_is_named_with_what_it_is_for(tmp_path: Path) -> None:
    line = told(service("router"), {"ESCALON_KAFKA_BOOTSTRAP_SERVERS": ""}, tmp_path)

    assert "ESCALON_KAFKA_BOOTSTRAP_SERVERS" in line
    assert "Brokers, as host:port" in line


@pytest.mark.parametrize(
    ("verb", "file", "right", "wrong", "says"),
    [
        ("policy check", "routing.yaml", "management_at_once:", "management:", "management"),
        ("policy publish", "routing.yaml", "management_at_once:", "management:", "management"),
        ("roster check", "roster.yaml", "slack:", "slak:", "slak"),
        ("roster publish", "roster.yaml", "slack:", "slak:", "slak"),
    ],
)
def test_a_mistake_in_policy_or_roster_is_told_by_file_and_line_with_what_is_allowed(
    tmp_path: Path, verb: str, file: str, right: str, wrong: str, says: str
) -> None:
    shutil.copytree(ROOT / "policy" / "default", tmp_path / "policy")
    path = tmp_path / "policy" / file
    lines = path.read_text(encoding="utf-8").splitlines()
    number = next(number for number, line in enumerate(lines) if right in line)
    lines[number] = lines[number].replace(right, wrong)
    path.write_text("\n".join(lines), encoding="utf-8")

    line = told([*escalon(verb), str(tmp_path / "policy")], {}, tmp_path)

    assert f"{file}:{number + 1}" in line
    assert says in line
    assert "allowed" in line
    assert right.removesuffix(":") in line.split("allowed")[1]


@pytest.mark.parametrize("name", SERVICES)
def test_a_port_that_is_taken_is_named_with_the_setting(name: str, kafka: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        environment = {"ESCALON_KAFKA_BOOTSTRAP_SERVERS": kafka, "ESCALON_HEALTH_PORT": str(port)}

        line = told(service(name), environment, tmp_path)

    assert str(port) in line
    assert "ESCALON_HEALTH_PORT" in line


def test_a_machine_without_maven_is_told_so(tmp_path: Path) -> None:
    """In a copy of the repository whose Kafka was never fetched, on a PATH that has Java only."""
    for room in PRODUCT_ROOMS:
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "deploy" / "local", tmp_path / "deploy" / "local")
    (tmp_path / "bin").mkdir()
    java = shutil.which("java")
    assert java is not None
    (tmp_path / "bin" / "java").symlink_to(java)

    said = subprocess.run(
        [sys.executable, "-m", "ops.local", "fetch"],
        cwd=tmp_path,
        env={"PATH": str(tmp_path / "bin")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert said.returncode == 1
    (line,) = said.stderr.splitlines()
    assert line.startswith("escalon: no Maven: ")
    assert "apt install maven" in line
