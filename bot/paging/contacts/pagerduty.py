"""PagerDuty's Events API v2: trigger, acknowledge and resolve by one stable key; and the signature of its webhooks.

https://developer.pagerduty.com/docs/events-api-v2 and https://developer.pagerduty.com/docs/webhooks-overview.
"""

import hashlib
import hmac
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from bot.catalog.values import PageUrl, SecretRef
from bot.paging.contact import Contact, ContactOptions, ContactSetup, Ended, Notice, Recipient, Secrets, Sent

if TYPE_CHECKING:
    import httpx

LONGEST_SUMMARY = 1024
SEVERITY = {"sev1": "critical", "sev2": "error", "sev3": "warning"}
ACTION = {Ended.ACKNOWLEDGED: "acknowledge", Ended.RESOLVED: "resolve"}


class PagerDutyOptions(ContactOptions):
    """A service in PagerDuty that pages the person."""

    routing_key: SecretRef = Field(alias="pagerduty")
    """Name of the environment variable that holds the integration key (Events API v2) of a service."""


class PagerDutySetup(ContactSetup):
    """PagerDuty's address, and the secret of its webhook."""

    url: PageUrl = "https://events.pagerduty.com"
    """`https://events.eu.pagerduty.com` for an account in the EU service region."""
    webhook_secret: SecretRef | None = None
    """Name of the environment variable that holds the secret of the webhook subscription (v3) which sends to
    `/hooks/pagerduty`; without it nobody can acknowledge in PagerDuty for Badday."""


class PagerDuty(Contact[PagerDutyOptions, PagerDutySetup], kind="pagerduty"):
    """An alert of a service. Everybody whose key is the same service's shares one alert an incident."""

    Options: ClassVar = PagerDutyOptions
    Setup: ClassVar = PagerDutySetup
    repeatable = True
    tells_end = True

    async def send(
        self,
        notice: Notice,
        options: PagerDutyOptions,
        setup: PagerDutySetup,
        secrets: Secrets,
        web: "httpx.AsyncClient",
    ) -> Sent:
        event = trigger(notice) | {"routing_key": secrets.read(options.routing_key)}
        await self.post(web, f"{setup.url}/v2/enqueue", name="PagerDuty", json=event)
        return Sent(notice.dedup_key, "PagerDuty took it")

    async def ended(
        self,
        external_id: str,
        what: Ended,
        options: PagerDutyOptions,
        setup: PagerDutySetup,
        secrets: Secrets,
        web: "httpx.AsyncClient",
    ) -> None:
        event = {
            "routing_key": secrets.read(options.routing_key),
            "event_action": ACTION[what],
            "dedup_key": external_id,
        }
        await self.post(web, f"{setup.url}/v2/enqueue", name="PagerDuty", json=event)

    def shown(self, options: PagerDutyOptions, recipient: Recipient) -> str:
        return f"the service of {options.routing_key}"

    def missing(self, options: PagerDutyOptions, setup: PagerDutySetup, secrets: Secrets) -> list[str]:
        wanted = [options.routing_key, *([setup.webhook_secret] if setup.webhook_secret is not None else [])]
        return [name for name in wanted if not secrets.has(name)]


def trigger(notice: Notice) -> dict[str, Any]:
    """The event, without its routing key."""
    links = [
        {"href": url, "text": text}
        for url, text in ((notice.thread_url, "Thread in Slack"), (notice.ack_url, "Acknowledge in Badday"))
        if url is not None
    ]
    details = {"incident": notice.incident, "why": notice.why, "for": notice.to.name, "known": notice.text}
    return {
        "event_action": "trigger",
        "dedup_key": notice.dedup_key,
        "payload": {
            "summary": notice.heading[:LONGEST_SUMMARY],
            "source": notice.system,
            "severity": "info" if notice.test else SEVERITY.get(notice.severity, "error"),
            "timestamp": notice.since.isoformat(),
            "component": notice.system,
            "group": "badday",
            "custom_details": {name: value for name, value in details.items() if value},
        },
        "links": links,
        "client": "Badday",
    }


def is_signed(body: bytes, header: str, secret: str) -> bool:
    """Whether `X-PagerDuty-Signature` holds ours; while a secret is renewed it holds several."""
    ours = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    offered = [each.strip().removeprefix("v1=") for each in header.split(",") if each.strip().startswith("v1=")]
    return any(hmac.compare_digest(each.encode("utf-8", "replace"), ours.encode()) for each in offered)
