"""Knows which channel does not get through, so that it shows at the first refusal and not when patience ends."""

import logging

from services.notifier.domain.notice import Address, FailureReason
from services.notifier.domain.outcomes import Receipt
from services.notifier.metrics import NotifierMetrics
from services.notifier.ports import Channel, Letter, TryLaterError, UndeliverableError, UnknownOutcomeError

_AWAY_AFTER = 3
"""Failures in a row; one or two are the weather."""
_CREDENTIALS, _AWAY = "credentials", "away"

log = logging.getLogger(__name__)


class ChannelWatch:
    """Counts what channels answer, in a row, and says when one is in trouble and when it is over."""

    def __init__(self, metrics: NotifierMetrics) -> None:
        self._metrics = metrics
        self._failures: dict[str, int] = {}
        self._refused: set[str] = set()

    def check(self) -> str | None:
        """Tell /readyz which channels refuse our credentials; that one is away is no fault of ours."""
        return f"credentials are refused by: {', '.join(sorted(self._refused))}" if self._refused else None

    def answered(self, channel: str) -> None:
        """Note that a receiver took a letter or had a reason of its own not to."""
        if self._failures.pop(channel, 0) >= _AWAY_AFTER or channel in self._refused:
            log.info("a channel gets through again", extra={"channel": channel})
        self._refused.discard(channel)
        self._metrics.channel_trouble(channel, _CREDENTIALS, there=False)
        self._metrics.channel_trouble(channel, _AWAY, there=False)

    def failed(self, channel: str, reason: FailureReason) -> None:
        """Note that a receiver was away, or would not let us in."""
        if reason is FailureReason.CREDENTIALS:
            if channel not in self._refused:
                log.error("a channel refuses our credentials: nothing goes by it", extra={"channel": channel})
            self._refused.add(channel)
            self._metrics.channel_trouble(channel, _CREDENTIALS, there=True)
            return
        self._failures[channel] = self._failures.get(channel, 0) + 1
        if self._failures[channel] == _AWAY_AFTER:
            log.warning("a channel does not get through", extra={"channel": channel, "count": _AWAY_AFTER})
            self._metrics.channel_trouble(channel, _AWAY, there=True)


class WatchedChannel:
    """A channel whose answers are watched; does nothing else."""

    def __init__(self, channel: Channel, watch: ChannelWatch) -> None:
        self._channel = channel
        self._watch = watch

    @property
    def name(self) -> str:
        """Return what outcomes call it."""
        return self._channel.name

    def serves(self, address: Address) -> bool:
        """Tell whether it can reach the address."""
        return self._channel.serves(address)

    async def send(self, letter: Letter) -> Receipt:
        """Deliver it."""
        try:
            receipt = await self._channel.send(letter)
        except (TryLaterError, UnknownOutcomeError) as error:
            self._watch.failed(self.name, getattr(error, "reason", FailureReason.EXHAUSTED))
            raise
        except UndeliverableError:
            self._watch.answered(self.name)
            raise
        self._watch.answered(self.name)
        return receipt

    async def find(self, letter: Letter) -> Receipt | None:
        """Look whether an earlier attempt got through; only that it cannot be asked says something of the channel."""
        try:
            return await self._channel.find(letter)
        except TryLaterError as error:
            self._watch.failed(self.name, error.reason)
            raise
