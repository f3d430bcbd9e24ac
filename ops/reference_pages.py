"""Pages of docs/ that repeat a list: events, settings, metrics; written from the code."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic_settings import BaseSettings

from chassis.settings import describe_settings
from schemas.avro_schema import schema_of
from schemas.catalogue import TOPICS, Topic
from schemas.message import Message

_WRITTEN = "<!-- Written by `make docs` from the code; do not edit. -->\n"


def events_page() -> str:
    """Return docs/events.md: every topic, every event on it, every field."""
    parts = ["# Events\n", _WRITTEN]
    for topic in TOPICS:
        parts.append(_topic(topic))
        parts += [_event(event) for event in topic.events]
    parts.append("## Parts\n\nRecords that events are made of.\n")
    parts += [_record(name, schema) for name, schema in sorted(_parts().items())]
    return "\n".join(parts)


def settings_page(services: Mapping[str, type[BaseSettings]]) -> str:
    """Return docs/settings.md: every environment variable of every service."""
    parts = ["# Settings\n", _WRITTEN, "`escalon settings SERVICE` prints what is in force, secrets masked.\n"]
    for service, kind in services.items():
        parts.append(f"## {service}\n\n| variable | type | default | what for |\n| --- | --- | --- | --- |")
        for one in describe_settings(kind):
            default = "required" if one.required else f"`{one.default}`" if one.default else ""
            kind_of_value = one.type.replace("|", "\\|")
            parts.append(f"| `{one.variable}` | {kind_of_value} | {default} | {one.doc} |")
        parts.append("")
    return "\n".join(parts)


def metrics_page(services: dict[str, Iterable[Any]]) -> str:
    """Return docs/metrics.md: every metric of every service; `services` gives their collected families."""
    parts = ["# Metrics\n", _WRITTEN, "Served at `/metrics` of each service. Base units: seconds, bytes, counts.\n"]
    for service, families in services.items():
        parts.append(f"## {service}\n\n| metric | kind | what it says |\n| --- | --- | --- |")
        for family in sorted(families, key=lambda one: str(one.name)):
            suffix = "_total" if family.type == "counter" else ""
            parts.append(f"| `{family.name}{suffix}` | {family.type} | {family.documentation} |")
        parts.append("")
    return "\n".join(parts)


def _topic(topic: Topic) -> str:
    kept = "compacted" if topic.compacted else f"{topic.retention.days} days" if topic.retention else "for ever"
    readers = ", ".join((*topic.readers, *topic.followers)) or "whoever likes"
    return (
        f"## {topic.name}\n\n{topic.doc}\n\n"
        f"Written by {topic.owner}; read by {readers}; key: {topic.key.value}; kept: {kept}.\n"
    )


def _event(event: type[Message]) -> str:
    return _record(event.__name__, schema_of(event))


def _parts() -> dict[str, Any]:
    """Return every record that is no event, by name."""
    found: dict[str, Any] = {}
    waiting = [field["type"] for topic in TOPICS for event in topic.events for field in schema_of(event)["fields"]]
    while waiting:
        kind = waiting.pop()
        if isinstance(kind, list):
            waiting += kind
        elif isinstance(kind, dict) and kind["type"] == "array":
            waiting.append(kind["items"])
        elif isinstance(kind, dict) and kind["type"] == "record":
            found[kind["name"]] = kind
            waiting += [field["type"] for field in kind["fields"]]
    return found


def _record(name: str, schema: Any) -> str:
    lines = [f"### {name}\n", f"{schema['doc']}\n", "| field | type | | |", "| --- | --- | --- | --- |"]
    for field in schema["fields"]:
        mark = "personal" if field.get("pii") else ""
        lines.append(f"| `{field['name']}` | {_type(field['type'])} | {mark} | {field.get('doc', '')} |")
    return "\n".join(lines) + "\n"


def _type(kind: Any) -> str:
    if isinstance(kind, str):
        return kind.rsplit(".", 1)[-1]
    if isinstance(kind, list):
        return f"{_type(kind[1])}, or null"
    if kind.get("logicalType"):
        return "instant"
    if kind["type"] == "array":
        return f"list of {_type(kind['items'])}"
    return " \\| ".join(f"`{symbol}`" for symbol in kind["symbols"]) if kind["type"] == "enum" else str(kind["name"])
