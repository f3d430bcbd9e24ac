"""Zendesk's API: public comments to the customer and tags on the ticket, all with our mark.

The mark is custom metadata of the audit (`escalon_notice`): by it our own writes are known when they come back as
ticket events (author kind `escalon`), and an attempt that a crash cut short is found again.
"""

import re
from base64 import b64encode
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC
from typing import TypeVar

import aiohttp
import msgspec
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.vocabulary import IssueType, NoticeKind, Severity
from services.notifier.adapters.http_answers import failure_of, told_apart
from services.notifier.domain.notice import Address, FailureReason, Subject, Transport
from services.notifier.domain.outcomes import Receipt
from services.notifier.ports import Letter, TryLaterError, UndeliverableError, UnknownOutcomeError

MARK = "escalon_notice"
_TICKET_ID = re.compile(r"[A-Za-z0-9_-]+")
_AUDIT_PAGES = 20


AnswerT = TypeVar("AnswerT")


class _Comment(msgspec.Struct):
    body: str
    public: bool


class _Change(msgspec.Struct):
    comment: _Comment
    metadata: dict[str, str]


class _Update(msgspec.Struct):
    ticket: _Change


class _Tags(msgspec.Struct):
    tags: list[str]


class _Metadata(msgspec.Struct):
    custom: dict[str, object] | None = None


class _Audit(msgspec.Struct):
    id: int | str
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


class _Updated(msgspec.Struct):
    audit: _Audit | None = None


class _Page(msgspec.Struct):
    audits: list[_Audit] = []
    next_page: str | None = None


class ZendeskSettings(BaseSettings):
    """Which Zendesk; without an address none."""

    model_config = SettingsConfigDict(env_prefix="ESCALON_ZENDESK_", frozen=True)

    url: str | None = Field(None, description="Address, e.g. https://company.zendesk.com; not used while unset.")
    helpdesk: str = Field("zendesk", description="First part of the keys of its tickets, e.g. zendesk-eu.")
    user: str | None = Field(None, description="E-mail address of the agent we write as.")
    token: SecretStr | None = Field(None, description="API token of that agent.")
    timeout_seconds: float = Field(20.0, gt=0, description="How long it may take for an answer.")


class ZendeskChannel:
    """Writes on tickets of one Zendesk. Tagging is repeatable; a comment is looked up before it is repeated."""

    def __init__(self, settings: ZendeskSettings, session: aiohttp.ClientSession) -> None:
        self._settings = settings
        self._session = session

    @property
    def name(self) -> str:
        """Return what outcomes call it."""
        return "zendesk"

    def serves(self, address: Address) -> bool:
        """Tell whether it is a ticket of this helpdesk."""
        return address.transport is Transport.HELPDESK and address.target.startswith(f"{self._settings.helpdesk}/")

    async def send(self, letter: Letter) -> Receipt:
        """Tag the ticket or write to the customer on it."""
        ticket = _ticket_id(letter)
        if letter.notice.kind is NoticeKind.TICKET_TAGGED:
            await self._tag(ticket, letter.notice.about)
            return Receipt(via=self.name)
        answer = await self._call(
            "PUT",
            f"tickets/{ticket}.json",
            _Update(
                ticket=_Change(
                    comment=_Comment(body=letter.notice.words.body, public=True), metadata={MARK: letter.key}
                )
            ),
        )
        return Receipt(via=self.name, external_id=_id_of(_read(answer, _Updated).audit))

    async def find(self, letter: Letter) -> Receipt | None:
        """Look for our mark in the ticket's audits."""
        if letter.notice.kind is NoticeKind.TICKET_TAGGED:
            return None
        path: str | None = f"tickets/{_ticket_id(letter)}/audits.json?sort_order=desc"
        for _ in range(_AUDIT_PAGES):
            if path is None:
                break
            try:
                page = _read(await self._call("GET", path), _Page)
            except UnknownOutcomeError as error:
                raise TryLaterError(str(error)) from error
            for audit in page.audits:
                if (audit.metadata.custom or {}).get(MARK) == letter.key:
                    return Receipt(via=self.name, external_id=_id_of(audit))
            path = _path_of(page.next_page)
        return None

    async def _tag(self, ticket: str, about: Subject) -> None:
        now = set(tags_of(about))
        stale = sorted(set(_all_tags()) - now)
        await self._call("DELETE", f"tickets/{ticket}/tags.json", _Tags(tags=stale))
        await self._call("PUT", f"tickets/{ticket}/tags.json", _Tags(tags=sorted(now)))

    async def _call(self, method: str, path: str, body: _Update | _Tags | None = None) -> bytes:
        token = self._settings.token
        login = f"{self._settings.user or ''}/token:{token.get_secret_value() if token else ''}"
        authorization = f"Basic {b64encode(login.encode()).decode()}"
        async with (
            told_apart(self.name),
            self._session.request(
                method,
                f"{(self._settings.url or '').rstrip('/')}/api/v2/{path}",
                data=None if body is None else msgspec.json.encode(body),
                headers={"Content-Type": "application/json", "Authorization": authorization},
                timeout=aiohttp.ClientTimeout(total=self._settings.timeout_seconds, connect=5.0),
                allow_redirects=False,
            ) as response,
        ):
            failure = failure_of(self.name, response.status, response.headers)
            if failure is not None:
                raise failure
            return await response.read()


@asynccontextmanager
async def open_zendesk(settings: ZendeskSettings) -> AsyncIterator[ZendeskChannel | None]:
    """Give the channel, None where none is configured."""
    if not settings.url:
        yield None
        return
    async with aiohttp.ClientSession(middlewares=(_once,)) as session:
        yield ZendeskChannel(settings, session)


async def _once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep the client from repeating a PUT by itself when the connection is lost: a comment would come twice."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise UnknownOutcomeError(f"zendesk did not answer ({type(error).__name__})") from error


def tags_of(about: Subject) -> Iterable[str]:
    """Return the tags that say severity, type and time of the escalation."""
    yield "escalon"
    if about.severity is not None:
        yield f"escalon_{about.severity.value.lower()}"
    if about.type is not None:
        yield f"escalon_{about.type.value}"
    if about.started_at is not None:
        yield f"escalon_at_{about.started_at.astimezone(UTC):%Y%m%dt%H%M%Sz}"


def _all_tags() -> Iterable[str]:
    yield from (f"escalon_{severity.value.lower()}" for severity in Severity)
    yield from (f"escalon_{kind.value}" for kind in IssueType)


def _ticket_id(letter: Letter) -> str:
    ticket = letter.address.target.partition("/")[2]
    if not _TICKET_ID.fullmatch(ticket):
        raise UndeliverableError("this is no ticket of Zendesk", FailureReason.BAD_RECIPIENT)
    return ticket


def _read(answer: bytes, kind: type[AnswerT]) -> AnswerT:
    try:
        return msgspec.json.decode(answer, type=kind)
    except msgspec.MsgspecError as error:
        raise UnknownOutcomeError("zendesk answered something we do not understand") from error


def _id_of(audit: _Audit | None) -> str | None:
    return None if audit is None else str(audit.id)


def _path_of(next_page: str | None) -> str | None:
    """Return the rest of a next page's address; its host is not trusted with our credentials."""
    return next_page.partition("/api/v2/")[2] or None if next_page else None
