"""What earlier landed versions wrote and were, kept for ever under tests/fixtures/<version>/.

`events.jsonl.xz`: every event of the stories as that version put it on the wire and in its store; `policy.schema.json`
and `roster.schema.json`: the documents it reads; `services.tar.xz`: its code, for the version before this one only.
"""

import lzma
import tarfile
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tests.harness.installation import Installation
from tests.harness.service_process import ServiceProcess

FIXTURES = Path(__file__).parents[1] / "fixtures"
VERSIONS = tuple(sorted(folder.name for folder in FIXTURES.iterdir()))


@dataclass(frozen=True, slots=True)
class WrittenEvent:
    """An event as an earlier version wrote it, and the story in which it happened."""

    story: str
    topic: str
    name: str
    value: bytes


class WrittenLine(msgspec.Struct, frozen=True):
    """A line of `events.jsonl.xz`; the value is in base 64."""

    story: str
    topic: str
    name: str
    value: str


def events_of(version: str) -> Iterator[WrittenEvent]:
    """Yield what a version wrote, story by story in the order it was written."""
    for line in lzma.decompress((FIXTURES / version / "events.jsonl.xz").read_bytes()).splitlines():
        read = msgspec.json.decode(line, type=WrittenLine)
        yield WrittenEvent(read.story, read.topic, read.name, b64decode(read.value))


class PreviousVersion:
    """The code of the version that landed before this one, to be run beside it."""

    def __init__(self, folder: Path) -> None:
        """Unpack it into a folder of the test's."""
        (packed,) = FIXTURES.glob("*/services.tar.xz")
        self.version = packed.parent.name
        self.folder = folder
        with tarfile.open(packed) as archive:
            archive.extractall(folder, filter="data")

    @property
    def environment(self) -> Mapping[str, str]:
        """Return the environment in which Python finds that code first."""
        return {"PYTHONPATH": str(self.folder)}

    def start(self, here: Installation, service: str, replica: str) -> ServiceProcess:
        """Start a replica of that version's service; not yet ready when this returns."""
        # -P: the folder it is started in, this version's, is not searched.
        return here.start(service, replica, program=("-P", "-m", f"services.{service}"), environment=self.environment)
