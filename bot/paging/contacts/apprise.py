"""Everything else (SMS, ntfy, Telegram, Teams, Pushover…) through the apprise library: https://appriseit.com/services/.

The library tells neither ids nor whether a message that was cut off has arrived, so nothing is repeated by itself when
that is not known.
"""

import asyncio
import re
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from bot.catalog.values import SecretRef
from bot.paging.contact import Contact, ContactError, ContactOptions, ContactSetup, Notice, Recipient, Secrets, Sent

if TYPE_CHECKING:
    import httpx
    from apprise import NotifyBase

WITHIN = 9.0
"""Seconds; the library's own time-outs are shorter for each of its requests."""
_STATUS = re.compile(r"\berror=(\d{3})\b|\bHTTP (\d{3})\b")
_HOPELESS = frozenset({400, 401, 403, 404, 410})


class AppriseOptions(ContactOptions):
    """A service that apprise knows."""

    target: SecretRef = Field(alias="apprise")
    """Name of the environment variable that holds the service's apprise URL, for example `ntfys://topic`."""


class AppriseContact(Contact[AppriseOptions, ContactSetup], kind="apprise"):
    """One message to one apprise URL, sent in a thread, for the library blocks."""

    Options: ClassVar = AppriseOptions
    repeatable = False

    async def send(
        self,
        notice: Notice,
        options: AppriseOptions,
        setup: ContactSetup,
        secrets: Secrets,
        web: "httpx.AsyncClient",
    ) -> Sent:
        url = secrets.read(options.target)
        return await asyncio.to_thread(_deliver, options.target, url, notice)

    def shown(self, options: AppriseOptions, recipient: Recipient) -> str:
        return f"the service of {options.target}"

    def missing(self, options: AppriseOptions, setup: ContactSetup, secrets: Secrets) -> list[str]:
        return [] if secrets.has(options.target) else [options.target]


def _deliver(name: str, url: str, notice: Notice) -> Sent:
    # A sixth of a second to import; most teams never need it.
    from apprise import Apprise, NotifyFormat, NotifyType

    service = _service(Apprise.instantiate(url), url, notice)
    if service is None:
        raise ContactError(f"{name} is not an apprise URL; see https://appriseit.com/services/", permanent=True)
    kind = {"sev1": NotifyType.FAILURE, "sev2": NotifyType.WARNING}.get(notice.severity, NotifyType.INFO)
    desk = Apprise()
    desk.add(service)
    result = desk.notify(
        body=body(notice),
        title=notice.heading,
        notify_type=NotifyType.INFO if notice.test else kind,
        body_format=NotifyFormat.TEXT,
        timeout=WITHIN,
    )
    if result:
        return Sent(None, f"{service.service_name} took it")
    raise _failed(str(service.service_name), result)


def _service(found: "NotifyBase | None", url: str, notice: Notice) -> "NotifyBase | None":
    """The service, with high priority for sev1 where it knows priorities and the URL names none."""
    from apprise import Apprise

    if found is None or notice.test or notice.severity != "sev1" or "priority=" in url:
        return found
    arguments: dict[str, dict[str, Any]] = found.template_args
    known = arguments.get("priority", {}).get("values", ())
    names = known.values() if isinstance(known, dict) else known
    if "high" not in names:
        return found
    return Apprise.instantiate(f"{url}{'&' if '?' in url else '?'}priority=high") or found


def body(notice: Notice) -> str:
    """What stands under the title, in plain text."""
    lines = [notice.text] if notice.text else []
    if notice.test:
        lines.append("This is a test of how Badday reaches you. Nothing is wrong.")
    else:
        lines.append(f"Incident {notice.incident}, since {notice.since:%Y-%m-%d %H:%M} UTC. You: {notice.why}.")
    if notice.ack_url is not None:
        lines.append(f"{'Confirm' if notice.test else 'Acknowledge'}: {notice.ack_url}")
    if notice.thread_url is not None:
        lines.append(f"Thread: {notice.thread_url}")
    return "\n".join(lines)


def _failed(service: str, result: Any) -> ContactError:
    """Only the HTTP status is taken from what the library logged: the rest may hold addresses and tokens."""
    attempts = [attempt for each in result.results for attempt in each.attempts]
    if any(attempt.status.name == "TIMEOUT" for attempt in attempts):
        return ContactError(f"{service} did not answer in time", uncertain=True)
    told = [found for attempt in attempts for line in attempt for found in _STATUS.finditer(line.message)]
    if not told:
        return ContactError(f"{service} did not take it")
    status = int(told[-1][1] or told[-1][2])
    return ContactError(f"{service} answered {status}", permanent=status in _HOPELESS, uncertain=status >= 500)
