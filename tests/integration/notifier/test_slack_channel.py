"""The Slack channel against a Slack that answers, refuses, hangs and forgets."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from pydantic import SecretStr

from schemas.vocabulary import NoticeKind
from services.notifier.adapters.slack import SlackChannel, SlackSettings, open_slack
from services.notifier.domain.notice import FailureReason, Transport
from services.notifier.ports import TryLaterError, UndeliverableError, UnknownOutcomeError
from tests.harness.receivers.faults import Fault
from tests.harness.receivers.slack import TOKEN, LocalSlack, a_slack
from tests.integration.notifier.letters import HOSTILE, a_letter

ROOM = "inc-esc-1"


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with a_slack("U0ANA", "U0MIA") as running:
        yield running


@pytest.fixture
async def channel(slack: LocalSlack) -> AsyncIterator[SlackChannel]:
    async with open_slack(settings(slack)) as opened:
        assert opened is not None
        yield opened


def settings(slack: LocalSlack, token: str = TOKEN) -> SlackSettings:
    return SlackSettings(token=SecretStr(token), base_url=slack.base_url, timeout_seconds=1)


async def test_without_a_token_there_is_no_channel() -> None:
    async with open_slack(SlackSettings()) as channel:
        assert channel is None


async def test_a_message_shows_what_customers_wrote_as_it_is(slack: LocalSlack, channel: SlackChannel) -> None:
    receipt = await channel.send(a_letter(Transport.SLACK, "U0ANA"))
    (message,) = slack.messages
    assert receipt.external_id == f"DU0ANA:{message['ts']}"
    section, actions = message["blocks"]
    assert section["text"] == {"type": "plain_text", "text": HOSTILE, "emoji": False}
    assert actions["elements"][0]["url"] == "https://helpdesk.example/1"
    assert "<" not in message["text"]
    assert "&lt;!channel&gt;" in message["text"]


async def test_long_words_are_cut_into_sections_that_slack_takes(slack: LocalSlack, channel: SlackChannel) -> None:
    await channel.send(a_letter(Transport.SLACK, "U0ANA", body="x" * 7000))
    sections = [block["text"]["text"] for block in slack.messages[0]["blocks"] if block["type"] == "section"]
    assert [len(section) for section in sections] == [3000, 3000, 1000]


async def test_an_incident_channel_is_made_with_those_who_can_be_invited_and_archived_at_the_end(
    slack: LocalSlack, channel: SlackChannel
) -> None:
    slack.rooms.clear()
    await channel.send(a_letter(Transport.ROOM, "inc-other", NoticeKind.OPENED, key="n-0"))
    await channel.send(a_letter(Transport.ROOM, ROOM, NoticeKind.OPENED))
    await channel.send(a_letter(Transport.ROOM, ROOM, NoticeKind.OPENED, key="n-2"))
    room = slack.rooms["C2"]
    assert (room.name, room.members, len(slack.rooms)) == (ROOM, ["U0ANA", "U0MIA"], 2)
    await channel.send(a_letter(Transport.ROOM, ROOM, NoticeKind.ARCHIVED, key="n-3"))
    assert room.archived


async def test_a_channel_whose_name_is_taken_by_an_archived_one_gets_the_next_number(
    slack: LocalSlack, channel: SlackChannel
) -> None:
    for key in ("n-1", "n-2"):
        await channel.send(a_letter(Transport.ROOM, ROOM, NoticeKind.OPENED, key=key))
        await channel.send(a_letter(Transport.ROOM, ROOM, NoticeKind.ARCHIVED, key=f"{key}-over"))
    assert [(room.name, room.archived) for room in slack.rooms.values()] == [(ROOM, True), (f"{ROOM}-2", True)]


async def test_a_message_that_got_through_before_the_crash_is_found_again(
    slack: LocalSlack, channel: SlackChannel
) -> None:
    letter = a_letter(Transport.SLACK, "U0ANA")
    assert await channel.find(letter) is None
    sent = await channel.send(letter)
    await channel.send(a_letter(Transport.SLACK, "U0ANA", key="n-2"))
    assert await channel.find(letter) == sent
    assert len(slack.messages) == 2


async def test_a_message_is_found_again_behind_hundreds_that_others_sent_meanwhile(
    slack: LocalSlack, channel: SlackChannel
) -> None:
    letter = a_letter(Transport.SLACK, "U0ANA")
    sent = await channel.send(letter)
    slack.messages += [{"channel": "DU0ANA", "ts": f"{number}.000200"} for number in range(450)]
    assert await channel.find(letter) == sent
    assert slack.calls.count("conversations.history") == 3


async def test_an_archiving_that_was_cut_short_is_completed_when_it_is_found(
    slack: LocalSlack, channel: SlackChannel
) -> None:
    await channel.send(a_letter(Transport.ROOM, ROOM, NoticeKind.OPENED))
    slack.faults.add("conversations.archive", Fault(status=503))
    letter = a_letter(Transport.ROOM, ROOM, NoticeKind.ARCHIVED, key="n-2")
    with pytest.raises(TryLaterError):
        await channel.send(letter)
    assert await channel.find(letter) is not None
    assert slack.rooms["C1"].archived


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault(status=500, body="oops"), UnknownOutcomeError),
        (Fault(status=200, body='{"ok": false, "error": "internal_error"}'), UnknownOutcomeError),
        (Fault(hang=True), UnknownOutcomeError),
        (Fault(status=200, body="<html>"), UnknownOutcomeError),
        (Fault(status=503), TryLaterError),
        (Fault(status=200, body='{"ok": false, "error": "service_unavailable"}'), TryLaterError),
        (Fault(status=200, body='{"ok": false, "error": "msg_too_long"}'), UndeliverableError),
    ],
)
async def test_a_post_that_goes_wrong_is_told_apart(
    slack: LocalSlack, channel: SlackChannel, fault: Fault, expected: type[Exception]
) -> None:
    slack.faults.add("chat.postMessage", fault)
    with pytest.raises(expected):
        await channel.send(a_letter(Transport.SLACK, "U0ANA"))
    assert slack.calls == ["chat.postMessage"]


async def test_a_lookup_that_goes_wrong_is_made_later(slack: LocalSlack, channel: SlackChannel) -> None:
    slack.faults.add("conversations.history", Fault(hang=True))
    with pytest.raises(TryLaterError):
        await channel.find(a_letter(Transport.SLACK, "U0ANA"))


async def test_a_rate_limit_says_when_to_come_back(slack: LocalSlack, channel: SlackChannel) -> None:
    limited = Fault(status=429, body='{"ok": false, "error": "ratelimited"}', headers={"Retry-After": "17"})
    slack.faults.add("chat.postMessage", limited)
    with pytest.raises(TryLaterError) as caught:
        await channel.send(a_letter(Transport.SLACK, "U0ANA"))
    assert caught.value.retry_after == timedelta(seconds=17)


async def test_wrong_credentials_are_named_as_such(slack: LocalSlack) -> None:
    async with open_slack(settings(slack, "xoxb-wrong")) as channel:
        assert channel is not None
        with pytest.raises(TryLaterError) as caught:
            await channel.send(a_letter(Transport.SLACK, "U0ANA"))
    assert caught.value.reason is FailureReason.CREDENTIALS
    assert "xoxb" not in str(caught.value)


async def test_somebody_who_is_not_there_is_a_bad_recipient(channel: SlackChannel) -> None:
    for letter in (a_letter(Transport.SLACK, "U0GONE"), a_letter(Transport.ROOM, "inc-none", NoticeKind.UPDATE)):
        with pytest.raises(UndeliverableError) as caught:
            await channel.send(letter)
        assert caught.value.reason is FailureReason.BAD_RECIPIENT


async def test_a_slack_that_is_not_there_is_tried_later(free_port: int) -> None:
    nowhere = SlackSettings(token=SecretStr(TOKEN), base_url=f"http://127.0.0.1:{free_port}/api/", timeout_seconds=1)
    async with open_slack(nowhere) as channel:
        assert channel is not None
        with pytest.raises(TryLaterError):
            await channel.send(a_letter(Transport.SLACK, "U0ANA"))
