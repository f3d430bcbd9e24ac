"""What is logged of an attempt that failed: what the receiver answered, and nothing of what it was told."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from chassis.logs import FIELDS
from services.notifier.adapters.in_memory import InMemoryLedger
from services.notifier.adapters.sink import SinkChannel
from services.notifier.adapters.slack import SlackSettings, open_slack
from services.notifier.adapters.smtp import SmtpSettings, open_smtp
from services.notifier.adapters.zendesk import ZendeskSettings, open_zendesk
from services.notifier.domain.notice import Plan, Transport
from services.notifier.handlers import Deliverer, Outlets
from services.notifier.ports import Channel, Progress
from tests.harness.notices import AT
from tests.harness.receivers.faults import Fault
from tests.harness.receivers.slack import a_slack
from tests.harness.receivers.smtp import PASSWORD, USER, a_mail_server
from tests.harness.receivers.zendesk import a_zendesk
from tests.integration.notifier.letters import HOSTILE, a_letter

SECRET = "xoxb-a-secret"
_PLAIN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


@asynccontextmanager
async def a_slack_that_refuses(word: str) -> AsyncIterator[Channel]:
    async with a_slack("U0ANA") as server:
        server.faults.add("chat.postMessage", Fault(status=200, body=f'{{"ok": false, "error": "{word}"}}'))
        settings = SlackSettings(token=SecretStr(SECRET), base_url=server.base_url, timeout_seconds=1)
        async with open_slack(settings) as channel:
            assert channel is not None
            yield channel


@asynccontextmanager
async def a_mail_server_that_refuses(answer: str) -> AsyncIterator[Channel]:
    async with a_mail_server() as server:
        server.answers.append(answer)
        settings = SmtpSettings(
            host="127.0.0.1", port=server.port, security="none", username=USER, password=SecretStr(PASSWORD)
        )
        async with open_smtp(settings) as channel:
            assert channel is not None
            yield channel


@asynccontextmanager
async def a_helpdesk_that_refuses(status: int) -> AsyncIterator[Channel]:
    async with a_zendesk("1") as server:
        server.faults.add("comment", Fault(status=status, body=HOSTILE))
        settings = ZendeskSettings(url=server.url, helpdesk="zendesk-eu", user=USER, token=SecretStr(SECRET))
        async with open_zendesk(settings) as channel:
            assert channel is not None
            yield channel


async def attempted(channel: Channel, transport: Transport, target: str) -> None:
    """Make one attempt to deliver hostile words to an address."""
    ledger, notice = InMemoryLedger(), a_letter(transport, target).notice
    await ledger.record(Progress(partition=0, position=0, next_position=1), [Plan(notices=(notice,))])
    await Deliverer(ledger, Outlets([channel], SinkChannel(None, print))).deliver_pending([0], AT)


def told(caplog: pytest.LogCaptureFixture) -> tuple[str, dict[str, object]]:
    """Return the one line there is and its fields."""
    failed = [record for record in caplog.records if record.name.startswith("services.notifier")]
    (record,) = [record for record in failed if record.getMessage() != "a notice was given up"]
    assert record.levelno == logging.WARNING
    fields = {name: value for name, value in record.__dict__.items() if name not in _PLAIN}
    assert fields.keys() <= FIELDS
    line = f"{record.getMessage()} {fields}"
    assert not [word for word in (HOSTILE, "U0ANA", "carla@customer.example", SECRET, PASSWORD) if word in line]
    return record.getMessage(), fields


def fields_of(channel: str, error: str) -> dict[str, object]:
    return {
        "channel": channel,
        "error": error,
        "attempt": 1,
        "notice_id": "n-1",
        "correlation_id": "zendesk-eu/1",
    }


async def test_what_slack_answered_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async with a_slack_that_refuses("restricted_action") as slack:
        await attempted(slack, Transport.SLACK, "U0ANA")
    expected = fields_of("slack", "UndeliverableError")
    assert told(caplog) == ("an attempt failed: slack answered restricted_action", expected)


async def test_an_answer_that_is_no_word_of_slack_s_is_not_repeated(caplog: pytest.LogCaptureFixture) -> None:
    async with a_slack_that_refuses("No user carla@customer.example") as slack:
        await attempted(slack, Transport.SLACK, "U0ANA")
    assert told(caplog)[0] == "an attempt failed: slack answered nothing we understand"


async def test_what_the_mail_server_answered_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async with a_mail_server_that_refuses("451 4.7.1 carla@customer.example is greylisted") as mail:
        await attempted(mail, Transport.EMAIL, "carla@customer.example")
    expected = fields_of("email", "TryLaterError")
    assert told(caplog) == ("an attempt failed: the mail server answered 451", expected)


async def test_what_the_helpdesk_answered_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async with a_helpdesk_that_refuses(422) as helpdesk:
        await attempted(helpdesk, Transport.HELPDESK, "zendesk-eu/1")
    expected = fields_of("zendesk", "UndeliverableError")
    assert told(caplog) == ("an attempt failed: zendesk answered 422", expected)
