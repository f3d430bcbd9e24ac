"""Takes the first step of a coroutine at once: one that waits for nothing then needs no task."""

from collections.abc import Coroutine, Generator
from types import coroutine
from typing import Any, NamedTuple


class Step(NamedTuple):
    """What came of the first step: the result, or what is left to be awaited for it."""

    result: Any = None
    rest: Coroutine[Any, None, Any] | None = None


def first_step(work: Coroutine[Any, None, Any]) -> Step:
    """Run it until it waits for something or ends; raises what it raises. It is not to be awaited itself afterwards."""
    try:
        waits_for = work.send(None)
    except StopIteration as end:
        return Step(end.value)
    return Step(rest=_rest(work, waits_for))


async def _rest(work: Coroutine[Any, None, Any], waits_for: Any) -> Any:
    return await _going_on(work, waits_for)


@coroutine
def _going_on(work: Coroutine[Any, None, Any], waits_for: Any) -> Generator[Any, None, Any]:
    while True:
        try:
            try:
                heard = yield waits_for
            except BaseException as error:  # noqa: BLE001  a cancellation is for it, too
                waits_for = work.throw(error)
            else:
                waits_for = work.send(heard)
        except StopIteration as end:
            return end.value
