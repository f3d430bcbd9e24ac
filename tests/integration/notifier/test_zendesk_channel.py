"""The Zendesk channel against a Zendesk that answers, refuses, hangs and forgets."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from pydantic import SecretStr

from schemas.vocabulary import NoticeKind, Severity
from services.notifier.adapters.zendesk import MARK, ZendeskChannel, ZendeskSettings, open_zendesk
from services.notifier.domain.notice import Address, FailureReason, Transport
from services.notifier.ports import DeliveryError, Letter, TryLaterError, UndeliverableError, UnknownOutcomeError
from tests.harness.receivers.faults import Fault
from tests.harness.receivers.zendesk import TOKEN, USER, LocalZendesk, a_zendesk
from tests.integration.notifier.letters import HOSTILE, a_letter


@pytest.fixture
async def zendesk() -> AsyncIterator[LocalZendesk]:
    async with a_zendesk("1") as running:
        yield running


@pytest.fixture
async def channel(zendesk: LocalZendesk) -> AsyncIterator[ZendeskChannel]:
    async with open_zendesk(settings(zendesk)) as opened:
        assert opened is not None
        yield opened


def settings(zendesk: LocalZendesk, token: str = TOKEN) -> ZendeskSettings:
    return ZendeskSettings(
        url=zendesk.url, helpdesk="zendesk-eu", user=USER, token=SecretStr(token), timeout_seconds=1.0
    )


def a_comment(key: str = "n-1", ticket: str = "1") -> Letter:
    return a_letter(Transport.HELPDESK, f"zendesk-eu/{ticket}", key=key)


async def test_without_an_address_there_is_no_channel() -> None:
    async with open_zendesk(ZendeskSettings()) as channel:
        assert channel is None


def test_only_tickets_of_its_own_helpdesk_are_served(channel: ZendeskChannel) -> None:
    served = [
        channel.serves(Address(transport=transport, target=target))
        for transport, target in (
            (Transport.HELPDESK, "zendesk-eu/1"),
            (Transport.HELPDESK, "zendesk-eu-2/1"),
            (Transport.HELPDESK, "jsm/1"),
            (Transport.EMAIL, "zendesk-eu/1"),
        )
    ]
    assert served == [True, False, False, False]


async def test_the_customer_is_written_to_in_public_and_in_plain_text_with_our_mark(
    zendesk: LocalZendesk, channel: ZendeskChannel
) -> None:
    receipt = await channel.send(a_comment())
    ticket = zendesk.tickets["1"]
    assert ticket.comments == [(HOSTILE, True)]
    assert ticket.audits[0]["metadata"]["custom"] == {MARK: "n-1"}
    assert receipt.external_id == "1000"


async def test_a_ticket_is_tagged_with_severity_type_and_time_and_old_ones_go(
    zendesk: LocalZendesk, channel: ZendeskChannel
) -> None:
    zendesk.tickets["1"].tags = {"vip", "escalon_p3"}
    for severity in (Severity.P2, Severity.P1):
        letter = a_letter(Transport.HELPDESK, "zendesk-eu/1", NoticeKind.TICKET_TAGGED, severity=severity)
        await channel.send(letter)
    assert zendesk.tickets["1"].tags == {
        "vip",
        "escalon",
        "escalon_p1",
        "escalon_technical",
        "escalon_at_20260602t080000z",
    }
    assert await channel.find(letter) is None


async def test_a_comment_that_got_through_before_the_crash_is_found_on_any_page(channel: ZendeskChannel) -> None:
    assert await channel.find(a_comment()) is None
    sent = await channel.send(a_comment())
    for number in range(2, 7):
        await channel.send(a_comment(f"n-{number}"))
    assert await channel.find(a_comment()) == sent


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault(status=500), UnknownOutcomeError),
        (Fault(status=200, body="<html>"), UnknownOutcomeError),
        (Fault(hang=True), UnknownOutcomeError),
        (Fault(hang=True, after=True), UnknownOutcomeError),
        (Fault(status=503), TryLaterError),
        (Fault(status=409), TryLaterError),
        (Fault(status=422), UndeliverableError),
    ],
)
async def test_a_comment_that_goes_wrong_is_told_apart(
    zendesk: LocalZendesk, channel: ZendeskChannel, fault: Fault, expected: type[DeliveryError]
) -> None:
    zendesk.faults.add("comment", fault)
    with pytest.raises(expected):
        await channel.send(a_comment())


@pytest.mark.parametrize("sent_before", [0, 1])
async def test_a_connection_lost_after_the_comment_repeats_nothing_by_itself(
    zendesk: LocalZendesk, channel: ZendeskChannel, sent_before: int
) -> None:
    for number in range(sent_before):
        await channel.send(a_comment(f"before-{number}"))
    zendesk.faults.add("comment", Fault(reset=True, after=True))
    with pytest.raises(UnknownOutcomeError):
        await channel.send(a_comment())
    assert len(zendesk.tickets["1"].comments) == sent_before + 1
    assert await channel.find(a_comment()) is not None


async def test_a_rate_limit_says_when_to_come_back(zendesk: LocalZendesk, channel: ZendeskChannel) -> None:
    zendesk.faults.add("comment", Fault(status=429, headers={"Retry-After": "93"}))
    with pytest.raises(TryLaterError) as caught:
        await channel.send(a_comment())
    assert caught.value.retry_after == timedelta(seconds=93)


async def test_a_lookup_that_goes_wrong_is_made_later(zendesk: LocalZendesk, channel: ZendeskChannel) -> None:
    zendesk.faults.add("audits", Fault(status=500))
    with pytest.raises(TryLaterError):
        await channel.find(a_comment())


async def test_wrong_credentials_are_named_as_such(zendesk: LocalZendesk) -> None:
    async with open_zendesk(settings(zendesk, "wrong")) as channel:
        assert channel is not None
        with pytest.raises(TryLaterError) as caught:
            await channel.send(a_comment())
    assert caught.value.reason is FailureReason.CREDENTIALS


@pytest.mark.parametrize("ticket", ["404", "../users/1", ""])
async def test_a_ticket_that_is_not_there_is_a_bad_recipient(channel: ZendeskChannel, ticket: str) -> None:
    with pytest.raises(UndeliverableError) as caught:
        await channel.send(a_comment(ticket=ticket))
    assert caught.value.reason is FailureReason.BAD_RECIPIENT
