"""The topics of the catalogue on a real broker: created, listed, and checked before anything else starts."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from chassis.errors import StartUpError
from chassis.kafka_client import connection_options, not_reached
from chassis.settings import KafkaSettings
from chassis.startup import check_kafka
from schemas.catalogue import TOPIC_MAX_MESSAGE_BYTES, TOPICS, Key, Topic, dead_letter_topic

CLIENT_ID = "escalon-topics"
DEFAULT_PARTITIONS = 8
_LOOKS = 50
_BETWEEN_LOOKS_SECONDS = 0.1
_DEAD_LETTERS_KEPT = timedelta(days=90)
# A dead letter is the record as it came, and headers that say why: it must fit where the record itself just did.
_ROOM_FOR_HEADERS = 64 * 1024
_SPREAD = frozenset({Key.TICKET, Key.ACCOUNT})


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic as the broker is to have it."""

    name: str
    partitions: int
    config: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic that is wanted, and how many partitions the broker has of it; None means it is missing."""

    spec: TopicSpec
    partitions: int | None

    @property
    def problem(self) -> str | None:
        """Tell what is wrong with it, or None."""
        if self.partitions is None:
            return f"{self.spec.name} is missing"
        if self.partitions != self.spec.partitions:
            return f"{self.spec.name} has {self.partitions} partitions and needs {self.spec.partitions}"
        return None


def wanted_topics(partitions: int = DEFAULT_PARTITIONS) -> tuple[TopicSpec, ...]:
    """Return every topic of the catalogue and the dead-letter topics of its readers.

    Topics about tickets have equal partition counts, since one replica reads the same partition of each. What is keyed
    by version or the like has one: its order says which is the latest.
    """
    kept = [TopicSpec(topic.name, _partitions(topic, partitions), _config(topic)) for topic in TOPICS]
    dead = [TopicSpec(name, 1, _dead_letter_config()) for name in dead_letter_topics()]
    return (*kept, *dead)


def dead_letter_topics() -> tuple[str, ...]:
    """Return where readers put what will never be right; a compacted topic is read as a table, which skips and logs."""
    return tuple(
        dead_letter_topic(topic.name, reader) for topic in TOPICS if not topic.compacted for reader in topic.readers
    )


async def apply_topics(
    settings: KafkaSettings, partitions: int = DEFAULT_PARTITIONS, replication: int = 1
) -> tuple[str, ...]:
    """Create the topics that are missing and return their names; safe to repeat, and beside another doing the same.

    Never changes a topic that is there. Raises StartUpError when no broker answers, when it refuses, or when a topic
    has another partition count: keys would move, so that is for a person to decide.
    """
    async with _admin(settings) as admin:
        missing = [state.spec for state in await _states(admin, partitions) if state.partitions is None]
        await _create(admin, missing, replication)
        _raise_for_problems(await _settled(admin, partitions))
    return tuple(spec.name for spec in missing)


async def list_topics(settings: KafkaSettings, partitions: int = DEFAULT_PARTITIONS) -> tuple[TopicState, ...]:
    """Return each wanted topic as the broker has it; raises StartUpError when no broker answers."""
    async with _admin(settings) as admin:
        return await _states(admin, partitions)


async def check_topics(settings: KafkaSettings, partitions: int = DEFAULT_PARTITIONS) -> None:
    """Raise StartUpError naming every topic that is missing or has another partition count, or when no broker answers.

    Without this a client waits for a missing topic for ever and says so, if at all, in its log.
    """
    _raise_for_problems(await list_topics(settings, partitions))


def _partitions(topic: Topic, partitions: int) -> int:
    return partitions if topic.key in _SPREAD else 1


def _config(topic: Topic) -> Mapping[str, str]:
    config = {"max.message.bytes": str(TOPIC_MAX_MESSAGE_BYTES)}
    if topic.compacted:
        # A tombstone stays readable for a day, so that a table that was being read does not miss it.
        return config | {"cleanup.policy": "compact", "delete.retention.ms": _milliseconds(timedelta(days=1))}
    return config | {"cleanup.policy": "delete", "retention.ms": _milliseconds(topic.retention)}


def _dead_letter_config() -> Mapping[str, str]:
    return {
        "max.message.bytes": str(TOPIC_MAX_MESSAGE_BYTES + _ROOM_FOR_HEADERS),
        "cleanup.policy": "delete",
        "retention.ms": _milliseconds(_DEAD_LETTERS_KEPT),
    }


def _milliseconds(duration: timedelta | None) -> str:
    """Return a duration as Kafka's settings have it; None is for ever."""
    return "-1" if duration is None else str(duration // timedelta(milliseconds=1))


@asynccontextmanager
async def _admin(settings: KafkaSettings) -> AsyncIterator[Any]:
    await check_kafka(settings, ())
    admin = AIOKafkaAdminClient(**connection_options(settings, CLIENT_ID))
    try:
        try:
            await admin.start()
        except KafkaError as error:
            raise not_reached(settings, error) from error
        yield admin
    finally:
        await admin.close()


async def _states(admin: Any, partitions: int) -> tuple[TopicState, ...]:
    there = {topic["topic"]: len(topic["partitions"]) for topic in await admin.describe_topics()}
    return tuple(TopicState(spec, there.get(spec.name)) for spec in wanted_topics(partitions))


async def _settled(admin: Any, partitions: int) -> tuple[TopicState, ...]:
    """Return the states once all topics are told of: in KRaft a broker learns a moment later what was created."""
    for _ in range(_LOOKS):
        states = await _states(admin, partitions)
        if all(state.partitions is not None for state in states):
            break
        await asyncio.sleep(_BETWEEN_LOOKS_SECONDS)
    return states


async def _create(admin: Any, specs: Sequence[TopicSpec], replication: int) -> None:
    if not specs:
        return
    response = await admin.create_topics(
        [NewTopic(spec.name, spec.partitions, replication, topic_configs=dict(spec.config)) for spec in specs]
    )
    for name, code, told in response.topic_errors:
        if code not in (0, TopicAlreadyExistsError.errno):
            raise StartUpError(f"the broker does not create {name}: {told or for_code(code).__name__}")


def _raise_for_problems(states: Iterable[TopicState]) -> None:
    problems = [state.problem for state in states if state.problem]
    if problems:
        raise StartUpError(f"topics: {'; '.join(problems)} (`escalon topics apply` creates what is missing)")
