"""Which messages go next: claims from the outbox, by what has to be done with them.

post     a message that Slack does not have yet: one at a time in a channel, at the channel's pace, gravest first
look up  it is not known whether Slack has it: read the channel back before anything is sent again
edit     Slack has it and it changed: at once for a change of state, a mere refresh waits for the posts
aside    an answer for one person or their App Home: outside of the channel's pace, harmless to repeat
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.slack import lanes
from bot.store import leases
from bot.store.outbox import Priority, State
from bot.store.tables import OutboxLane, OutboxMessage

LEASE = timedelta(seconds=4)
"""A worker that died is replaced after so long; a living one prolongs its leases."""
ASIDE = frozenset({"ephemeral", "status", "help", "home"})
AT_ONCE = 20
REFRESH_WAITS = timedelta(seconds=60)
"""A refresh gives way to waiting posts of its channel, but not for ever."""


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
_ORDER = (col(_M.priority), col(_M.created_at), col(_M.key))


async def is_waiting(session: AsyncSession, *, now: datetime) -> bool:
    """Whether a claim would find something; takes no lock."""
    for condition in (_lost(now), _aside(now), _changed(now)):
        if (await session.execute(select(col(_M.id)).where(condition).limit(1))).first() is not None:
            return True
    return (await session.execute(_heads(now).limit(1))).first() is not None


async def claim(session: AsyncSession, *, owner: str, now: datetime, every: timedelta | None) -> list[Work]:
    """Take what may be done now; `every` is the time between two posts of a channel, None for no limit."""
    lost = await _take(session, _lost(now), owner=owner, now=now, limit=AT_ONCE, state=State.UNKNOWN)
    asides = await _take(session, _aside(now), owner=owner, now=now, limit=AT_ONCE, state=State.SENDING)
    edits = await _edits(session, owner=owner, now=now, limited=every is not None)
    posts = await _posts(session, owner=owner, now=now, every=every)
    return [
        *posts,
        *(Work(Task.EDIT, message, now) for message in edits),
        *(Work(Task.ASIDE, message, now) for message in asides),
        *(Work(Task.LOOK_UP, message, now) for message in lost),
    ]


async def _edits(session: AsyncSession, *, owner: str, now: datetime, limited: bool) -> Sequence[OutboxMessage]:
    waiting = (await session.execute(select(func.count()).select_from(_M).where(_changed(now)))).scalar_one()
    allowed = min(waiting, AT_ONCE)
    if limited:
        for taken in range(allowed):
            if not await lanes.take(session, lanes.EDITS, lanes.EDIT_PACE, now=now):
                allowed = taken
                break
    if not allowed:
        return []
    return await _take(session, _changed(now), owner=owner, now=now, limit=allowed, state=State.SENDING)


async def _posts(session: AsyncSession, *, owner: str, now: datetime, every: timedelta | None) -> list[Work]:
    open_at = await lanes.opens(session, lanes.POSTS, now=now)
    if open_at > now + lanes.LEAD:
        return []
    posts: list[Work] = []
    for message_id, channel in (await session.execute(_heads(now).limit(AT_ONCE))).all():
        # Taking the lane serialises replicas, so the look for a send under way comes after it.
        slot = await lanes.reserve(session, channel, every or timedelta(), now=now)
        if slot is None or (await session.execute(select(_in_flight(channel, now)))).scalar():
            continue
        condition = and_(col(_M.id) == message_id, _unsent(now))
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
        order_by=_ORDER,
        changes={"state": state.value},
    )


def _due(now: datetime) -> ColumnElement[bool]:
    return and_(col(_M.not_before) <= now, _free(now))


def _free(now: datetime) -> ColumnElement[bool]:
    return or_(col(_M.lease_until).is_(None), col(_M.lease_until) <= now)


def _is_aside() -> ColumnElement[bool]:
    return col(_M.kind).in_(sorted(ASIDE))


def _lost(now: datetime) -> ColumnElement[bool]:
    """Unknown, or in the hands of a worker whose lease ended: it died, and nobody knows how far it came."""
    dead = and_(col(_M.state) == State.SENDING.value, _free(now))
    unknown = and_(col(_M.state) == State.UNKNOWN.value, _due(now))
    return and_(or_(dead, unknown), col(_M.slack_ts).is_(None), ~_is_aside())


def _aside(now: datetime) -> ColumnElement[bool]:
    return and_(_is_aside(), col(_M.state) != State.FAILED.value, col(_M.revision) > col(_M.sent_revision), _due(now))


def _changed(now: datetime) -> ColumnElement[bool]:
    other: Any = aliased(_M)
    posts_wait = exists().where(
        other.channel == col(_M.channel), other.state == State.PENDING.value, other.not_before <= now
    )
    gives_way = and_(col(_M.priority) == Priority.REFRESH.value, col(_M.not_before) > now - REFRESH_WAITS, posts_wait)
    return and_(
        col(_M.slack_ts).is_not(None),
        col(_M.state) != State.FAILED.value,
        col(_M.revision) > col(_M.sent_revision),
        ~_is_aside(),
        _due(now),
        ~gives_way,
    )


def _unsent(now: datetime) -> ColumnElement[bool]:
    """Never sent, and its thread (where it belongs to one) is there, or can never be."""
    root: Any = aliased(_M)
    thread = exists().where(
        root.key == col(_M.thread_key), or_(root.slack_ts.is_not(None), root.state == State.FAILED.value)
    )
    return and_(
        col(_M.state) == State.PENDING.value,
        col(_M.slack_ts).is_(None),
        ~_is_aside(),
        or_(col(_M.thread_key).is_(None), thread),
        _due(now),
    )


def _in_flight(channel: Any, now: datetime) -> ColumnElement[bool]:
    other: Any = aliased(_M)
    return exists().where(
        other.channel == channel,
        other.state == State.SENDING.value,
        other.slack_ts.is_(None),
        other.kind.not_in(sorted(ASIDE)),
        other.lease_until > now,
    )


def _heads(now: datetime) -> Select[tuple[Any, str]]:
    """The first post of each channel whose lane is free."""
    place = func.row_number().over(partition_by=col(_M.channel), order_by=_ORDER).label("place")
    closed = exists().where(col(OutboxLane.channel) == col(_M.channel), col(OutboxLane.next_at) > now + lanes.LEAD)
    ranked = (
        select(col(_M.id).label("id"), col(_M.channel).label("channel"), col(_M.priority).label("priority"), place)
        .where(_unsent(now), ~closed)
        .subquery()
    )
    return (
        select(ranked.c.id, ranked.c.channel)
        .where(ranked.c.place == 1, ~_in_flight(ranked.c.channel, now))
        .order_by(ranked.c.priority)
    )
