"""Imports every module of ours in a process of its own and says what that did besides; run by a test."""

import importlib
import json
import sys
import threading

from prometheus_client import REGISTRY

_EFFECTS = {
    *("socket.connect", "socket.bind", "socket.sendto", "subprocess.Popen", "os.system", "os.putenv", "os.mkdir"),
    *("os.remove", "os.rename", "os.rmdir", "shutil.rmtree", "sqlite3.connect", "os.exec", "os.posix_spawn"),
}


def main(modules: list[str]) -> None:
    """Import the modules and print each effect as a line of JSON: the module, and what it did."""
    seen: list[tuple[str, str]] = []
    importing = [""]

    def hear(event: str, arguments: tuple[object, ...]) -> None:
        writes = event == "open" and isinstance(arguments[1], str) and bool(set(arguments[1]) & set("wax+"))
        if event in _EFFECTS or writes:
            seen.append((importing[0], f"{event} {arguments[:2]!r}"))

    sys.addaudithook(hear)
    for module in modules:
        importing[0] = module
        before = threading.active_count(), len(list(REGISTRY._collector_to_names))
        importlib.import_module(module)
        after = threading.active_count(), len(list(REGISTRY._collector_to_names))
        if before != after:
            seen.append((module, f"threads and global metrics: {before} before, {after} after"))
    sys.stdout.write(json.dumps(seen))


if __name__ == "__main__":
    main(sys.argv[1:])
