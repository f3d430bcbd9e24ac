"""What a service lives on runs out while tickets flow: it says so, nothing is corrupt, and work goes on when it can."""

import asyncio
import json
import re
import resource
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from ops.topics import DEFAULT_PARTITIONS
from schemas.catalogue import ESCALATIONS, TICKETS
from tests.fault.cramped import PATIENCE_SECONDS, CrampedPlace, a_cramped_place
from tests.harness.service_process import ServiceProcess
from tests.harness.topics import delete_records
from tests.harness.waiting import eventually

pytestmark = [pytest.mark.timeout(400), pytest.mark.asyncio(loop_scope="module")]

EVERYTHING = dict.fromkeys(range(DEFAULT_PARTITIONS), -1)
"""To be deleted: all there is of each partition."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[CrampedPlace]:
    """One installation for the whole module; the last test leaves it broken."""
    async with a_cramped_place(tmp_path_factory.mktemp("cramped")) as place:
        yield place


def _warnings(service: ServiceProcess, word: str) -> list[str]:
    lines = (json.loads(line) for line in service.log.splitlines() if line.startswith("{"))
    return [line["event"] for line in lines if line["level"] in {"warning", "error"} and word in line["event"]]


async def test_a_router_whose_store_is_full_says_so_publishes_nothing_unstored_and_goes_on_by_itself(
    place: CrampedPlace,
) -> None:
    router, disk = place.here.services["router"], place.disks["router"]
    before = await place.send("full-router-before")
    await eventually(lambda: _has(place.opened, before), PATIENCE_SECONDS, what="escalated before")

    ballast = disk.fill()
    during = await place.send("full-router-during")
    await eventually(lambda: "SQLITE_FULL" in router.readiness()["event_store"], PATIENCE_SECONDS, what="it is said")
    assert not router.is_ready()
    said = _warnings(
        router, f"{disk.place / 'router.db'} does not answer (OperationalError SQLITE_FULL: its disk is full"
    )
    held_back = during - await place.opened()
    assert said
    assert held_back

    disk.free()
    await eventually(router.is_ready, PATIENCE_SECONDS, what="ready again")
    await eventually(lambda: _has(place.opened, before | during), PATIENCE_SECONDS, what="all escalated")
    # In this order: what is published by now must be stored by then.
    published = {event.meta.id for event in await place.here.log(ESCALATIONS)}
    stored = disk.rows("router.db", "SELECT id FROM stored_events")
    assert len(stored) >= len(published)
    print(f"router: {ballast} bytes of ballast, {len(said)} refused writes, {len(held_back)} tickets held back")


async def test_a_notifier_whose_ledger_and_sink_are_full_says_so_and_tells_everybody_once_there_is_room(
    place: CrampedPlace,
) -> None:
    notifier, disk = place.here.services["notifier"], place.disks["notifier"]
    before = await place.send("full-notifier-before")
    await eventually(lambda: _has(place.told, before), PATIENCE_SECONDS, what="told before")

    ballast = disk.fill()
    during = await place.send("full-notifier-during")
    await eventually(lambda: "SQLITE_FULL" in notifier.readiness()["ledger"], PATIENCE_SECONDS, what="it is said")
    assert not notifier.is_ready()
    await eventually(lambda: _has(place.opened, during), PATIENCE_SECONDS, what="the router is not kept from its work")
    said = _warnings(notifier, f"{disk.place / 'ledger.db'} does not answer (OperationalError SQLITE_FULL: its disk is")
    held_back = during - await place.told()
    assert said
    assert held_back

    disk.free()
    await eventually(notifier.is_ready, PATIENCE_SECONDS, what="ready again")
    await eventually(lambda: _has(place.told, before | during), PATIENCE_SECONDS, what="all told")
    numbers = disk.rows("ledger.db", "SELECT notice_id FROM notifier_notices")
    assert len(numbers) == len(set(numbers))
    keys = [json.loads(line)["key"] for line in (disk.seen / "sink.jsonl").read_text().splitlines()]
    assert len(keys) == len(set(keys)), "nobody is told twice"
    print(f"notifier: {ballast} bytes of ballast, {len(said)} refused writes, {len(held_back)} tickets held back")


async def test_a_sla_monitor_whose_disk_is_full_ends_with_a_clear_line_and_loses_nothing_when_started_again(
    place: CrampedPlace,
) -> None:
    monitor, disk = place.here.services["sla_monitor"], place.disks["sla_monitor"]
    before = await place.send("full-monitor-before")
    await eventually(lambda: _has(place.promised, before), PATIENCE_SECONDS, what="promised before")

    ballast = disk.fill()
    during = await place.send("full-monitor-during")
    assert await asyncio.to_thread(monitor.exit_code, timedelta(seconds=PATIENCE_SECONDS)) == 1
    last = json.loads(next(line for line in reversed(monitor.log.splitlines()) if '"error_text"' in line))
    assert last["event"] == "sla_monitor failed"
    assert last["error_text"] == (
        f"rows cannot be written to {disk.place / 'rows' / '0'} (IO error: No space left on device):"
        " make room, then start again"
    )

    disk.free()
    place.start("sla_monitor")
    await place.ready()
    await eventually(lambda: _has(place.promised, before | during), PATIENCE_SECONDS, what="all promised")
    print(f"sla_monitor: {ballast} bytes of ballast, ended once, {len(during)} tickets in flight")


async def test_a_notifier_without_a_file_handle_says_so_and_tells_everybody_once_it_has_some(
    place: CrampedPlace,
) -> None:
    notifier = place.here.services["notifier"]
    limits = resource.prlimit(notifier.pid, resource.RLIMIT_NOFILE)

    await eventually(lambda: _is_out_of_handles(notifier), PATIENCE_SECONDS, what="no handle is left")
    during = await place.send("no-handle")
    await eventually(lambda: _has(place.opened, during), PATIENCE_SECONDS, what="the router goes on")
    await eventually(lambda: _warnings(notifier, "sink.jsonl cannot be written: Too many open files"), PATIENCE_SECONDS)
    assert not notifier.is_ready(), "a probe is answered with the handle that is kept for it"
    said = await eventually(
        lambda: _warnings(notifier, "no file handle is left of"), PATIENCE_SECONDS, what="it is said"
    )
    held_back = during - await place.told()
    assert held_back

    resource.prlimit(notifier.pid, resource.RLIMIT_NOFILE, limits)
    await eventually(notifier.is_ready, PATIENCE_SECONDS, what="ready again")
    await eventually(lambda: _has(place.told, during), PATIENCE_SECONDS, what="all told")
    assert len(_warnings(notifier, "no file handle is left of")) == 1, "once, not at each try"
    print(f"handles: {said[0]}; {len(held_back)} tickets held back")


def _is_out_of_handles(service: ServiceProcess) -> bool:
    """Take away all the handles it does not use; tell whether that is what it says of itself."""
    used = {int(handle.name) for handle in Path(f"/proc/{service.pid}/fd").iterdir()}
    lowest_free = next(number for number in range(len(used) + 1) if number not in used)
    _, hard = resource.prlimit(service.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(service.pid, resource.RLIMIT_NOFILE, (lowest_free, hard))
    return "no file handle is left of" in service.readiness()["handles"]


async def test_tickets_deleted_unread_are_told_and_those_that_come_later_are_judged(place: CrampedPlace) -> None:
    place.here.services["classifier"].kill()
    lost = await place.send("deleted")
    await delete_records(place.here.broker.bootstrap_servers, TICKETS.name, EVERYTHING)
    classifier = place.start("classifier")
    await eventually(lambda: "were deleted before they were read" in _said_by(classifier), PATIENCE_SECONDS)
    after = await place.send("after-deleted")
    await eventually(lambda: _has(place.opened, after), PATIENCE_SECONDS, what="later ones are judged")
    assert not lost & await place.opened(), "the fault bit"
    counted = re.findall(r"^escalon_consumer_deleted_unread_records_total\{.*\} (.*)$", classifier.metrics(), re.M)
    assert sum(map(float, counted)) >= len(lost)
    said = _warnings(classifier, "were deleted before they were read")
    assert said
    print(f"retention: {len(lost)} tickets deleted unread, said in {len(said)} lines: {said[0]}")


def _said_by(classifier: ServiceProcess) -> str:
    try:
        return classifier.readiness()["consumer"]
    except (OSError, KeyError):
        return ""


async def test_who_folds_escalations_stops_where_some_were_deleted_unread(place: CrampedPlace) -> None:
    for name in ("notifier", "sla_monitor"):
        place.here.services[name].kill()
    unread = await place.send("unfolded")
    await eventually(lambda: _has(place.opened, unread), PATIENCE_SECONDS, what="escalated")
    await delete_records(place.here.broker.bootstrap_servers, ESCALATIONS.name, EVERYTHING)
    patience = timedelta(seconds=PATIENCE_SECONDS)
    for name, code in (("notifier", 1), ("sla_monitor", 2)):
        service = place.start(name)
        assert await asyncio.to_thread(service.exit_code, patience) == code
        said = re.findall(r"escalations\.v1/\d begins at \d+, and we have read up to \d+: \d+ records", service.log)
        assert len(said) == 1
        print(f"{name} stops: {said[0]}")
    assert not unread & await place.told(), "the fault bit"


async def _has(found: Callable[[], Awaitable[set[str]]], wanted: set[str]) -> bool:
    return await found() >= wanted
