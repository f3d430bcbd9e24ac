"""Files that repeat a list which lives in the code: written from it, and checked against it.

`python -m ops.generated` writes them; `--check` names those that differ and exits 1.
"""

import sys
from pathlib import Path

from ops.reference_pages import events_page, metrics_page, settings_page
from ops.services import SETTINGS, metric_families
from policy.json_schema import policy_schema, roster_schema
from schemas.avro_schema import schema_json
from schemas.catalogue import EVENTS

ROOT = Path(__file__).parent.parent


def generated_files() -> dict[str, str]:
    """Return every generated file, by its path from the root of the repository."""
    schemas = {f"schemas/avro/{name}.avsc": schema_json(event) for name, event in EVENTS.items()}
    return {
        **schemas,
        "docs/policy.schema.json": policy_schema(),
        "docs/roster.schema.json": roster_schema(),
        "docs/events.md": events_page(),
        "docs/settings.md": settings_page(SETTINGS),
        "docs/metrics.md": metrics_page({service: metric_families(service) for service in SETTINGS}),
    }


def outdated(root: Path = ROOT) -> list[str]:
    """Return the paths of generated files that are missing or say something else."""
    return [
        path
        for path, text in generated_files().items()
        if not (root / path).is_file() or (root / path).read_text(encoding="utf-8") != text
    ]


def main(arguments: list[str]) -> int:
    """Write what is outdated, or with `--check` only name it."""
    stale = outdated()
    if "--check" in arguments:
        for path in stale:
            print(f"{path} is not what the code says; run `make docs`")
        return 1 if stale else 0
    files = generated_files()
    for path in stale:
        target = ROOT / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(files[path], encoding="utf-8")
        print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
