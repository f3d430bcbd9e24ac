"""`python -m tests [SHELF …]`: runs the shelves one after another, all on one Kafka and one PostgreSQL; not bench."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from chassis.errors import StartUpError
from tests.harness.kafka import a_kafka
from tests.harness.postgres import a_postgres_server
from tests.harness.shelves import SHELVES, Outcome, Shelf, run_shelf


def main(arguments: list[str]) -> int:
    """Run the named shelves, else all; returns 1 when anything failed, was skipped or could not start."""
    named = {shelf.name: shelf for shelf in SHELVES}
    if unknown := [name for name in arguments if name not in named]:
        print(f"no shelf {', '.join(unknown)}; there are {', '.join(named)}", file=sys.stderr)
        return 2
    chosen = [named[name] for name in arguments] or list(SHELVES)
    try:
        outcomes = run_all(chosen)
    except StartUpError as error:
        print(f"tests: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    passed, failed = sum(one.passed for one in outcomes), sum(one.failed for one in outcomes)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def run_all(chosen: list[Shelf]) -> list[Outcome]:
    """Run shelves and print a line for each; what needs no server runs before one is started."""
    outcomes = [_told(run_shelf(shelf, {})) for shelf in chosen if not shelf.needs_servers]
    demanding = [shelf for shelf in chosen if shelf.needs_servers]
    if demanding:
        with _servers() as addresses:
            outcomes += [_told(run_shelf(shelf, addresses)) for shelf in demanding]
    return outcomes


@contextmanager
def _servers() -> Iterator[dict[str, str]]:
    with a_kafka() as kafka, a_postgres_server() as postgres:
        url = postgres.render_as_string(hide_password=False)
        yield {"ESCALON_TEST_KAFKA": kafka, "ESCALON_TEST_POSTGRES_URL": url}


def _told(outcome: Outcome) -> Outcome:
    if outcome.failed:
        print(outcome.output)
    for line in outcome.told:
        print(line)
    verdict = f"{outcome.failed} FAILED" if outcome.failed else "ok"
    print(
        f"{outcome.shelf:12} {outcome.passed + outcome.failed:5} tests {outcome.seconds:7.1f} s  {verdict}", flush=True
    )
    return outcome


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
