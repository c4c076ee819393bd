"""E-mail over SMTP, as plain text with a simple HTML body beside it.

The Message-ID belongs to the try, so that a repeated one is the same mail to whoever keeps them apart by it; all mails
of an incident answer the same (never sent) mail, so that mail programs show them as one conversation. What a mail
server refuses with 5xx (RFC 5321 §4.2.1) is permanent, 4xx passes.
"""

import re
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field, model_validator

from bot.catalog.values import Email, SecretRef, Text, wrong
from bot.loopback import is_loopback
from bot.paging.contact import Contact, ContactError, ContactOptions, ContactSetup, Notice, Recipient, Secrets, Sent

if TYPE_CHECKING:
    import httpx
    from jinja2 import Template

WITHIN = 9.0
"""Seconds for the whole conversation with the mail server."""
LONGEST_SUBJECT = 150
_ADDRESS = re.compile(r"[^\s<>@]+@[^\s<>@]+")
_IMPORTANCE = {"sev1": ("high", "1"), "sev2": ("high", "2")}


class Security(StrEnum):
    """How the connection to the mail server is protected."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


_PORTS = {Security.STARTTLS: 587, Security.TLS: 465, Security.NONE: 25}


class EmailOptions(ContactOptions):
    """A mailbox that is read."""

    address: Email | None = Field(default=None, alias="email")
    """Where to send it; left out: the person's own e-mail address."""


class EmailSetup(ContactSetup):
    """The mail server."""

    host: Text
    """Name of the mail server."""
    port: int | None = Field(default=None, ge=1, le=65_535, strict=True)
    """Left out: 587 with `starttls`, 465 with `tls`, 25 with `none`."""
    security: Security = Security.STARTTLS
    """`starttls`, `tls`, or `none`, which is only for a server on this machine."""
    username: Text | None = None
    """Left out: no login."""
    password: SecretRef | None = None
    """Name of the environment variable that holds the password."""
    sender: Email = Field(alias="from")
    """The address that mails come from."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.security is Security.NONE and not is_loopback(self.host):
            raise wrong("would send mails in the open", "write `security: starttls` or `security: tls`")
        if (self.username is None) != (self.password is None):
            raise wrong("has only one of `username` and `password`", "add the other one, or remove it")
        return self


class EmailContact(Contact[EmailOptions, EmailSetup], kind="email"):
    """A mail to one person."""

    Options: ClassVar = EmailOptions
    Setup: ClassVar = EmailSetup
    repeatable = True

    async def send(
        self,
        notice: Notice,
        options: EmailOptions,
        setup: EmailSetup,
        secrets: Secrets,
        web: "httpx.AsyncClient",
    ) -> Sent:
        import aiosmtplib
        from aiosmtplib import errors

        mail = compose(notice, options.address or notice.to.email, setup.sender)
        try:
            _, answer = await aiosmtplib.send(
                mail,
                sender=setup.sender,
                hostname=setup.host,
                port=setup.port or _PORTS[setup.security],
                username=setup.username,
                password=secrets.read(setup.password) if setup.password is not None else None,
                use_tls=setup.security is Security.TLS,
                start_tls=setup.security is Security.STARTTLS,
                timeout=WITHIN,
            )
        except errors.SMTPRecipientsRefused as refused:
            first = refused.recipients[0]
            raise _refused(first.code, first.message) from None
        except errors.SMTPResponseException as refused:
            raise _refused(refused.code, refused.message) from None
        except errors.SMTPNotSupported as error:
            raise ContactError("the mail server cannot do what `security` asks for", permanent=True) from error
        except (errors.SMTPConnectError, ssl.SSLError) as error:
            raise ContactError(f"the mail server cannot be reached ({type(error).__name__})") from error
        except (errors.SMTPException, OSError) as error:
            if type(error) is errors.SMTPException:  # the library's word for what a server does not offer
                raise ContactError(f"the mail server cannot be used: {_clean(str(error))}", permanent=True) from error
            raise ContactError(f"the mail server did not answer ({type(error).__name__})", uncertain=True) from error
        return Sent(str(mail["Message-ID"]), f"the mail server took it: {_clean(answer)}")

    def shown(self, options: EmailOptions, recipient: Recipient) -> str:
        return masked(options.address or recipient.email)

    def missing(self, options: EmailOptions, setup: EmailSetup, secrets: Secrets) -> list[str]:
        return [setup.password] if setup.password is not None and not secrets.has(setup.password) else []


def compose(notice: Notice, to: str, sender: str) -> EmailMessage:
    """The whole mail."""
    domain = sender.rpartition("@")[2]
    subject = _one_line(f"[{'Badday' if notice.test else f'#{notice.incident}'}] {notice.heading}")
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address("Badday", addr_spec=sender)
    mail["To"] = Address(_one_line(notice.to.name), addr_spec=to)
    mail["Subject"] = subject if len(subject) <= LONGEST_SUBJECT else f"{subject[: LONGEST_SUBJECT - 1]}…"
    mail["Date"] = format_datetime(notice.sent_at)
    mail["Message-ID"] = f"<{notice.message_id}@{domain}>"
    mail["In-Reply-To"] = mail["References"] = f"<{notice.dedup_key}@{domain}>"
    # RFC 3834: no out-of-office notes come back.
    mail["Auto-Submitted"] = "auto-generated"
    importance, priority = _IMPORTANCE.get(notice.severity, ("normal", "3"))
    mail["Importance"], mail["X-Priority"] = importance, priority
    words: dict[str, Any] = {"notice": notice, "since": f"{notice.since:%Y-%m-%d %H:%M} UTC"}
    mail.set_content(_template("email.txt.j2").render(words))
    mail.add_alternative(_template("email.html.j2").render(words), subtype="html")
    return mail


def masked(address: str) -> str:
    """`maria@example.com` as `m…a@example.com`."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}…{name[-1:] if len(name) > 2 else ''}@{domain}"


def _one_line(text: str) -> str:
    """As a header may hold it: a line break in it would begin another header."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


@cache
def _template(name: str) -> "Template":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("bot.paging.contacts", ""),
        autoescape=name.endswith(".html.j2"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


def _refused(code: int, message: str) -> ContactError:
    # 421 ends the service; 535 is a wrong password: both say themselves by their first digit whether it will pass.
    return ContactError(f"the mail server refused it: {code} {_clean(message)}".rstrip(), permanent=code >= 500)


def _clean(message: str) -> str:
    """What a server said, in one short line without anybody's address."""
    return _ADDRESS.sub("(address)", " ".join(message.split()))[:150]
