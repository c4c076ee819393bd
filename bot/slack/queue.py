"""Which messages go next: claims from the outbox, by what has to be done with them.

post     a message that Slack does not have yet: one at a time in a channel, at the channel's pace, gravest first
look up  it is not known whether Slack has it: read the channel back before anything is sent again
edit     Slack has it and it changed: at once for a change of state, a mere refresh waits for the posts
aside    an answer for one person or their App Home: outside of the channel's pace, harmless to repeat
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, func, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.slack import lanes, waiting
from bot.slack.waiting import Times
from bot.store import leases
from bot.store.outbox import State
from bot.store.tables import OutboxMessage

LEASE = timedelta(seconds=4)
"""A worker that died is replaced after so long; a living one prolongs its leases."""
AT_ONCE = 20


class Task(StrEnum):
    POST = "post"
    LOOK_UP = "look up"
    EDIT = "edit"
    ASIDE = "aside"


@dataclass(frozen=True, slots=True)
class Work:
    task: Task
    message: OutboxMessage
    slot: datetime
    """Not before this time; a post is prepared a little ahead."""


_M = OutboxMessage
# Built once: building a statement costs more than running it.
_PEEK = select(
    *(
        select(col(_M.id)).where(condition(waiting.BOUND)).exists().label(name)
        for name, condition in (("lost", waiting.lost), ("aside", waiting.aside), ("edit", waiting.changed))
    ),
    waiting.heads(waiting.BOUND).exists().label("post"),
)
_HEADS = waiting.heads(waiting.BOUND).limit(AT_ONCE)


async def waits(session: AsyncSession, *, now: datetime) -> frozenset[Task]:
    """What a claim would find; takes no lock."""
    row = (await session.execute(_PEEK, waiting.times(now))).one()
    tasks = zip((Task.LOOK_UP, Task.ASIDE, Task.EDIT, Task.POST), row, strict=True)
    return frozenset(task for task, there in tasks if there)


async def claim(
    session: AsyncSession, tasks: Collection[Task], *, owner: str, now: datetime, every: timedelta | None
) -> list[Work]:
    """Take what may be done now of these tasks; `every` is the time between two posts of a channel, None: no limit."""
    at = Times.of(now)
    claimed: list[Work] = []
    if Task.POST in tasks:
        claimed += await _posts(session, owner=owner, now=now, every=every)
    if Task.EDIT in tasks:
        edits = await _edits(session, owner=owner, now=now, limited=every is not None)
        claimed += (Work(Task.EDIT, message, now) for message in edits)
    if Task.ASIDE in tasks:
        asides = await _take(session, waiting.aside(at), owner=owner, now=now, limit=AT_ONCE, state=State.SENDING)
        claimed += (Work(Task.ASIDE, message, now) for message in asides)
    if Task.LOOK_UP in tasks:
        lost = await _take(session, waiting.lost(at), owner=owner, now=now, limit=AT_ONCE, state=State.UNKNOWN)
        claimed += (Work(Task.LOOK_UP, message, now) for message in lost)
    return claimed


async def _edits(session: AsyncSession, *, owner: str, now: datetime, limited: bool) -> Sequence[OutboxMessage]:
    at = Times.of(now)
    there = (await session.execute(select(func.count()).select_from(_M).where(waiting.changed(at)))).scalar_one()
    allowed = min(there, AT_ONCE)
    if limited:
        for taken in range(allowed):
            if not await lanes.take(session, lanes.EDITS, lanes.EDIT_PACE, now=now):
                allowed = taken
                break
    if not allowed:
        return []
    return await _take(session, waiting.changed(at), owner=owner, now=now, limit=allowed, state=State.SENDING)


async def _posts(session: AsyncSession, *, owner: str, now: datetime, every: timedelta | None) -> list[Work]:
    open_at = await lanes.opens(session, lanes.POSTS, now=now)
    if open_at > now + lanes.LEAD:
        return []
    at = Times.of(now)
    posts: list[Work] = []
    for message_id, channel in (await session.execute(_HEADS, waiting.times(now))).all():
        # Taking the lane serialises replicas, so the look for a send under way comes after it.
        slot = await lanes.reserve(session, channel, every or timedelta(), now=now)
        if slot is None or (await session.execute(select(waiting.in_flight(channel, at)))).scalar():
            continue
        condition = and_(col(_M.id) == message_id, waiting.unsent(at))
        claimed = await _take(session, condition, owner=owner, now=now, limit=1, state=State.SENDING)
        posts += [Work(Task.POST, message, max(slot, open_at)) for message in claimed]
    return posts


async def _take(
    session: AsyncSession, condition: ColumnElement[bool], *, owner: str, now: datetime, limit: int, state: State
) -> Sequence[OutboxMessage]:
    return await leases.claim(
        session,
        OutboxMessage,
        condition,
        owner=owner,
        now=now,
        lease=LEASE,
        limit=limit,
        order_by=waiting.ORDER,
        changes={"state": state.value},
    )
