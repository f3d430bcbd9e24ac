"""May this schema follow that one? FULL_TRANSITIVE within a major version, and two rules Avro's checkers miss."""

from typing import Any

from schemas.codec import fingerprint

_LOGICAL_OR_NAMED = ("logicalType", "namespace")


def silent_changes(old: Any, new: Any, path: str = "$") -> list[str]:
    """Return where a logical type or a namespace changed; Avro's resolution does not see either.

    `old` and `new` are schemas as parsed JSON. A field that is only in one of them is no change here.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        found = [
            f"{path}: {word} was {old.get(word)}, is {new.get(word)}"
            for word in _LOGICAL_OR_NAMED
            if old.get(word) != new.get(word)
        ]
        fields = {field["name"]: field for field in new.get("fields", [])}
        for field in old.get("fields", []):
            if field["name"] in fields:
                found += silent_changes(field["type"], fields[field["name"]]["type"], f"{path}.{field['name']}")
        if "items" in old and "items" in new:
            found += silent_changes(old["items"], new["items"], f"{path}[]")
        return found
    if isinstance(old, list) and isinstance(new, list):
        return [change for one, other in zip(old, new, strict=False) for change in silent_changes(one, other, path)]
    return []


def same_on_the_wire(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Tell whether two schemas read and write the same bytes (equal parsing canonical forms)."""
    return fingerprint(old) == fingerprint(new)
