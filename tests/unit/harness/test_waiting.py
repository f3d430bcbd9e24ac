"""The one way to wait: until something is so, and not for ever."""

import logging

import pytest

from tests.harness.error_log import ErrorRecorder
from tests.harness.waiting import eventually, eventually_blocking


async def test_waiting_gives_what_the_condition_gave_in_the_end() -> None:
    answers = iter([None, "", "there"])

    assert await eventually(lambda: next(answers)) == "there"


async def test_a_condition_may_be_awaited() -> None:
    async def there() -> bool:
        return True

    assert await eventually(there)


async def test_waiting_ends_at_its_deadline_and_says_what_for() -> None:
    with pytest.raises(AssertionError, match=r"not within 0.05 s: 3 of 5 came"):
        await eventually(lambda: False, within=0.05, what=lambda: "3 of 5 came")


def test_waiting_without_a_loop_ends_at_its_deadline_too() -> None:
    with pytest.raises(AssertionError, match=r"not within 0.05 s: a thing"):
        eventually_blocking(lambda: False, within=0.05, what="a thing")


@pytest.mark.expects_errors
def test_an_error_in_the_log_is_heard(no_unexpected_errors: ErrorRecorder) -> None:
    logging.getLogger("some.where").error("lost %d of them", 3)

    assert no_unexpected_errors.heard == ["some.where: lost 3 of them"]


def test_a_warning_in_the_log_is_no_error(no_unexpected_errors: ErrorRecorder) -> None:
    logging.getLogger("some.where").warning("trying again")

    assert no_unexpected_errors.heard == []
