"""What an HTTP receiver's answer means for a delivery; the same for every channel that speaks HTTP."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import aiohttp

from chassis.clock import REAL_TIME
from services.notifier.domain.notice import FailureReason
from services.notifier.ports import DeliveryError, TryLaterError, UndeliverableError, UnknownOutcomeError

_LONGEST_RETRY_AFTER = timedelta(hours=1)


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> timedelta | None:
    """Return what `Retry-After` asks for (RFC 9110, section 10.2.3: seconds or a date), at most an hour."""
    value = headers.get("Retry-After") or headers.get("retry-after")
    if not value:
        return None
    if value.strip().isdigit():
        asked = timedelta(seconds=int(value))
    else:
        try:
            until = parsedate_to_datetime(value)
        except ValueError:
            return None
        asked = until.replace(tzinfo=until.tzinfo or UTC) - (now or REAL_TIME.now())
    return min(max(asked, timedelta(0)), _LONGEST_RETRY_AFTER)


def failure_of(name: str, status: int, headers: Mapping[str, str]) -> DeliveryError | None:
    """Return what a status means, None for success; a 5xx may have come after the work was done."""
    if status < 400:
        return None
    said = f"{name} answered {status}"
    if status in (401, 403):
        return TryLaterError(said, reason=FailureReason.CREDENTIALS)
    if status in (408, 409, 425, 429, 503):
        return TryLaterError(said, retry_after=retry_after(headers))
    if status >= 500:
        return UnknownOutcomeError(said)
    reason = FailureReason.BAD_RECIPIENT if status in (404, 410) else FailureReason.REFUSED
    return UndeliverableError(said, reason)


@asynccontextmanager
async def told_apart(name: str) -> AsyncIterator[None]:
    """Turn the client's errors into ours: never connected is tried later, silence after that is an unknown outcome."""
    try:
        yield
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise TryLaterError(f"{name} cannot be reached ({type(error).__name__})") from error
    except (TimeoutError, aiohttp.ClientError) as error:
        raise UnknownOutcomeError(f"{name} did not answer ({type(error).__name__})") from error
