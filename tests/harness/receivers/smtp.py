"""A mail server: takes what it is sent, asks for a password, refuses when it is told to."""

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.harness.receivers.faults import Fault, Faults, Journal, reset
from tests.harness.receivers.program import run_receiver
from tests.harness.waiting import hold

USER, PASSWORD = "escalon", "smtp-the-right-one"


class LocalMailServer:
    """Keeps the mails it took; `refusals` are answers to the next recipients, `answers` to the next mails.

    Its faults are of the calls `auth`, `rcpt` and `data`; their body is what it answers.
    """

    def __init__(self, *, faults: Faults | None = None, journal: Journal | None = None) -> None:
        self.faults = faults or Faults()
        self._journal = journal or Journal()
        self.mails: list[EmailMessage] = []
        self.refusals: list[str] = []
        self.answers: list[str] = []
        self.hang_after_mail = False
        self.port = 0
        self._server: asyncio.Server | None = None
        self._released = asyncio.Event()

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take a recipient or refuse it."""
        fault = self.faults.next("rcpt", address)
        if fault is not None:
            return await self._answer(fault, "rcpt", server, key=None, to=address)
        if self.refusals:
            return self.refusals.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take a mail."""
        if self.answers:
            return self.answers.pop(0)
        content = envelope.content
        assert isinstance(content, bytes)
        mail = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        fault = self.faults.next("data", mail["To"])
        if fault is None or fault.works:
            self.mails.append(mail)
        if fault is not None:
            return await self._answer(fault, "data", server, key=mail["Message-ID"], to=mail["To"])
        self._journal.note("data", "250", taken=True, key=mail["Message-ID"], to=mail["To"])
        if self.hang_after_mail:
            await self._released.wait()
        return "250 OK"

    async def _answer(self, fault: Fault, call: str, server: SMTP, *, key: str | None, to: str) -> str:
        answered = fault.body[:3] or fault.word
        self._journal.note(call, answered, taken=fault.works and call == "data", key=key, to=to)
        if fault.hang:
            await self._released.wait()
        if fault.reset:
            reset(server.transport)
        if fault.slow_seconds:
            await hold(fault.slow_seconds)
            return "250 OK"
        return fault.body

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: object
    ) -> AuthResult:
        fault = self.faults.next("auth")
        if fault is not None:
            self._journal.note("auth", "535", taken=False, key=None, to=None)
            return AuthResult(success=False, handled=False)
        right = isinstance(given, LoginPassword) and given == LoginPassword(USER.encode(), PASSWORD.encode())
        return AuthResult(success=right, handled=bool(right))

    async def start(self, port: int = 0) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._session, "127.0.0.1", port)
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
            authenticator=self._authenticate,
            enable_SMTPUTF8=True,
        )


@asynccontextmanager
async def a_mail_server() -> AsyncIterator[LocalMailServer]:
    """Give a mail server until the end of the block."""
    server = LocalMailServer()
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


if __name__ == "__main__":
    run_receiver(lambda faults, journal: LocalMailServer(faults=faults, journal=journal))
