"""Logs: JSON, listed fields, and nothing of a message, whoever logs it."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from chassis.errors import RejectedMessageError
from chassis.logs import configure_logging, message_context

Lines = list[dict[str, object]]


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def _lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def _fail(text: str) -> None:
    raise ValueError(text)


def test_a_line_is_json_with_the_service_and_the_correlation_id(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("desk", "INFO")
    with message_context("zendesk/7", topic="words", partition=3):
        logging.getLogger("services.desk").info("handled", extra={"count": 2})
    (line,) = _lines(capsys)
    assert line["event"] == "handled"
    assert (line["service"], line["correlation_id"], line["count"]) == ("desk", "zendesk/7", 2)
    assert (line["topic"], line["partition"], line["level"]) == ("words", 3, "info")


def test_a_field_that_is_not_listed_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("desk", "INFO")
    logging.getLogger("services.desk").warning("odd", extra={"subject": "my password is hunter2"})
    structlog.get_logger("services.desk").warning("odd", subject="my password is hunter2", count=1)
    lines = _lines(capsys)
    assert len(lines) == 2
    assert "hunter2" not in str(lines)


def test_an_error_that_is_not_ours_is_told_by_class_and_place_alone(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("desk", "INFO")
    try:
        _fail("hunter2")
    except ValueError:
        logging.getLogger("services.desk").exception("failed")
        logging.getLogger("faust.agents").exception("Crashed reason=%r", ValueError("hunter2"))
        logging.getLogger("asyncio").exception("Task exception was never retrieved\nfuture: <hunter2>")
    lines = _lines(capsys)
    assert [line["error"] for line in lines] == ["ValueError"] * 3
    assert [line["event"] for line in lines] == ["failed", "Crashed reason=%r", "Task exception was never retrieved"]
    assert "test_logs.py" in str(lines[0]["trace"])
    assert "hunter2" not in str(lines)


def test_the_text_of_our_own_errors_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("desk", "INFO")
    logging.getLogger("services.desk").error("failed", exc_info=RejectedMessageError("the value is null"))
    (line,) = _lines(capsys)
    assert line["error_text"] == "the value is null"


def test_the_libraries_do_not_log_what_they_send(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("desk", "DEBUG")
    logging.getLogger("aiokafka.producer").debug("Sending (key=%s value=%s)", b"k", b"hunter2")
    assert not _lines(capsys)


def test_what_aiokafka_tries_again_is_one_warning_and_not_many_errors(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("desk", "INFO")
    for _ in range(20):
        logging.getLogger("aiokafka").error("Unable to update metadata from %s", [1])
    (line,) = _lines(capsys)
    assert line["level"] == "warning"
