"""The mail channel against a mail server that takes, refuses, hangs and forgets."""

from collections.abc import AsyncIterator

import msgspec
import pytest
from pydantic import SecretStr

from services.notifier.adapters.smtp import SmtpChannel, SmtpSettings, open_smtp
from services.notifier.domain.notice import Address, FailureReason, Transport
from services.notifier.domain.outcomes import Receipt
from services.notifier.ports import Letter, TryLaterError, UndeliverableError, UnknownOutcomeError
from tests.harness.receivers.faults import Fault
from tests.harness.receivers.smtp import PASSWORD, USER, LocalMailServer, a_mail_server
from tests.integration.notifier.letters import HOSTILE, a_letter


@pytest.fixture
async def server() -> AsyncIterator[LocalMailServer]:
    async with a_mail_server() as running:
        yield running


def channel_of(port: int, password: str = PASSWORD) -> SmtpChannel:
    return SmtpChannel(
        SmtpSettings(
            host="127.0.0.1",
            port=port,
            security="none",
            username=USER,
            password=SecretStr(password),
            sender="Support <support@company.example>",
            reply_to="help@company.example",
            timeout_seconds=1.0,
        )
    )


def a_mail(target: str = "carla@customer.example", key: str = "n-1") -> Letter:
    return a_letter(Transport.EMAIL, target, key=key)


async def test_without_a_host_there_is_no_channel() -> None:
    async with open_smtp(SmtpSettings()) as channel:
        assert channel is None


def test_only_mail_addresses_are_served() -> None:
    channel = channel_of(25)
    assert channel.serves(Address(transport=Transport.EMAIL, target="a@b.example"))
    assert not channel.serves(Address(transport=Transport.SLACK, target="U1"))


async def test_a_mail_is_plain_text_that_nobody_answers_by_machine(server: LocalMailServer) -> None:
    receipt = await channel_of(server.port).send(a_mail())
    (mail,) = server.mails
    assert mail["To"] == "carla@customer.example"
    assert mail["From"] == "Support <support@company.example>"
    assert mail["Reply-To"] == "help@company.example"
    assert mail["Subject"].strip() == f"[ESC-1] {HOSTILE}"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().strip() == HOSTILE
    assert receipt.external_id == mail["Message-ID"]
    assert msgspec.json.decode(msgspec.json.encode(receipt), type=Receipt) == receipt


async def test_the_same_notice_has_the_same_message_id_in_every_attempt(server: LocalMailServer) -> None:
    channel = channel_of(server.port)
    for key in ("n-1", "n-1", "n-2"):
        await channel.send(a_mail(key=key))
    first, again, other = (mail["Message-ID"] for mail in server.mails)
    assert first == again != other
    assert len({mail["References"] for mail in server.mails}) == 1
    assert await channel.find(a_mail()) is None


@pytest.mark.parametrize("target", ["not an address", "a@b\r\nBcc: x@y.example", "@", ""])
async def test_what_is_no_address_is_a_bad_recipient(server: LocalMailServer, target: str) -> None:
    with pytest.raises(UndeliverableError) as caught:
        await channel_of(server.port).send(a_mail(target))
    assert caught.value.reason is FailureReason.BAD_RECIPIENT
    assert server.mails == []


async def test_a_refused_recipient_is_bad_for_good_and_a_greylisted_one_is_tried_later(
    server: LocalMailServer,
) -> None:
    server.refusals = ["550 5.1.1 no such user", "450 4.2.0 greylisted"]
    with pytest.raises(UndeliverableError) as caught:
        await channel_of(server.port).send(a_mail())
    assert caught.value.reason is FailureReason.BAD_RECIPIENT
    with pytest.raises(TryLaterError):
        await channel_of(server.port).send(a_mail())


async def test_a_refused_mail_is_given_up_and_a_full_server_is_tried_later(server: LocalMailServer) -> None:
    server.answers = ["554 5.7.1 looks like spam", "452 4.3.1 no space"]
    with pytest.raises(UndeliverableError) as caught:
        await channel_of(server.port).send(a_mail())
    assert caught.value.reason is FailureReason.REFUSED
    with pytest.raises(TryLaterError):
        await channel_of(server.port).send(a_mail())


async def test_a_server_that_took_the_mail_and_says_nothing_leaves_the_outcome_unknown(
    server: LocalMailServer,
) -> None:
    server.hang_after_mail = True
    with pytest.raises(UnknownOutcomeError):
        await channel_of(server.port).send(a_mail())


async def test_a_server_that_falls_silent_before_it_has_the_mail_is_tried_later(server: LocalMailServer) -> None:
    for fault in (Fault(hang=True), Fault(reset=True)):
        server.faults.add("rcpt", fault)
        with pytest.raises(TryLaterError):
            await channel_of(server.port).send(a_mail())
    assert server.mails == []


async def test_a_connection_lost_after_the_final_dot_leaves_the_outcome_unknown(server: LocalMailServer) -> None:
    server.faults.add("data", Fault(reset=True, after=True))
    with pytest.raises(UnknownOutcomeError):
        await channel_of(server.port).send(a_mail())
    assert len(server.mails) == 1


async def test_wrong_credentials_are_named_as_such(server: LocalMailServer) -> None:
    with pytest.raises(TryLaterError) as caught:
        await channel_of(server.port, "wrong").send(a_mail())
    assert caught.value.reason is FailureReason.CREDENTIALS


async def test_a_server_that_is_not_there_is_tried_later(free_port: int) -> None:
    with pytest.raises(TryLaterError):
        await channel_of(free_port).send(a_mail())
