"""What was expected and what happened are compared line by line, each line needing an event of its own."""

from datetime import UTC, datetime, timedelta

from ops.scenario.language import Expectation, Given, Line, Story
from ops.scenario.matching import Observation, differences
from schemas.vocabulary import ClockName, NoticeKind

EIGHT = datetime(2026, 6, 2, 8, tzinfo=UTC)
TICKET = "zendesk-eu/1"


def _told(whom: str, what: str, at: datetime = EIGHT) -> Observation:
    return Observation(at, TICKET, "told", frozenset({whom, "owner"}), what=what)


def _line(kind: str, expects: Expectation) -> Line:
    return Line(line=1, kind=kind, expects=expects)


def _story(*then: Line, never: tuple[Line, ...] = (), complete: tuple[str, ...] = ()) -> Story:
    return Story(
        path="story.yaml", name="s", given=Given(), when=(), then=then, never=never, complete=complete, until=EIGHT
    )


REMINDED = _line("told", Expectation(told="ana", what=NoticeKind.REMINDER))


def test_an_expectation_that_happened_is_met() -> None:
    assert differences(_story(REMINDED), [_told("ana", "reminder")]) == []


def test_two_lines_need_two_events() -> None:
    found = differences(_story(REMINDED, REMINDED), [_told("ana", "reminder")])

    assert len(found) == 1
    assert "not met" in found[0]


def test_lines_share_events_so_that_as_many_as_possible_are_met() -> None:
    anybody = _line("told", Expectation(told="owner"))

    assert differences(_story(anybody, REMINDED), [_told("ana", "reminder"), _told("ben", "warning")]) == []


def test_an_instant_is_met_within_a_second_and_not_beyond() -> None:
    exact = _story(_line("told", Expectation(at=EIGHT, told="ana")))

    assert differences(exact, [_told("ana", "reminder", EIGHT + timedelta(seconds=1))]) == []
    assert differences(exact, [_told("ana", "reminder", EIGHT + timedelta(seconds=2))])


def test_what_must_never_happen_is_named_when_it_does() -> None:
    never = _line("told", Expectation(told="mia"))

    (found,) = differences(_story(never=(never,)), [_told("mia", "breach")])
    assert "never" in found


def test_of_a_complete_kind_nothing_unlisted_may_happen() -> None:
    kept = Observation(EIGHT, TICKET, "kept", frozenset({ClockName.UPDATE.value}))

    assert differences(_story(), [kept]) == []
    (found,) = differences(_story(complete=("kept",)), [kept])
    assert "not listed" in found
