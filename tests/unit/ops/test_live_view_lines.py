"""What is printed where there is no terminal: one line for each piece of news."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from ops.view.feed import Feed
from schemas import escalations as ev
from schemas.notifications import NoticeDelivered, NoticeSuperseded
from schemas.vocabulary import NoticeKind
from tests.harness.escalations import about, an_event

NOW = datetime(2026, 6, 2, 8, 0, tzinfo=UTC)


def _feed() -> Feed:
    return Feed(ZoneInfo("UTC"))


def test_opened_assigned_and_closed_escalations_are_news() -> None:
    feed = _feed()

    lines = [
        feed.plain(about(an_event(kind, kind.__name__, NOW), 1, ticket="zendesk-eu/1", reference="ESC-1"))
        for kind in (ev.EscalationOpened, ev.OwnerAssigned, ev.EscalationClosed, ev.EscalationReopened)
    ]

    assert all(line and line.startswith("08:00:00  ESC-1") and line.endswith("[zendesk-eu/1]") for line in lines)


def test_a_notice_is_news_with_its_reason() -> None:
    feed = _feed()
    reminded = about(an_event(ev.OwnerReminded, "cause", NOW), 2, owner="ana")
    notice = an_event(
        NoticeDelivered,
        "notice",
        NOW,
        kind=NoticeKind.REMINDER,
        recipient="ana",
        reference="ESC-1",
        via="sink",
        cause_id="cause",
        delivered_at=NOW,
    )
    feed.take(reminded)

    assert feed.plain(notice) == "08:00:00  ESC-1            reminder → ana (sink): not accepted yet by ana"


def test_a_notice_whose_cause_was_not_read_yet_names_it() -> None:
    notice = an_event(NoticeDelivered, "notice", NOW, cause="OwnerAssigned", cause_id="unread")

    assert (_feed().plain(notice) or "").endswith(": owner assigned")


def test_what_changes_nothing_for_people_is_no_news() -> None:
    feed = _feed()

    assert feed.plain(about(an_event(ev.SlaKept, "kept", NOW), 2)) is None
    assert feed.plain(an_event(NoticeSuperseded, "superseded", NOW)) is None


def test_an_event_that_comes_again_is_not_new() -> None:
    feed = _feed()
    event = about(an_event(ev.EscalationOpened, "opened", NOW), 1)

    assert feed.take(event)
    assert not feed.take(event)
    assert not feed.take(None)
