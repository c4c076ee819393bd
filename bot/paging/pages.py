"""Pages: one for each person and incident, carried by a direct message, with the outcome of every attempt."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.incidents import timeline
from bot.paging.life import LIFE, Event, State
from bot.store import outbox
from bot.store.tables import Incident, OutboxMessage, Page, PageAttempt

PAGES_IN_ONE_MESSAGE = 10
"""More would be unreadable at night, and a Slack message holds 50 blocks."""


async def page(session: AsyncSession, incident: Incident, person: str, *, now: datetime) -> Page:
    """Page a person about an incident.

    A page that still waits to be sent to the same person takes this one along: one message that names both.
    """
    assert incident.id is not None
    message = await _waiting_message(session, person)
    new = Page(
        incident_id=incident.id,
        person=person,
        state=State.PAGING,
        message_key=message.key if message else "",
        created_at=now,
    )
    session.add(new)
    await session.flush()
    if message is None:
        new.message_key = f"page:{new.id}"
        await outbox.post(
            session,
            key=new.message_key,
            kind="page",
            subject={"pages": [new.id]},
            channel=f"person:{person}",
            priority=outbox.Priority.PAGE,
            now=now,
            incident_id=incident.id,
        )
    else:
        message.subject = {"pages": [*message.subject["pages"], new.id]}
        message.changed_at = now
    await timeline.add(session, incident.id, kind="page", actor="badday", text=f"Paging {person}", now=now)
    return new


async def _waiting_message(session: AsyncSession, person: str) -> OutboxMessage | None:
    statement = (
        select(OutboxMessage)
        .where(
            col(OutboxMessage.channel) == f"person:{person}",
            col(OutboxMessage.kind) == "page",
            col(OutboxMessage.state) == outbox.State.PENDING,
            col(OutboxMessage.sent_revision) == 0,
            col(OutboxMessage.lease_owner).is_(None),
        )
        .order_by(col(OutboxMessage.created_at))
        .with_for_update(skip_locked=True)
    )
    waiting: Sequence[OutboxMessage] = (await session.execute(statement)).scalars().all()
    for message in waiting:
        if len(message.subject["pages"]) < PAGES_IN_ONE_MESSAGE:
            return message
    return None


async def delivered(
    session: AsyncSession, message_key: str, *, outcome: str, detail: str | None, now: datetime
) -> None:
    """Keep what came of sending a page's message: `delivered`, `failed` or `unknown`.

    The timeline says "paged" only once Slack has the message.
    """
    for one in await _of_message(session, message_key):
        assert one.id is not None
        session.add(PageAttempt(page_id=one.id, method="slack_dm", at=now, outcome=outcome, detail=detail))
        if outcome == "delivered" and one.delivered_at is None:
            one.delivered_at = now
        text = {
            "delivered": f"{one.person} paged by Slack direct message",
            "failed": f"The page to {one.person} could not be delivered: {detail}",
        }.get(outcome, f"It is not known whether the page reached {one.person}: {detail}")
        await timeline.add(
            session,
            one.incident_id,
            kind="delivery",
            actor="badday",
            text=text,
            now=now,
            data={"page": one.id, "outcome": outcome},
            show=outcome == "failed",
        )
        await outbox.edit(session, timeline.root_key(one.incident_id), now=now, urgent=outcome == "failed")
    await session.flush()


async def apply(session: AsyncSession, incident_id: int, event: Event, *, now: datetime) -> None:
    """Let an incident's pages follow it, and show each of their messages anew."""
    for one in await of_incident(session, incident_id):
        following = LIFE.get((State(one.state), event))
        if following is None:
            continue
        one.state = following
        if following is State.ACKNOWLEDGED:
            one.acknowledged_at = now
        else:
            one.ended_at = now
        if one.message_key is not None:
            await outbox.edit(session, one.message_key, now=now)
    await session.flush()


async def of_incident(session: AsyncSession, incident_id: int) -> Sequence[Page]:
    """The pages of an incident, oldest first."""
    statement = select(Page).where(col(Page.incident_id) == incident_id).order_by(col(Page.id))
    return (await session.execute(statement)).scalars().all()


async def _of_message(session: AsyncSession, message_key: str) -> Sequence[Page]:
    statement = select(Page).where(col(Page.message_key) == message_key).order_by(col(Page.id))
    return (await session.execute(statement)).scalars().all()
