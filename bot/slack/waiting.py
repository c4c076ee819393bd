"""Which messages wait for what, as conditions on the outbox; see bot.slack.queue for the four kinds of work."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from sqlalchemy import ColumnElement, Select, and_, bindparam, exists, func, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from bot.slack import lanes
from bot.store.outbox import Priority, State
from bot.store.tables import OutboxLane, OutboxMessage

ASIDE = frozenset({"ephemeral", "status", "calls", "help", "home", "who", "overrides", "silences", "changes"})
REFRESH_WAITS = timedelta(seconds=60)
"""A refresh gives way to waiting posts of its channel, but not for ever."""

_M = OutboxMessage
ORDER = (col(_M.priority), col(_M.created_at), col(_M.key))


@dataclass(frozen=True, slots=True)
class Times:
    """The times that the conditions compare with: values, or parameters of a statement that is built once."""

    now: Any
    ahead: Any
    """Lanes that open by then count as open."""
    tired: Any
    """A refresh that waits since then has waited long enough."""

    @classmethod
    def of(cls, now: datetime) -> Self:
        return cls(**times(now))


def times(now: datetime) -> dict[str, datetime]:
    """The parameters of a statement that was built with BOUND."""
    return {"now": now, "ahead": now + lanes.LEAD, "tired": now - REFRESH_WAITS}


BOUND = Times(bindparam("now"), bindparam("ahead"), bindparam("tired"))


def due(at: Times) -> ColumnElement[bool]:
    return and_(col(_M.not_before) <= at.now, _free(at))


def _free(at: Times) -> ColumnElement[bool]:
    return or_(col(_M.lease_until).is_(None), col(_M.lease_until) <= at.now)


def _is_aside() -> ColumnElement[bool]:
    return col(_M.kind).in_(sorted(ASIDE))


def lost(at: Times) -> ColumnElement[bool]:
    """Unknown, or in the hands of a worker whose lease ended: it died, and nobody knows how far it came."""
    dead = and_(col(_M.state) == State.SENDING.value, _free(at))
    unknown = and_(col(_M.state) == State.UNKNOWN.value, due(at))
    return and_(or_(dead, unknown), col(_M.slack_ts).is_(None), ~_is_aside())


def aside(at: Times) -> ColumnElement[bool]:
    return and_(_is_aside(), col(_M.state) != State.FAILED.value, col(_M.revision) > col(_M.sent_revision), due(at))


def changed(at: Times) -> ColumnElement[bool]:
    other: Any = aliased(_M)
    posts_wait = exists().where(
        other.channel == col(_M.channel), other.state == State.PENDING.value, other.not_before <= at.now
    )
    gives_way = and_(col(_M.priority) == Priority.REFRESH.value, col(_M.not_before) > at.tired, posts_wait)
    return and_(
        col(_M.slack_ts).is_not(None),
        col(_M.state) != State.FAILED.value,
        col(_M.revision) > col(_M.sent_revision),
        ~_is_aside(),
        due(at),
        ~gives_way,
    )


def unsent(at: Times) -> ColumnElement[bool]:
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
        due(at),
    )


def in_flight(channel: Any, at: Times) -> ColumnElement[bool]:
    other: Any = aliased(_M)
    return exists().where(
        other.channel == channel,
        other.state == State.SENDING.value,
        other.slack_ts.is_(None),
        other.kind.not_in(sorted(ASIDE)),
        other.lease_until > at.now,
    )


def heads(at: Times) -> Select[tuple[Any, str]]:
    """The first post of each channel whose lane is free."""
    place = func.row_number().over(partition_by=col(_M.channel), order_by=ORDER).label("place")
    closed = exists().where(col(OutboxLane.channel) == col(_M.channel), col(OutboxLane.next_at) > at.ahead)
    ranked = (
        select(col(_M.id).label("id"), col(_M.channel).label("channel"), col(_M.priority).label("priority"), place)
        .where(unsent(at), ~closed)
        .subquery()
    )
    return (
        select(ranked.c.id, ranked.c.channel)
        .where(ranked.c.place == 1, ~in_flight(ranked.c.channel, at))
        .order_by(ranked.c.priority)
    )
