"""Importing a module of ours does nothing: no socket, no process, no file, no thread, no global metric."""

import json
import os
import subprocess
import sys

from tests.harness.sources import ROOT, product_sources

# What libraries do when they are first imported is theirs: they are imported before anybody listens.
_LIBRARIES = (
    "faust.app.base",
    "sqlalchemy",
    "eventsourcing",
    "rocksdict",
    "uvloop",
    "aiohttp",
    "typer",
    "rich",
    "slack_sdk",
)


def test_importing_any_module_has_no_effect() -> None:
    modules = [source.module for source in product_sources()]
    preamble = f"import {', '.join(_LIBRARIES)}; from tests.architecture.importing import main; main({modules!r})"

    done = subprocess.run(
        [sys.executable, "-c", preamble],
        cwd=ROOT,
        env={"PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
