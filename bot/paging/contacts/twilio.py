"""A phone call by Twilio: it reads the page aloud, 1 acknowledges, 2 hands it to whoever comes next.

https://www.twilio.com/docs/voice/api/call-resource, https://www.twilio.com/docs/voice/twiml/gather and
https://www.twilio.com/docs/usage/security. That Twilio took the call says nothing yet: what became of it comes by the
status callback. A mailbox answers as well, so only a key that was pressed proves that a person heard it.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, ClassVar
from xml.sax.saxutils import escape, quoteattr

from pydantic import AfterValidator, Field, WithJsonSchema

from bot.catalog.strict import Span
from bot.catalog.values import PageUrl, SecretRef, shown, wrong
from bot.paging.contact import Contact, ContactOptions, ContactSetup, Notice, Recipient, Secrets, Sent

if TYPE_CHECKING:
    import httpx

ACKNOWLEDGE, HAND_ON = "1", "2"
SPEECH = timedelta(seconds=90)
"""Longer than the text is read twice, with the time to press a key."""
LONGEST_TEXT = 400
_NUMBER = re.compile(r"\+[1-9]\d{6,14}")
_ACCOUNT = re.compile(r"AC[0-9a-fA-F]{32}")
_UNSPEAKABLE = re.compile(r"[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold."""
_SIGNS = str.maketrans("<>_*`|~", "       ")
_NOT_ANSWERED = {
    "busy": "the line was busy",
    "no-answer": "nobody picked up",
    "failed": "the call could not be connected",
    "canceled": "the call was cancelled",
}


def _number(value: str) -> str:
    plain = re.sub(r"[ ()./-]", "", value)
    if not _NUMBER.fullmatch(plain):
        raise wrong(f"{shown(value)} is not a phone number", "write it with its country, in quotes: '+34600000000'")
    return plain


def _account(value: str) -> str:
    if not _ACCOUNT.fullmatch(value):
        raise wrong(f"{shown(value)} is not an account SID", "copy the Account SID (AC…) from Twilio's console")
    return value


Number = Annotated[
    str, AfterValidator(_number), WithJsonSchema({"type": "string", "examples": ["+34600000000"], "pattern": r"^\+"})
]
Account = Annotated[
    str, AfterValidator(_account), WithJsonSchema({"type": "string", "pattern": f"^{_ACCOUNT.pattern}$"})
]


class TwilioOptions(ContactOptions):
    """A phone."""

    number: Number = Field(alias="twilio")
    """With its country, in quotes: `'+34600000000'`."""


class TwilioSetup(ContactSetup):
    """The account that calls."""

    account: Account
    """Account SID (AC…)."""
    token: SecretRef
    """Name of the environment variable that holds the account's Auth Token, which signs Twilio's answers as well."""
    caller: Number = Field(alias="from")
    """A number of the account."""
    ring: Span = Field(default=timedelta(seconds=25), json_schema_extra={"default": "25s"})
    """How long it rings; most mailboxes pick up after 25 to 30 seconds."""
    url: PageUrl = "https://api.twilio.com"
    """Twilio's address, for example `https://api.dublin.ie1.twilio.com`."""


class Twilio(Contact[TwilioOptions, TwilioSetup], kind="twilio"):
    """A call. Twilio knows no key by which a second one would be dropped, so it is never repeated by itself."""

    Options: ClassVar = TwilioOptions
    Setup: ClassVar = TwilioSetup
    repeatable = False

    async def send(
        self,
        notice: Notice,
        options: TwilioOptions,
        setup: TwilioSetup,
        secrets: Secrets,
        web: "httpx.AsyncClient",
    ) -> Sent:
        assert notice.reply_url is not None
        answer = await self.post(
            web,
            f"{setup.url}/2010-04-01/Accounts/{setup.account}/Calls.json",
            name="Twilio",
            auth=(setup.account, secrets.read(setup.token)),
            data={
                "To": options.number,
                "From": setup.caller,
                "Twiml": spoken(notice),
                "Timeout": str(round(setup.ring.total_seconds())),
                "StatusCallback": notice.reply_url,
                "StatusCallbackMethod": "POST",
            },
        )
        return Sent(_sid(answer), "Twilio is calling", heard_within=setup.ring + SPEECH)

    def shown(self, options: TwilioOptions, recipient: Recipient) -> str:
        return f"{options.number[:3]}…{options.number[-2:]}"

    def missing(self, options: TwilioOptions, setup: TwilioSetup, secrets: Secrets) -> list[str]:
        return [] if secrets.has(setup.token) else [setup.token]


def _sid(answer: "httpx.Response") -> str | None:
    try:
        sid = answer.json()["sid"]
    except (ValueError, KeyError, TypeError):
        return None
    return sid if isinstance(sid, str) else None


def spoken(notice: Notice) -> str:
    """What is read aloud, twice, as TwiML (at most 4,000 characters)."""
    assert notice.reply_url is not None
    if notice.test:
        words = f"Hello {notice.to.name}. This is a test call from Badday. Nothing is wrong. Press 1 to confirm."
    else:
        level = {"sev1": "severity one", "sev2": "severity two"}.get(notice.severity, "low severity")
        matter = f"{notice.title}. {notice.text}" if notice.text else notice.title
        words = (
            f"Hello {notice.to.name}. Badday pages you, {notice.why}. {level}, incident {notice.incident}, "
            f"{notice.system}: {_speakable(matter)[:LONGEST_TEXT]}. "
            "Press 1 to acknowledge. Press 2 if you cannot take it."
        )
    gather = (
        f'<Gather input="dtmf" numDigits="1" timeout="6" method="POST" action={quoteattr(notice.reply_url)}>'
        f'<Pause length="1"/><Say>{escape(_speakable(words))}</Say></Gather>'
    )
    return f"<Response>{gather}{gather}<Say>No key was pressed. Goodbye.</Say></Response>"


def reply(words: str) -> str:
    """The answer to a pressed key: it is said, and the call ends."""
    return f'<?xml version="1.0" encoding="UTF-8"?><Response><Say>{escape(_speakable(words))}</Say><Hangup/></Response>'


def _speakable(words: str) -> str:
    """The words without what nobody can say; each character stays one, so that the whole stays short."""
    return " ".join(_UNSPEAKABLE.sub(" ", words).replace("&", "+").translate(_SIGNS).split())


@dataclass(frozen=True, slots=True)
class CallEnd:
    """What became of a call without a key: `failed`, or `unknown` where something answered."""

    outcome: str
    detail: str


def ended_as(status: str, answered_by: str = "") -> CallEnd | None:
    """What a status callback says; None while the call is under way."""
    if status in _NOT_ANSWERED:
        return CallEnd("failed", _NOT_ANSWERED[status])
    if status != "completed":
        return None
    if answered_by.startswith(("machine", "fax")):
        return CallEnd("failed", "a machine answered")
    return CallEnd("unknown", "it was answered, but no key was pressed; perhaps by a mailbox")


def signature(token: str, url: str, parameters: Iterable[tuple[str, str]]) -> str:
    """`X-Twilio-Signature`: HMAC-SHA1 over the URL and the form's fields by name, each with its value behind it."""
    told = url + "".join(f"{name}{value}" for name, value in sorted(set(parameters)))
    return base64.b64encode(hmac.new(token.encode(), told.encode(), hashlib.sha1).digest()).decode()
