"""`python -m tests.harness.release VERSION`: keeps what this version writes and is, when it lands (CONTRIBUTING.md)."""

import asyncio
import lzma
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import msgspec

from ops.scenario.reading import read_story
from ops.scenario.setting import setting_of
from ops.scenario.world import World
from policy.json_schema import policy_schema, roster_schema
from schemas.catalogue import topic_of
from schemas.classifications import ClassifierProgressed
from schemas.codec import Codec, SchemaBook
from schemas.message import Message
from tests.harness.released import FIXTURES, WrittenLine

_REPOSITORY = Path(__file__).parents[2]
_STORIES = _REPOSITORY / "tests" / "acceptance" / "scenarios"
_FOLDERS = ("clocks", "core", "own")
_PACKAGES = ("chassis", "policy", "schemas", "services", "wire")


class RecordingWorld(World):
    """Keeps every message of a story as its bytes on the wire."""

    def __init__(self, path: Path, codec: Codec) -> None:
        story = read_story(path)
        super().__init__(story, setting_of(story), codec)
        self._name = path.stem
        self._bytes = codec
        self.lines: list[WrittenLine] = []

    def _publish(self, message: Message) -> None:
        if not isinstance(message, ClassifierProgressed):
            value = b64encode(self._bytes.encode(message)).decode()
            self.lines.append(WrittenLine(self._name, topic_of(type(message)).name, message.wire_name(), value))
        super()._publish(message)


async def _written() -> list[WrittenLine]:
    codec = Codec(SchemaBook())
    lines: list[WrittenLine] = []
    for path in sorted(path for folder in _FOLDERS for path in (_STORIES / folder).glob("*.yaml")):
        world = RecordingWorld(path, codec)
        await world.play()
        lines += world.lines
    return lines


def main(version: str) -> None:
    """Write the events of the stories, the policy's words and the code of HEAD; the code of the version before goes."""
    folder = FIXTURES / version
    folder.mkdir(parents=True, exist_ok=True)
    lines = asyncio.run(_written())
    (folder / "events.jsonl.xz").write_bytes(lzma.compress(b"\n".join(map(msgspec.json.encode, lines)), preset=9))
    (folder / "policy.schema.json").write_text(policy_schema(), encoding="utf-8")
    (folder / "roster.schema.json").write_text(roster_schema(), encoding="utf-8")
    for older in FIXTURES.glob("*/services.tar.xz"):
        older.unlink()
    packed = subprocess.check_output(["git", "archive", "HEAD", *_PACKAGES], cwd=_REPOSITORY)
    (folder / "services.tar.xz").write_bytes(lzma.compress(packed, preset=9))


if __name__ == "__main__":
    main(*sys.argv[1:])
