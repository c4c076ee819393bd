"""A signed POST to a program of yours, by the rules of https://www.standardwebhooks.com.

A repetition has the same `webhook-id`, by which the receiver knows it.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
from typing import TYPE_CHECKING, Annotated, ClassVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, WithJsonSchema

from bot.catalog.values import SecretRef, page_url
from bot.paging.contact import Contact, ContactOptions, ContactSetup, Notice, Recipient, Secrets, Sent

if TYPE_CHECKING:
    import httpx

PREFIX = "whsec_"
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")


def _address(value: str) -> str:
    page_url(value)  # https, or this machine; no password in it
    return value


Address = Annotated[
    str, AfterValidator(_address), WithJsonSchema({"type": "string", "format": "uri", "pattern": "^https?://"})
]


class WebhookOptions(ContactOptions):
    """A program that is told."""

    url: Address = Field(alias="webhook")
    """Where to POST to: https, or plain http on this machine. Redirects are not followed."""
    secret: SecretRef
    """Name of the environment variable that holds the signing secret, `whsec_…` (base64), or any other text."""


class Webhook(Contact[WebhookOptions, ContactSetup], kind="webhook"):
    """A POST; 2xx is delivered, other 4xx than 408, 425 and 429 are permanent."""

    Options: ClassVar = WebhookOptions
    repeatable = True

    async def send(
        self,
        notice: Notice,
        options: WebhookOptions,
        setup: ContactSetup,
        secrets: Secrets,
        web: "httpx.AsyncClient",
    ) -> Sent:
        key = secret_key(secrets.read(options.secret))
        body = payload(notice)
        moment = round(notice.sent_at.timestamp())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": notice.message_id,
            "webhook-timestamp": str(moment),
            "webhook-signature": sign(key, notice.message_id, moment, body),
        }
        await self.post(web, options.url, name=_host(options.url), content=body, headers=headers)
        return Sent(notice.message_id, f"{_host(options.url)} took it")

    def shown(self, options: WebhookOptions, recipient: Recipient) -> str:
        return _host(options.url)

    def missing(self, options: WebhookOptions, setup: ContactSetup, secrets: Secrets) -> list[str]:
        return [] if secrets.has(options.secret) else [options.secret]


def payload(notice: Notice) -> bytes:
    """`type`, `timestamp` and `data`, as Standard Webhooks has them."""
    data = {
        "incident": notice.incident or None,
        "page": notice.page,
        "title": notice.title,
        "text": notice.text,
        "severity": notice.severity,
        "system": notice.system,
        "person": notice.to.person,
        "why": notice.why,
        "since": notice.since.isoformat(),
        "dedupe_key": notice.dedup_key,
        "acknowledge_url": notice.ack_url,
        "thread_url": notice.thread_url,
    }
    kind = "page.test" if notice.test else "page"
    body = {"type": kind, "timestamp": notice.sent_at.isoformat(), "data": data}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def secret_key(secret: str) -> bytes:
    """The key in a secret: what stands in base64 behind `whsec_`, else the text itself."""
    told = secret.removeprefix(PREFIX)
    if told != secret and _BASE64.fullmatch(told):
        try:
            return base64.b64decode(told, validate=True)
        except binascii.Error:
            pass
    return secret.encode()


def sign(key: bytes, message_id: str, moment: int, body: bytes) -> str:
    """`webhook-signature` of one key; `moment` in seconds since 1970."""
    told = f"{message_id}.{moment}.".encode() + body
    return f"v1,{base64.b64encode(hmac.new(key, told, hashlib.sha256).digest()).decode()}"


def _host(url: str) -> str:
    """Where it goes, without a path that may be a secret."""
    return urlsplit(url).hostname or "the webhook"
