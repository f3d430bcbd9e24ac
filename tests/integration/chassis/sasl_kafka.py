"""A real broker that wants a login on a second port."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Template

from ops.local.kafka import KafkaPlace, LocalKafka
from tests.harness.ports import free_port

USER, PASSWORD = "desk", "right"

_LOGIN = Template("""
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller_port},LOGIN://127.0.0.1:${login_port}
advertised.listeners=PLAINTEXT://127.0.0.1:${port},LOGIN://127.0.0.1:${login_port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,LOGIN:SASL_PLAINTEXT
sasl.enabled.mechanisms=PLAIN
listener.name.login.plain.sasl.jaas.config=${module} required user_${user}="${password}";
""")


class SaslKafka(LocalKafka):
    """A LocalKafka with a listener for SASL/PLAIN at `login_address`."""

    def __init__(self, place: KafkaPlace, login_port: int) -> None:
        super().__init__(place)
        self._login_port = login_port

    @property
    def login_address(self) -> str:
        """Return where a login is needed."""
        return f"127.0.0.1:{self._login_port}"

    def _write_properties(self) -> Path:
        path = super()._write_properties()
        login = _LOGIN.substitute(
            port=self.place.port,
            controller_port=self.place.controller_port,
            login_port=self._login_port,
            module="org.apache.kafka.common.security.plain.PlainLoginModule",
            user=USER,
            password=PASSWORD,
        )
        path.write_text(path.read_text() + login)
        return path


@contextmanager
def a_sasl_kafka() -> Iterator[SaslKafka]:
    """Give such a broker, started, for the block."""
    home = Path(tempfile.mkdtemp(prefix="escalon-sasl-"))
    broker = SaslKafka(KafkaPlace(home, free_port(), free_port()), free_port())
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()
        shutil.rmtree(home, ignore_errors=True)
