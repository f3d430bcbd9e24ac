"""A mail server: takes what it is sent, asks for a password, refuses when it is told to."""

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "escalon", "smtp-the-right-one"


class LocalMailServer:
    """Keeps the mails it took; `refusals` are answers to the next recipients, `answers` to the next mails."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refusals: list[str] = []
        self.answers: list[str] = []
        self.hang_after_mail = False
        self.port = 0
        self._server: asyncio.Server | None = None
        self._released = asyncio.Event()

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take a recipient or refuse it."""
        if self.refusals:
            return self.refusals.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take a mail."""
        if self.answers:
            return self.answers.pop(0)
        content = envelope.content
        assert isinstance(content, bytes)
        mail = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        if self.hang_after_mail:
            await self._released.wait()
        return "250 OK"

    async def start(self) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._session, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """End, whatever hangs."""
        self._released.set()
        if self._server is not None:
            self._server.close()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._server.wait_closed(), 1.0)

    def _session(self) -> SMTP:
        return SMTP(
            self,
            hostname="mail.local",
            auth_required=True,
            auth_require_tls=False,
            authenticator=_authenticate,
            enable_SMTPUTF8=True,
        )


def _authenticate(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: object) -> AuthResult:
    right = isinstance(given, LoginPassword) and given == LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=bool(right))


@asynccontextmanager
async def a_mail_server() -> AsyncIterator[LocalMailServer]:
    """Give a mail server until the end of the block."""
    server = LocalMailServer()
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
