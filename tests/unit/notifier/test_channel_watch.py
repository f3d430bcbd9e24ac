"""A channel in trouble shows: refused credentials at once, silence after three in a row; and when it is over."""

from collections.abc import Sequence

import pytest
from prometheus_client import CollectorRegistry

from services.notifier.adapters.channel_watch import ChannelWatch, WatchedChannel
from services.notifier.adapters.in_memory import RecordingChannel
from services.notifier.domain.notice import Address, FailureReason, Transport
from services.notifier.domain.outcomes import Receipt
from services.notifier.metrics import NotifierMetrics
from services.notifier.ports import DeliveryError, Letter, TryLaterError, UndeliverableError, UnknownOutcomeError
from tests.integration.notifier.letters import a_letter

REFUSED = TryLaterError("slack answered invalid_auth", reason=FailureReason.CREDENTIALS)
SILENT = UnknownOutcomeError("slack did not answer")
NOBODY = UndeliverableError("slack answered user_not_found", FailureReason.BAD_RECIPIENT)


class AnsweringChannel(RecordingChannel):
    """Answers as it is told, then takes everything."""

    def __init__(self, answers: Sequence[DeliveryError]) -> None:
        super().__init__("slack")
        self._answers = list(answers)

    async def send(self, letter: Letter) -> Receipt:
        if self._answers:
            raise self._answers.pop(0)
        return await super().send(letter)


async def shown(*answers: DeliveryError, sent: int) -> tuple[str | None, float, float]:
    """Send some letters; return what /readyz is told, and the gauge for credentials and for being away."""
    registry = CollectorRegistry()
    watch = ChannelWatch(NotifierMetrics(registry))
    channel = WatchedChannel(AnsweringChannel(answers), watch)
    assert channel.serves(Address(transport=Transport.SLACK, target="U0ANA"))
    for number in range(sent):
        letter = a_letter(Transport.SLACK, "U0ANA", key=str(number))
        if number < len(answers):
            with pytest.raises(type(answers[number])):
                await channel.send(letter)
        else:
            assert (await channel.send(letter)).via == "slack"
    credentials, away = (
        registry.get_sample_value("escalon_notifier_channel_trouble", {"channel": "slack", "reason": reason}) or 0.0
        for reason in ("credentials", "away")
    )
    return watch.check(), credentials, away


@pytest.mark.expects_errors
async def test_refused_credentials_show_at_once() -> None:
    assert await shown(REFUSED, sent=1) == ("credentials are refused by: slack", 1.0, 0.0)
    assert await shown(REFUSED, sent=2) == (None, 0.0, 0.0)


async def test_a_channel_is_away_after_three_failures_in_a_row_until_it_answers() -> None:
    assert await shown(SILENT, SILENT, sent=2) == (None, 0.0, 0.0)
    assert await shown(SILENT, SILENT, SILENT, sent=3) == (None, 0.0, 1.0)
    assert await shown(SILENT, SILENT, SILENT, NOBODY, sent=4) == (None, 0.0, 0.0)
    assert await shown(SILENT, SILENT, SILENT, sent=4) == (None, 0.0, 0.0)
