"""Slack's Web API: messages to people, and the incident channel's life.

What customers wrote is shown as `plain_text`, which Slack renders as it is: no mention, no link, no markup in it
takes effect. Each message carries our key in its metadata, by which an attempt that a crash cut short is found again.
"""

import logging
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement, PlainTextObject, SectionBlock
from slack_sdk.models.metadata import Metadata
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from schemas.ids import derived_id
from schemas.vocabulary import NoticeKind
from services.notifier.adapters.http_answers import failure_of, retry_after, told_apart
from services.notifier.adapters.slack_rooms import SlackRooms
from services.notifier.domain.notice import Address, FailureReason, Notice, Transport
from services.notifier.domain.outcomes import Receipt
from services.notifier.ports import DeliveryError, Letter, TryLaterError, UndeliverableError, UnknownOutcomeError

_EVENT_TYPE = "escalon_notice"
_SECTION_CHARACTERS = 3000
"""Slack's limit for the text of a section block."""
_HISTORY = 200
_HISTORY_PAGES = 10
"""Others may write to the same person meanwhile; what lies further back than 2,000 messages is not looked for."""


class SlackSettings(BaseSettings):
    """Which Slack; without a token none."""

    model_config = SettingsConfigDict(env_prefix="ESCALON_SLACK_", frozen=True)

    token: SecretStr | None = Field(None, description="Bot token (xoxb-…); Slack is not used while unset.")
    base_url: str = Field("https://slack.com/api/", description="Address of the Web API.")
    timeout_seconds: int = Field(20, ge=1, description="How long Slack may take for an answer.")


class SlackChannel:
    """Sends messages as the app.

    Needs the scopes chat:write, im:write, im:history, channels:manage, channels:read and channels:history.
    """

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._rooms = SlackRooms(client)

    @property
    def name(self) -> str:
        """Return what outcomes call it."""
        return "slack"

    def serves(self, address: Address) -> bool:
        """Tell whether it is somebody's Slack id or an incident channel."""
        return address.transport in (Transport.SLACK, Transport.ROOM)

    async def send(self, letter: Letter) -> Receipt:
        """Post the message; an incident channel is made before the first and archived after the last."""
        notice = letter.notice
        with_room = letter.address.transport is Transport.ROOM
        async with slack_errors():
            place = await self._place(letter) if with_room else letter.address.target
        async with slack_errors(posting=True):
            posted = await self._client.chat_postMessage(
                channel=place,
                text=escaped(notice.words.subject),
                blocks=_blocks(notice),
                metadata=Metadata(event_type=_EVENT_TYPE, event_payload={"key": letter.key}),
                client_msg_id=derived_id(letter.key),
                link_names=False,
                mrkdwn=False,
                unfurl_links=False,
                unfurl_media=False,
            )
        if with_room and notice.kind is NoticeKind.ARCHIVED:
            async with slack_errors():
                await self._rooms.archive(place)
        return Receipt(via=self.name, external_id=f"{posted.get('channel', place)}:{posted.get('ts', '')}")

    async def find(self, letter: Letter) -> Receipt | None:
        """Look for our key among the place's latest 2,000 messages."""
        async with slack_errors():
            if letter.address.transport is Transport.ROOM:
                place = await self._rooms.find(letter.address.target)
            else:
                opened = await self._client.conversations_open(users=letter.address.target)
                place = opened["channel"]["id"]
            if place is None:
                return None
            found = await self._message(place, letter.key)
        return None if found is None else await self._found(letter, place, str(found.get("ts", "")))

    async def _message(self, place: str, key: str) -> Mapping[str, Any] | None:
        cursor = ""
        for _ in range(_HISTORY_PAGES):
            page = await self._client.conversations_history(
                channel=place, include_all_metadata=True, limit=_HISTORY, cursor=cursor
            )
            messages: list[Mapping[str, Any]] = page.get("messages", [])
            for message in messages:
                if _key_of(message) == key:
                    return message
            cursor = str((page.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                break
        return None

    async def _found(self, letter: Letter, place: str, ts: str) -> Receipt:
        if letter.notice.kind is NoticeKind.ARCHIVED:
            async with slack_errors():
                await self._rooms.archive(place)
        return Receipt(via=self.name, external_id=f"{place}:{ts}")

    async def _place(self, letter: Letter) -> str:
        name, notice = letter.address.target, letter.notice
        if notice.kind is NoticeKind.OPENED:
            return await self._rooms.open(name, notice.about.members)
        place = await self._rooms.find(name)
        if place is None:
            raise UndeliverableError("the incident channel is not there", FailureReason.BAD_RECIPIENT)
        return place


@asynccontextmanager
async def open_slack(settings: SlackSettings) -> AsyncIterator[SlackChannel | None]:
    """Give the channel, None where no token is configured."""
    if settings.token is None:
        yield None
        return
    # Its own timeout does not hold for a session that is given.
    timeout = aiohttp.ClientTimeout(total=settings.timeout_seconds, connect=5.0)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        yield SlackChannel(
            AsyncWebClient(
                token=settings.token.get_secret_value(),
                base_url=settings.base_url,
                session=session,
                # Its own retries would post twice; ours look first.
                retry_handlers=[],
                logger=_quiet(),
            )
        )


def _quiet() -> logging.Logger:
    # The client logs whole answers at DEBUG, customers' words among them.
    logger = logging.getLogger("escalon.slack_client")
    logger.setLevel(logging.CRITICAL)
    return logger


def _blocks(notice: Notice) -> list[Block]:
    body = notice.words.body
    parts = [body[at : at + _SECTION_CHARACTERS] for at in range(0, len(body), _SECTION_CHARACTERS)]
    blocks: list[Block] = [SectionBlock(text=PlainTextObject(text=part, emoji=False)) for part in parts]
    url = notice.about.ticket_url
    if url is not None and url.startswith(("https://", "http://")):
        blocks.append(ActionsBlock(elements=[ButtonElement(text="Open the ticket", url=url)]))
    return blocks


def escaped(text: str) -> str:
    """Return a text as Slack shows it literally: the three characters its control sequences need, escaped."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _key_of(message: Mapping[str, Any]) -> object:
    metadata = message.get("metadata") or {}
    ours = metadata.get("event_type") == _EVENT_TYPE
    return (metadata.get("event_payload") or {}).get("key") if ours else None


_WORD = re.compile(r"[a-z_]{1,60}")
_CREDENTIALS = frozenset(
    {
        "account_inactive",
        "invalid_auth",
        "missing_scope",
        "not_allowed_token_type",
        "not_authed",
        "token_expired",
        "token_revoked",
    }
)
_BAD_RECIPIENT = frozenset(
    {"cannot_dm_bot", "channel_not_found", "is_archived", "not_in_channel", "user_disabled", "user_not_found"}
)
_LATER = frozenset({"rate_limited", "ratelimited", "request_timeout", "service_unavailable", "team_added_to_org"})
_UNKNOWN = frozenset({"fatal_error", "internal_error"})
"""Slack: "it's possible some aspect of the operation succeeded before the error was raised"."""


@asynccontextmanager
async def slack_errors(*, posting: bool = False) -> AsyncIterator[None]:
    """Turn Slack's errors into ours; only a post that got no clear answer has an unknown outcome."""
    try:
        async with told_apart("slack"):
            try:
                yield
            except SlackApiError as error:
                raise _failure(error) from error
            except SlackClientError as error:
                raise UnknownOutcomeError(f"slack answered nothing we understand ({type(error).__name__})") from error
    except UnknownOutcomeError as error:
        if posting:
            raise
        raise TryLaterError(str(error)) from error


def _failure(error: SlackApiError) -> DeliveryError:
    response = error.response
    if not isinstance(response, AsyncSlackResponse):
        return UnknownOutcomeError("slack answered nothing we understand")
    headers = {str(name): str(value) for name, value in response.headers.items()}
    status = failure_of("slack", response.status_code, headers)
    if status is not None:
        return status
    return _failure_named(str(response.get("error", "")), headers)


def _failure_named(code: str, headers: Mapping[str, str]) -> DeliveryError:
    said = f"slack answered {code}" if _WORD.fullmatch(code) else "slack answered nothing we understand"
    if code in _LATER:
        return TryLaterError(said, retry_after=retry_after(headers))
    if code in _UNKNOWN:
        return UnknownOutcomeError(said)
    if code in _CREDENTIALS:
        return TryLaterError(said, reason=FailureReason.CREDENTIALS)
    return UndeliverableError(said, FailureReason.BAD_RECIPIENT if code in _BAD_RECIPIENT else FailureReason.REFUSED)
