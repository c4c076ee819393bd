"""How quickly people are reached and answer, what waits, and what came of it: counted in the database.

Every replica counts the same, and a restart loses nothing. An incident is measured once, by its first escalation: its
finding, the incident and the escalation are written in one transaction, so `started_at` is when the finding opened
(or when it began to page: at the end of a silence, or when it became graver). What is counted never changes later, so
the numbers only grow, as Prometheus expects of a histogram.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, exists, extract, func, select
from sqlalchemy.orm import aliased
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store.database import is_postgres
from bot.store.outbox import Priority, State
from bot.store.tables import (
    AuditorTurn,
    Escalation,
    Incident,
    OutboxMessage,
    PageAttempt,
    PollTarget,
    Stuck,
    WatchState,
)

PAGE_WITHIN = (1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 900.0)
"""Upper bounds of time to page, in seconds."""
ACK_WITHIN = (15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 14400.0)
"""Upper bounds of time to acknowledge, in seconds."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """How many took at most so long: `counts` belongs to the bounds, each holding those before it."""

    counts: tuple[int, ...]
    total: int
    seconds: float
    """Of all together."""


@dataclass(frozen=True, slots=True)
class Times:
    """Of one system's incidents of one severity."""

    system: str
    severity: str
    to_page: Distribution
    to_ack: Distribution


@dataclass(frozen=True, slots=True)
class Waiting:
    """Messages to Slack of one priority that wait to be sent."""

    priority: str
    messages: int
    oldest: float
    """Age in seconds."""


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Attempts by one way with one outcome."""

    method: str
    outcome: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Measures:
    times: Sequence[Times]
    waiting: Sequence[Waiting]
    missed_slots: Sequence[tuple[str, int]]
    """By watch; several watches of one page share its slots."""
    deliveries: Sequence[Deliveries]
    stuck: Sequence[tuple[str, int]]
    """What the auditor found overdue at its last look, by kind; kinds of which nothing is are not there."""
    looked_at: datetime | None
    """When the auditor last looked."""


async def measure(session: AsyncSession, *, now: datetime) -> Measures:
    """Everything, in a handful of grouped reads."""
    return Measures(
        times=await _times(session),
        waiting=await _waiting(session, now),
        missed_slots=await _missed_slots(session),
        deliveries=await _deliveries(session),
        stuck=await _stuck(session),
        looked_at=(await session.execute(select(col(AuditorTurn.looked_at)))).scalars().first(),
    )


async def recent(session: AsyncSession, *, since: datetime) -> tuple[list[float], list[float]]:
    """Seconds to the first page and to the first acknowledgement of incidents that began to page since then."""
    statement = select(col(Escalation.started_at), col(Escalation.reached_at), col(Escalation.answered_at)).where(
        _is_first(), col(Escalation.started_at) >= since
    )
    rows = (await session.execute(statement)).all()
    reached = [(row.reached_at - row.started_at).total_seconds() for row in rows if row.reached_at is not None]
    answered = [(row.answered_at - row.started_at).total_seconds() for row in rows if row.answered_at is not None]
    return sorted(reached), sorted(answered)


def quantile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that so large a share does not exceed (nearest rank). Raises IndexError for no values."""
    return ordered[max(0, -int(-len(ordered) * share // 1) - 1)]


async def _times(session: AsyncSession) -> list[Times]:
    page = _seconds(session, col(Escalation.reached_at))
    ack = _seconds(session, col(Escalation.answered_at))
    statement: Select[Any] = (
        select(col(Incident.system), col(Escalation.severity), *_counted(page, PAGE_WITHIN), *_counted(ack, ACK_WITHIN))
        .join(Incident, col(Incident.id) == col(Escalation.incident_id))
        .where(_is_first())
        .group_by(col(Incident.system), col(Escalation.severity))
        .order_by(col(Incident.system), col(Escalation.severity))
    )
    width = len(PAGE_WITHIN) + 2
    return [
        Times(row[0], row[1], _distribution(row[2 : 2 + width]), _distribution(row[2 + width :]))
        for row in (await session.execute(statement)).all()
    ]


def _is_first() -> ColumnElement[bool]:
    """Whether an escalation is the first of its incident."""
    earlier = aliased(Escalation)
    return ~exists().where(
        col(earlier.incident_id) == col(Escalation.incident_id), col(earlier.id) < col(Escalation.id)
    )


def _seconds(session: AsyncSession, end: Any) -> ColumnElement[Any]:
    """From the beginning of the escalation to another of its times; null where that has not come."""
    start = col(Escalation.started_at)
    if is_postgres(session):
        return extract("epoch", end - start)
    days: ColumnElement[float] = func.julianday(end) - func.julianday(start)
    return days * 86_400.0


def _counted(seconds: ColumnElement[Any], bounds: Sequence[float]) -> list[ColumnElement[Any]]:
    """A column for each bound, then how many there are, then their sum. Nothing is counted before it is known."""
    # Times come in microseconds; SQLite's day numbers are right to some hundredth of a millisecond.
    return [
        *(func.count(case((seconds <= bound + 0.0001, 1))) for bound in bounds),
        func.count(seconds),
        func.coalesce(func.sum(seconds), 0.0),
    ]


def _distribution(columns: Sequence[Any]) -> Distribution:
    return Distribution(tuple(columns[:-2]), columns[-2], round(float(columns[-1]), 3))


async def _waiting(session: AsyncSession, now: datetime) -> list[Waiting]:
    since = func.min(col(OutboxMessage.changed_at))
    statement = (
        select(col(OutboxMessage.priority), func.count(), since)
        .where(col(OutboxMessage.revision) > col(OutboxMessage.sent_revision), col(OutboxMessage.state) != State.FAILED)
        .group_by(col(OutboxMessage.priority))
    )
    found = {row[0]: row for row in (await session.execute(statement)).all()}
    return [
        Waiting(priority.name.lower(), row[1] if row else 0, max(0.0, (now - row[2]).total_seconds()) if row else 0.0)
        for priority in Priority
        for row in (found.get(priority),)
    ]


async def _missed_slots(session: AsyncSession) -> list[tuple[str, int]]:
    statement = (
        select(col(WatchState.name), col(PollTarget.missed_slots))
        .join(PollTarget, col(PollTarget.id) == col(WatchState.target_id))
        .where(col(WatchState.active).is_(True))
        .order_by(col(WatchState.name))
    )
    return [(name, missed) for name, missed in (await session.execute(statement)).all()]


async def _deliveries(session: AsyncSession) -> list[Deliveries]:
    key = (col(PageAttempt.method), col(PageAttempt.outcome))
    statement = select(*key, func.count()).group_by(*key).order_by(*key)
    return [Deliveries(*row) for row in (await session.execute(statement)).all()]


async def _stuck(session: AsyncSession) -> list[tuple[str, int]]:
    statement = select(col(Stuck.kind), func.count()).group_by(col(Stuck.kind)).order_by(col(Stuck.kind))
    return [(kind, things) for kind, things in (await session.execute(statement)).all()]
