"""A mail server on this machine that keeps what it is sent; it refuses, cuts off or hangs on demand."""

import asyncio
import ssl
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from enum import StrEnum
from types import TracebackType
from typing import Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class MailFault(StrEnum):
    """How the mail server misbehaves."""

    HANG = "hang"
    """It never answers what it was sent."""
    CUT = "cut"
    """It keeps the mail, and cuts the connection instead of saying so."""
    MUTE = "mute"
    """It keeps the mail, and never says so."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail that came."""

    sender: str
    to: tuple[str, ...]
    message: EmailMessage = field(repr=False)

    def text(self, kind: str = "plain") -> str:
        """The body of this kind, `plain` or `html`."""
        part = self.message.get_body(preferencelist=(kind,))
        return str(part.get_content()) if part is not None else ""


class MailSink:
    """An SMTP server on a free port, from `start` to `stop`.

    With `tls` it offers STARTTLS and takes no mail without; with `login` (user, password) it takes none without that.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None, login: tuple[str, str] | None = None) -> None:
        self._tls, self._login = tls, login
        self.mails: list[Mail] = []
        self.refusal: str | None = None
        """What it says to every recipient, for example `550 5.1.1 no such user`."""
        self.fault: MailFault | None = None
        self.asked = 0
        """How many mails were sent to it, kept or not."""
        self._came = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._open: set[_Conversation] = set()

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Conversation(self), "127.0.0.1", 0)

    async def stop(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for each in list(self._open):
            if each.transport is not None:
                each.transport.close()
        await self._server.wait_closed()
        await asyncio.sleep(0)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def wait_for(self, count: int = 1, *, within: float = 10.0) -> list[Mail]:
        """The mails, once there are so many; raises TimeoutError."""
        async with asyncio.timeout(within):
            while len(self.mails) < count:
                self._came.clear()
                await self._came.wait()
        return self.mails

    # What aiosmtpd calls.

    async def handle_RCPT(  # noqa: N802 - its name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.refusal is not None:
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - its name
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        self.asked += 1
        if self.fault is MailFault.HANG:
            await asyncio.Event().wait()
        content = envelope.original_content or b""
        message = message_from_bytes(content, policy=policy.default)
        self.mails.append(Mail(envelope.mail_from or "", tuple(envelope.rcpt_tos), message))
        self._came.set()
        if self.fault is MailFault.MUTE:
            await asyncio.Event().wait()
        if self.fault is MailFault.CUT:
            assert server.transport is not None
            server.transport.close()
        return f"250 OK: kept as {len(self.mails)}"


class _Conversation(SMTP):
    """One connection, of which the sink knows so that it can end it."""

    def __init__(self, sink: MailSink) -> None:
        super().__init__(
            sink,
            hostname="mail.badday.local",
            enable_SMTPUTF8=True,
            tls_context=sink._tls,
            require_starttls=sink._tls is not None,
            auth_required=sink._login is not None,
            authenticator=self._look_at_login,
        )
        self._sink = sink

    def _look_at_login(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: object
    ) -> AuthResult:
        assert isinstance(given, LoginPassword)
        is_right = (given.login.decode(), given.password.decode()) == self._sink._login
        return AuthResult(success=is_right, handled=False)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._sink._open.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._sink._open.discard(self)
        super().connection_lost(error)
