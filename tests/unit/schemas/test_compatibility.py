"""What was released can be read for ever, and reads what is written now."""

import json
from itertools import product
from typing import Any

import avro.schema
import pytest
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType

from schemas.avro_schema import AVRO_FOLDER, released_schemas, schema_json, schema_of
from schemas.catalogue import EVENTS, TOPICS
from schemas.compatibility import silent_changes
from schemas.ids import TicketKey, derived_id, reference

RELEASED = [
    pytest.param(release, text, id=f"{release}-{json.loads(text)['name']}")
    for release, texts in released_schemas().items()
    for text in texts
]


def _compatible(reader: str, writer: str) -> bool:
    checker: Any = ReaderWriterCompatibilityChecker
    verdict = checker().get_compatibility(avro.schema.parse(reader), avro.schema.parse(writer))
    return bool(verdict.compatibility is SchemaCompatibilityType.compatible)


@pytest.mark.parametrize(("release", "text"), RELEASED)
def test_every_released_schema_reads_and_is_read_by_the_present_one(release: str, text: str) -> None:
    released = json.loads(text)
    now = schema_of(EVENTS[f"{released['namespace']}.{released['name']}"])

    assert _compatible(json.dumps(now), text), f"the present version cannot read {release}"
    assert _compatible(text, json.dumps(now)), f"{release} cannot read the present version"
    assert silent_changes(released, now) == []


def test_no_released_event_is_gone() -> None:
    names = {f"{schema['namespace']}.{schema['name']}" for schema in map(json.loads, _texts())}

    assert names
    assert names <= set(EVENTS)


def _texts() -> list[str]:
    return [text for texts in released_schemas().values() for text in texts]


def test_the_schema_files_are_what_the_structs_say() -> None:
    files = {path.name: path.read_text(encoding="utf-8") for path in AVRO_FOLDER.glob("*.avsc")}

    assert files == {f"{name}.avsc": schema_json(event) for name, event in EVENTS.items()}


def test_a_changed_logical_type_or_namespace_is_found() -> None:
    old: dict[str, Any] = {
        "type": "record", "name": "R", "namespace": "a",
        "fields": [{"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}}],
    }  # fmt: skip
    new = json.loads(json.dumps(old).replace("micros", "millis").replace('"a"', '"b"'))

    found = silent_changes(old, new)

    assert len(found) == 2
    assert any("logicalType" in change and "$.at" in change for change in found)
    assert any("namespace" in change for change in found)


def test_every_event_has_a_doc_and_meta_first() -> None:
    for event in EVENTS.values():
        schema = schema_of(event)
        assert schema["doc"], event
        assert schema["fields"][0]["name"] == "meta", event


def test_every_topic_has_one_owner_and_no_event_lives_on_two() -> None:
    events = [event for topic in TOPICS for event in topic.events]

    assert len(events) == len(set(events))
    assert all(topic.owner for topic in TOPICS)


def test_personal_fields_are_marked() -> None:
    ticket = next(
        field for field in schema_of(EVENTS["escalon.tickets.TicketOpened"])["fields"] if field["name"] == "ticket"
    )
    marked = {field["name"] for field in ticket["type"]["fields"] if field.get("pii")}

    assert {"subject", "description"} <= marked


def test_ids_are_the_same_for_the_same_cause_and_others_for_another() -> None:
    assert derived_id("a", "b") == derived_id("a", "b")
    assert derived_id("a", "b") != derived_id("ab")
    references = {reference(TicketKey(f"zendesk-eu/{number}")) for number, _ in product(range(5000), range(1))}
    assert len(references) == 5000
    assert all(len(one) == len("ESC-4M7KQ-2XW9T") for one in references)
