"""The ways of a page: each is begun when its time has come, or when the one before it failed.

A way in Slack is a message of the outbox; for every other one the attempt's row is the outbox itself.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog
from bot.incidents import timeline
from bot.paging.life import PageState
from bot.store import outbox
from bot.store.database import wake_after_commit
from bot.store.tables import OutboxMessage, Page, PageAttempt

TOPIC = "pager"
"""What works off attempts that are not in Slack waits for it."""
WAKES = "escalations"
"""What works off due pages and escalations waits for it."""
PAGES_IN_ONE_MESSAGE = 10
"""More would be unreadable at night, and a Slack message holds 50 blocks."""
SLACK_WITHIN = timedelta(seconds=15)
"""A page that Slack has not taken by then goes by the next way, while Slack's message is tried on."""
SLACK, CHANNEL = "slack", "channel"
IN_SLACK = frozenset({SLACK, CHANNEL})
"""Ways that are messages of the outbox."""
WAITING = (
    col(OutboxMessage.kind) == "page",
    col(OutboxMessage.state) == outbox.State.PENDING.value,
    col(OutboxMessage.sent_revision) == 0,
    col(OutboxMessage.lease_owner).is_(None),
)
"""Messages of pages that nobody has tried to send yet."""
WAYS = {SLACK: "Slack", CHANNEL: "Slack", "email": "e-mail", "twilio": "phone", "pagerduty": "PagerDuty"}


def name(kind: str) -> str:
    """What people call a way to be reached."""
    return WAYS.get(kind, kind)


def of_person(catalog: Catalog, person: str) -> list[dict[str, Any]]:
    """The person's ways as they are now; e-mail counts only where there is a mail server."""
    entry = catalog.people.get(person)
    if entry is None:
        return []
    return [
        {"kind": one.kind, "options": dict(one.options), "after": one.after.total_seconds()}
        for one in entry.contacts
        if one.kind != "email" or "email" in catalog.contacts
    ]


async def start_due(session: AsyncSession, one: Page, *, now: datetime) -> None:
    """Start every way whose time has come; the first one's has."""
    while one.method < len(one.methods) and (one.method == 0 or _due(one) <= now):
        await start(session, one, now=now)
    await plan(session, one)


def _due(one: Page) -> datetime:
    return one.created_at + timedelta(seconds=one.methods[one.method]["after"])


async def plan(session: AsyncSession, one: Page) -> None:
    """When the page has to be looked at again: for its next way, or for Slack's silence."""
    times = [_due(one)] if one.method < len(one.methods) else []
    slack = await open_slack_attempt(session, one)
    if slack is not None:
        times.append(slack.at + SLACK_WITHIN)
    one.next_at = min(times, default=None) if one.state == PageState.PAGING else None
    await session.flush()
    wake_after_commit(session, TOPIC, WAKES)


async def start(session: AsyncSession, one: Page, *, now: datetime) -> None:
    """Begin the page's next way: intent in the timeline, and a row for the attempt."""
    assert one.id is not None
    method = one.methods[one.method]
    kind = str(method["kind"])
    one.method += 1
    in_slack = kind in IN_SLACK
    attempt = PageAttempt(
        page_id=one.id,
        method=kind,
        options=method["options"] or None,
        at=now,
        outcome="sending" if in_slack else "pending",
    )
    if not in_slack:
        attempt.not_before = now
    session.add(attempt)
    if kind == SLACK:
        await _direct_message(session, one, now=now)
    elif kind == CHANNEL:
        await _channel_message(session, one, now=now)
    text = f"Paging {one.person} ({one.why}) by {name(kind)}"
    await timeline.add(session, one.incident_id, kind="page", actor="badday", text=text, now=now, data={"page": one.id})
    wake_after_commit(session, TOPIC, WAKES)


async def _direct_message(session: AsyncSession, one: Page, *, now: datetime) -> None:
    """A page that still waits to be sent to the same person takes this one along: one message that names both."""
    assert one.id is not None
    message = await _waiting_message(session, one.person)
    if message is not None:
        one.message_key = message.key
        message.subject = {"pages": [*message.subject["pages"], one.id]}
        message.changed_at = now
        return
    one.message_key = f"page:{one.id}"
    await outbox.post(
        session,
        key=one.message_key,
        kind="page",
        subject={"pages": [one.id]},
        channel=f"person:{one.person}",
        priority=outbox.Priority.PAGE,
        now=now,
        incident_id=one.incident_id,
    )


async def _channel_message(session: AsyncSession, one: Page, *, now: datetime) -> None:
    one.message_key = f"page:{one.id}"
    await outbox.post(
        session,
        key=one.message_key,
        kind="channel_page",
        subject={"pages": [one.id]},
        channel=one.person.removeprefix("#"),
        priority=outbox.Priority.PAGE,
        now=now,
        incident_id=one.incident_id,
    )


async def _waiting_message(session: AsyncSession, person: str) -> OutboxMessage | None:
    statement = (
        select(OutboxMessage)
        .where(col(OutboxMessage.channel) == f"person:{person}", *WAITING)
        .order_by(col(OutboxMessage.created_at))
        .with_for_update(skip_locked=True)
    )
    waiting: Sequence[OutboxMessage] = (await session.execute(statement)).scalars().all()
    for message in waiting:
        if len(message.subject["pages"]) < PAGES_IN_ONE_MESSAGE:
            return message
    return None


async def slack_attempt(session: AsyncSession, one: Page) -> PageAttempt | None:
    found = [each for each in await attempts(session, one.id or 0) if each.method in IN_SLACK]
    return found[-1] if found else None


async def open_slack_attempt(session: AsyncSession, one: Page) -> PageAttempt | None:
    """Slack's attempt while it is still waited for."""
    attempt = await slack_attempt(session, one)
    return attempt if attempt is not None and attempt.settled_at is None else None


async def attempts(session: AsyncSession, page_id: int) -> Sequence[PageAttempt]:
    """What was tried for a page, oldest first."""
    statement = select(PageAttempt).where(col(PageAttempt.page_id) == page_id).order_by(col(PageAttempt.id))
    return (await session.execute(statement)).scalars().all()
