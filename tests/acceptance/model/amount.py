"""How many random stories are played, and how many are looked through for one."""

from collections.abc import Callable
from random import Random
from typing import TypeVar

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis.strategies import SearchStrategy

from tests.harness.settings import HarnessSettings

Story = TypeVar("Story")

_ASKED_FOR = HarnessSettings().stories
_LOOKED_THROUGH = 2_000


def as_many(by_default: int) -> settings:
    """Return how Hypothesis is to play them: a few, always the same, or as many others as are asked for."""
    return settings(
        max_examples=_ASKED_FOR or by_default,
        derandomize=_ASKED_FOR is None,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def look_through(stories: SearchStrategy[Story], is_enough: Callable[[Story], bool]) -> None:
    """Draw stories, playing none, until it is enough; raises hypothesis.errors.NoSuchExample after very many."""
    drawing = settings(max_examples=_LOOKED_THROUGH, phases=[Phase.generate], database=None, deadline=None)
    find(stories, is_enough, settings=drawing, random=Random(0))
