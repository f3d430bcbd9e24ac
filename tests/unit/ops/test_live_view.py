"""What the live view shows of the log, for a terminal of any size."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from ops.view.dashboard import Dashboard, Light, Moment, duration_words
from ops.view.live_view import picture
from schemas import escalations as ev
from schemas.notifications import NoticeDelivered, NoticeUndeliverable
from schemas.sla import PromiseScheduled
from schemas.vocabulary import ClockName, EscalationState, NoticeKind, Severity
from tests.harness.escalations import about, an_event

NOW = datetime(2026, 6, 2, 8, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def _opened(number: int = 1, **context: Any) -> ev.EscalationOpened:
    given = {"ticket": f"zendesk-eu/{number}", "reference": f"ESC-AAAAA-{number:05}", "owner": "ana", **context}
    given.setdefault("severity", Severity.P1)
    opened: ev.EscalationOpened = about(an_event(ev.EscalationOpened, f"opened-{number}", NOW), 1, **given)
    return opened


def _after(opened: ev.EscalationOpened, kind: type[ev.EscalationEvent], version: int, **words: Any) -> Any:
    event = an_event(kind, f"{opened.meta.id}-{version}", NOW, **words)
    state = EscalationState.CLOSED if kind is ev.EscalationClosed else EscalationState.OPEN
    context = opened.escalation
    return about(event, version, ticket=context.ticket, reference=context.reference, owner=context.owner, state=state)


def _promise(opened: ev.EscalationOpened, due_in: timedelta) -> PromiseScheduled:
    return an_event(
        PromiseScheduled,
        f"promise-{opened.escalation.ticket}",
        NOW,
        ticket=opened.escalation.ticket,
        version=1,
        clock=ClockName.RESOLUTION,
        due_at=NOW + due_in,
    )


def _shown(dashboard: Dashboard, width: int = 100, height: int = 30, moment: Moment | None = None) -> list[str]:
    console = Console(width=width, height=height, color_system=None, force_terminal=False)
    with console.capture() as captured:
        console.print(picture(dashboard, moment or Moment(NOW), width, height))
    return captured.get().splitlines()


def _fed(*messages: Any) -> Dashboard:
    dashboard = Dashboard(BERLIN)
    for message in messages:
        dashboard.take(message)
    return dashboard


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 30), (140, 50)])
def test_the_picture_fits_the_terminal_whatever_is_open(width: int, height: int) -> None:
    escalations = [_opened(number, subject="A subject of many words " * 9) for number in range(60)]
    notices = [an_event(NoticeDelivered, f"notice-{number}", NOW) for number in range(60)]

    lines = _shown(_fed(*escalations, *notices), width, height)

    assert len(lines) <= height
    assert max(len(line) for line in lines) <= width
    assert sum("ESC-AAAAA" in line for line in lines) >= 8
    assert any(line.startswith("… and ") for line in lines)


def test_a_row_names_reference_severity_type_owner_promise_and_time_left() -> None:
    opened = _opened()

    lines = _shown(_fed(opened, _promise(opened, timedelta(minutes=42))))

    row = next(line for line in lines if "ESC-AAAAA-00001" in line)
    assert [word in row for word in ("P1", "technical", "ana", "open", "resolution", "42 min")] == [True] * 6


@pytest.mark.parametrize("clock", [ClockName.UPDATE, ClockName.NEXT_REPLY])
def test_what_is_late_stands_first_until_the_customer_hears_of_it(clock: ClockName) -> None:
    early, late = _opened(1), _opened(2)
    breached = _after(late, ev.SlaBreached, 2, clock=clock, due_at=NOW - timedelta(minutes=5), unverified=False)
    dashboard = _fed(early, late, _promise(early, timedelta(minutes=1)), _promise(late, timedelta(hours=3)), breached)

    rows = [line for line in _shown(dashboard) if "ESC-" in line]
    assert "ESC-AAAAA-00002" in rows[0]
    assert "late 5 min" in rows[0]

    dashboard.take(_after(late, ev.CustomerInformed, 3, automatic=False))
    rows = [line for line in _shown(dashboard) if "ESC-" in line]
    assert "ESC-AAAAA-00001" in rows[0]
    assert "3 h 00" in rows[1]


def test_a_closed_escalation_leaves_the_board_and_is_counted() -> None:
    opened = _opened()

    lines = _shown(_fed(opened, _after(opened, ev.EscalationClosed, 2)))

    assert not any("ESC-AAAAA" in line for line in lines)
    assert "0 open" in lines[1]
    assert "closed 1" in lines[1]


def test_the_feed_says_what_was_sent_to_whom_about_what_and_because_of_what() -> None:
    opened = _opened()
    warned = _after(
        opened, ev.SlaWarned, 2, clock=ClockName.UPDATE, percent=75, due_at=datetime(2026, 6, 2, 8, 20, tzinfo=UTC)
    )
    notice = an_event(
        NoticeDelivered,
        "notice",
        NOW,
        kind=NoticeKind.WARNING,
        recipient="ana",
        reference="ESC-AAAAA-00001",
        cause_id=warned.meta.id,
        delivered_at=NOW,
    )

    line = next(line for line in _shown(_fed(opened, warned, notice), 120) if "warning" in line)

    assert line.startswith("10:00:00")
    assert "75 % of update used, due Tue 10:20" in line
    assert "ana" in line


def test_a_notice_that_comes_twice_is_shown_once_and_one_that_failed_says_so() -> None:
    notice = an_event(NoticeDelivered, "notice", NOW, kind=NoticeKind.REMINDER)
    failed = an_event(NoticeUndeliverable, "failed", NOW, kind=NoticeKind.BREACH, reason="no_contact")
    dashboard = _fed(notice, notice, failed)

    assert [line.kind for line in dashboard.feed.latest(9)] == ["breach NOT DELIVERED, no_contact", "reminder"]
    assert dashboard.feed.told_count == 1


def test_what_a_customer_wrote_moves_no_cursor_and_is_no_markup() -> None:
    lines = _shown(_fed(_opened(subject="\x1b[2J\x9b31m[bold red]all\r\n gone[/] \u202eevil")), 140)

    row = next(line for line in lines if "ESC-AAAAA" in line)
    assert "[bold red]all gone[/]" in row
    assert not any(sign in "\n".join(lines) for sign in ("\x1b", "\x9b", "\r", "\u202e"))


def test_a_process_that_is_down_is_named_also_where_there_is_little_room() -> None:
    moment = Moment(NOW, 60.0, (Light("kafka", is_up=True), Light("router", is_up=False)), "3/9 played")

    lines = _shown(_fed(), 80, 24, moment)

    assert "60x" in lines[0]
    assert "○ router" in lines[0]
    assert "kafka" not in lines[0]
    assert "3/9 played" in lines[1]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59, "59 s"), (-150, "2 min"), (3 * 3600 + 300, "3 h 05"), (2 * 86400 + 4 * 3600, "2 d 4 h")],
)
def test_a_duration_is_said_as_people_read_it_at_a_glance(seconds: int, words: str) -> None:
    assert duration_words(timedelta(seconds=seconds)) == words
