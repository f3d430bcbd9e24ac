"""What /livez, /readyz and /metrics answer."""

import json
from http import HTTPStatus

import pytest
from prometheus_client import CollectorRegistry, Counter

from chassis.health import HealthServer
from chassis.lifecycle import Lifecycle


def _server() -> HealthServer:
    return HealthServer("desk", CollectorRegistry(), "127.0.0.1", 0, lambda: None)


async def test_readiness_waits_for_the_end_of_the_start_whatever_checks_there_are_already() -> None:
    life = Lifecycle()
    health = HealthServer("desk", CollectorRegistry(), "127.0.0.1", 0, life.check)
    status, _, body = health.respond("/readyz")
    assert status == HTTPStatus.SERVICE_UNAVAILABLE
    assert json.loads(body)["checks"] == {"start": "still starting", "handles": "ok"}
    life.built()
    assert health.respond("/readyz")[0] == HTTPStatus.OK


def test_readiness_needs_every_check_and_names_the_one_that_fails() -> None:
    health = _server()
    problems: list[str | None] = [None]
    health.add_check("store", lambda: problems[-1])
    health.add_check("partitions", lambda: None)
    assert health.respond("/readyz")[0] == HTTPStatus.OK
    problems.append("the store does not answer")
    status, _, body = health.respond("/readyz")
    assert status == HTTPStatus.SERVICE_UNAVAILABLE
    assert json.loads(body)["checks"] == {
        "start": "ok",
        "handles": "ok",
        "store": "the store does not answer",
        "partitions": "ok",
    }


def test_two_checks_cannot_have_one_name() -> None:
    health = _server()
    health.add_check("store", lambda: None)
    with pytest.raises(ValueError, match="store"):
        health.add_check("store", lambda: None)


def test_metrics_are_those_of_the_registry_it_was_given() -> None:
    registry = CollectorRegistry()
    Counter("escalon_desk_words", "Words.", registry=registry).inc(3)
    _, content_type, body = HealthServer("desk", registry, "127.0.0.1", 0, lambda: None).respond("/metrics")
    assert content_type.startswith("text/plain")
    assert b"escalon_desk_words_total 3.0" in body


def test_another_path_is_not_found() -> None:
    assert _server().respond("/")[0] == HTTPStatus.NOT_FOUND
