"""E-mail over SMTP: plain text, with a Message-ID that is the same in every attempt."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.errors import MessageError
from email.headerregistry import Address as MailAddress
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, Literal

import aiosmtplib
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis.clock import REAL_TIME
from schemas.ids import derived_id
from services.notifier.domain.notice import Address, FailureReason, Transport
from services.notifier.domain.outcomes import Receipt
from services.notifier.ports import DeliveryError, Letter, TryLaterError, UndeliverableError, UnknownOutcomeError


class SmtpSettings(BaseSettings):
    """How mail leaves; without a host none does."""

    model_config = SettingsConfigDict(env_prefix="ESCALON_SMTP_", frozen=True)

    host: str | None = Field(None, description="Mail server; no mail is sent while unset.")
    port: int = Field(587, ge=1, le=65535, description="Port of the mail server.")
    security: Literal["starttls", "tls", "none"] = Field("starttls", description="How the connection is secured.")
    username: str | None = Field(None, description="User name, if the mail server asks for one.")
    password: SecretStr | None = Field(None, description="Password, if the mail server asks for one.")
    sender: str = Field("Support <support@localhost.invalid>", description="From: of all mails, `Name <address>`.")
    reply_to: str | None = Field(None, description="Reply-To: where answers reach the helpdesk.")
    timeout_seconds: float = Field(20.0, gt=0, description="How long the mail server may take for an answer.")


class SmtpChannel:
    """Sends a mail to one recipient. SMTP cannot be asked what it took: `find` never knows."""

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings
        self._domain = settings.sender.rstrip(">").rpartition("@")[2]

    @property
    def name(self) -> str:
        """Return what outcomes call it."""
        return "email"

    def serves(self, address: Address) -> bool:
        """Tell whether it is a mail address."""
        return address.transport is Transport.EMAIL

    async def send(self, letter: Letter) -> Receipt:
        """Hand the mail to the server."""
        mail = self._mail(letter)
        client = self._client()
        try:
            async with client:
                await client.send_message(mail)
        except aiosmtplib.SMTPException as error:
            raise failure_of(error, given=client.given) from error
        except OSError as error:
            raise _unanswered(error, given=client.given) from error
        return Receipt(via=self.name, external_id=str(mail["Message-ID"]))

    async def find(self, letter: Letter) -> Receipt | None:
        """Return None: a repeat has the same Message-ID, by which mail programs show it once."""
        del letter
        return None

    def _client(self) -> "_Client":
        settings, password = self._settings, self._settings.password
        return _Client(
            hostname=settings.host,
            port=settings.port,
            username=settings.username,
            password=None if password is None else password.get_secret_value(),
            use_tls=settings.security == "tls",
            start_tls=settings.security == "starttls",
            timeout=settings.timeout_seconds,
        )

    def _mail(self, letter: Letter) -> EmailMessage:
        notice = letter.notice
        mail = EmailMessage()
        try:
            mail["To"] = MailAddress(display_name="", addr_spec=letter.address.target)
        except (ValueError, IndexError, MessageError) as error:
            # All three are what the standard library raises for one or another kind of nonsense.
            raise UndeliverableError("this is no mail address", FailureReason.BAD_RECIPIENT) from error
        mail["From"] = self._settings.sender
        if self._settings.reply_to:
            mail["Reply-To"] = self._settings.reply_to
        mail["Subject"] = notice.words.subject
        mail["Date"] = format_datetime(REAL_TIME.now())
        mail["Message-ID"] = f"<{derived_id(letter.key)}@{self._domain}>"
        # One thread for each escalation in the reader's mail program.
        mail["References"] = f"<{derived_id('thread', notice.about.ticket)}@{self._domain}>"
        # RFC 3834: vacation responders must not answer it.
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Escalon-Notice"] = str(notice.id)
        mail.set_content(notice.words.body + "\n")
        return mail


@asynccontextmanager
async def open_smtp(settings: SmtpSettings) -> AsyncIterator[SmtpChannel | None]:
    """Give the channel, None where no server is configured; each mail has a connection of its own."""
    yield SmtpChannel(settings) if settings.host else None


class _Client(aiosmtplib.SMTP):
    """Knows whether the mail was given to the server: before that, silence means that it has nothing."""

    given = False

    async def data(self, message: str | bytes, /, **options: Any) -> aiosmtplib.SMTPResponse:
        """Give the mail."""
        self.given = True
        return await super().data(message, **options)


def failure_of(error: aiosmtplib.SMTPException, *, given: bool) -> DeliveryError:
    """Return what the server's answer means (RFC 5321: 4yz may heal, 5yz will not); `given`: it has the mail."""
    if isinstance(error, aiosmtplib.SMTPConnectError | aiosmtplib.SMTPConnectTimeoutError):
        return TryLaterError(f"the mail server cannot be reached ({type(error).__name__})")
    if isinstance(error, aiosmtplib.SMTPServerDisconnected | aiosmtplib.SMTPTimeoutError):
        return _unanswered(error, given=given)
    code = _code_of(error)
    said = f"the mail server answered {code}"
    if isinstance(error, aiosmtplib.SMTPAuthenticationError | aiosmtplib.SMTPNotSupported):
        return TryLaterError(said, reason=FailureReason.CREDENTIALS)
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused) and code >= 500:
        return UndeliverableError(said, FailureReason.BAD_RECIPIENT)
    return TryLaterError(said) if code < 500 else UndeliverableError(said, FailureReason.REFUSED)


def _unanswered(error: Exception, *, given: bool) -> DeliveryError:
    said = f"the mail server did not answer ({type(error).__name__})"
    return UnknownOutcomeError(said) if given else TryLaterError(said)


def _code_of(error: aiosmtplib.SMTPException) -> int:
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return max(refused.code for refused in error.recipients)
    return error.code if isinstance(error, aiosmtplib.SMTPResponseException) else 0
