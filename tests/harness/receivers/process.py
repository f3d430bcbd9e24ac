"""Receivers as processes beside the services: their faults by a script, what they took by their journal."""

import asyncio
import json
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tests.harness import ports
from tests.harness.receivers.faults import Fault, Scripted
from tests.harness.receivers.slack import TOKEN as SLACK_TOKEN
from tests.harness.receivers.smtp import PASSWORD, USER
from tests.harness.receivers.zendesk import TOKEN as ZENDESK_TOKEN
from tests.harness.receivers.zendesk import USER as AGENT
from tests.harness.service_process import REPOSITORY
from tests.harness.waiting import eventually


class Entry(msgspec.Struct, frozen=True):
    """A line of a receiver's journal; `at` is the machine's monotonic time in seconds."""

    at: float
    call: str
    answered: str
    taken: bool
    key: str | None = None
    to: str | None = None


class ReceiverProcess:
    """A receiver that runs as a program (`tests.harness.receivers.<name>`)."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.port = ports.free_port()
        self._journal = folder / f"{name}.jsonl"
        self._script = folder / f"{name}-faults.json"
        self._written = 0
        arguments = ("--port", str(self.port), "--journal", str(self._journal), "--faults", str(self._script))
        with (folder / f"{name}.log").open("ab") as log:
            self._child = subprocess.Popen(
                [sys.executable, "-m", f"tests.harness.receivers.{name}", *arguments],
                cwd=REPOSITORY,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def fail(self, call: str, *faults: Fault, times: int | None = None, spared: tuple[str, ...] = ()) -> None:
        """Have calls of a name go wrong from now on, each fault so many times or the first until `heal`.

        Replaces what was before.
        """
        self._written += 1
        self._write(
            [
                Scripted(name=f"{self._written}.{number}", call=call, fault=fault, times=times, spared=spared)
                for number, fault in enumerate(faults)
            ]
        )

    def heal(self) -> None:
        """Have everything go right from now on; what hangs goes on hanging."""
        self._write([])

    def journal(self, call: str | None = None) -> list[Entry]:
        """Return what it was asked so far, all or calls of one name."""
        lines = self._journal.read_bytes().splitlines() if self._journal.exists() else []
        entries = [msgspec.convert(json.loads(line), Entry) for line in lines]
        return [entry for entry in entries if call in (None, entry.call)]

    def taken(self) -> Counter[str]:
        """Return how often it took each key."""
        return Counter(entry.key for entry in self.journal() if entry.taken and entry.key is not None)

    def answered(self, word: str) -> int:
        """Return how often it answered so."""
        return sum(entry.answered == word for entry in self.journal())

    def is_listening(self) -> bool:
        """Tell whether it takes connections; fails the test if it has ended."""
        assert self._child.poll() is None, f"{self.name} has ended"
        with socket.socket() as asking:
            return asking.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        """End it."""
        self._child.kill()
        self._child.wait()

    def _write(self, faults: list[Scripted]) -> None:
        draft = self._script.with_suffix(".draft")
        draft.write_bytes(msgspec.json.encode(faults))
        draft.replace(self._script)


@dataclass(frozen=True, slots=True)
class Receivers:
    """A Slack, a mail server and a Zendesk, each a process of its own."""

    slack: ReceiverProcess
    smtp: ReceiverProcess
    zendesk: ReceiverProcess

    @property
    def all(self) -> tuple[ReceiverProcess, ...]:
        """Return all three."""
        return (self.slack, self.smtp, self.zendesk)

    def environment(self, timeout_seconds: int = 2) -> dict[str, str]:
        """Return what the notifier needs to write to them."""
        return {
            "ESCALON_SLACK_TOKEN": SLACK_TOKEN,
            "ESCALON_SLACK_BASE_URL": f"http://127.0.0.1:{self.slack.port}/api/",
            "ESCALON_SLACK_TIMEOUT_SECONDS": str(timeout_seconds),
            "ESCALON_SMTP_HOST": "127.0.0.1",
            "ESCALON_SMTP_PORT": str(self.smtp.port),
            "ESCALON_SMTP_SECURITY": "none",
            "ESCALON_SMTP_USERNAME": USER,
            "ESCALON_SMTP_PASSWORD": PASSWORD,
            "ESCALON_SMTP_TIMEOUT_SECONDS": str(timeout_seconds),
            "ESCALON_ZENDESK_URL": f"http://127.0.0.1:{self.zendesk.port}",
            "ESCALON_ZENDESK_HELPDESK": "zendesk-eu",
            "ESCALON_ZENDESK_USER": AGENT,
            "ESCALON_ZENDESK_TOKEN": ZENDESK_TOKEN,
            "ESCALON_ZENDESK_TIMEOUT_SECONDS": str(timeout_seconds),
        }


@asynccontextmanager
async def three_receivers(folder: Path) -> AsyncIterator[Receivers]:
    """Give the three, listening, their files in a folder that is there; they are gone when the block ends."""
    found = Receivers(*(ReceiverProcess(name, folder) for name in ("slack", "smtp", "zendesk")))
    try:
        for receiver in found.all:
            await eventually(receiver.is_listening, 60, what=f"{receiver.name} listens")
        yield found
    finally:
        for receiver in found.all:
            await asyncio.to_thread(receiver.kill)
