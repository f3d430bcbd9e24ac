"""Every channel there is, once: a channel is a file here, its settings in `config.py`, and a line below."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from services.notifier.adapters.slack import open_slack
from services.notifier.adapters.smtp import open_smtp
from services.notifier.adapters.zendesk import open_zendesk
from services.notifier.config import NotifierSettings
from services.notifier.ports import Channel


@asynccontextmanager
async def open_channels(settings: NotifierSettings) -> AsyncIterator[tuple[Channel, ...]]:
    """Give the channels that are configured; none in shadow mode, whatever is."""
    async with AsyncExitStack() as stack:
        if settings.shadow:
            yield ()
            return
        found: tuple[Channel | None, ...] = (
            await stack.enter_async_context(open_slack(settings.slack)),
            await stack.enter_async_context(open_smtp(settings.smtp)),
            await stack.enter_async_context(open_zendesk(settings.zendesk)),
        )
        yield tuple(channel for channel in found if channel is not None)
