"""Silences as they stand: which one keeps a finding or an incident from paging, and which are in force or planned."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy import bindparam, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store.tables import Finding, Incident, Silence

BOT = "badday"


class Silencing(Protocol):
    """What of a silence says whom it is about: the row itself, or some of its columns."""

    @property
    def system(self) -> str: ...
    @property
    def cause(self) -> str | None: ...


def covers(silence: Silencing, *, system: str, kind: str, subject: str) -> bool:
    """Whether the silence is about such a finding of the system, at whatever time.

    Its cause is the subject (an alertname, a provider; `chat/northwind` for `support-bot/chat/northwind`) or the kind.
    """
    if silence.system != system:
        return False
    if silence.cause is None:
        return True
    names = (subject, subject.removeprefix(f"{system}/"), kind)
    if silence.cause.endswith("*"):
        return any(name.startswith(silence.cause[:-1]) for name in names)
    return silence.cause in names


def is_in_force(silence: Silence, at: datetime) -> bool:
    return silence.cancelled_at is None and silence.starts_at <= at < silence.ends_at


async def of_finding(session: AsyncSession, finding: Finding, system: str, *, now: datetime) -> Silence | None:
    """The silence in force that keeps the finding from an incident of the system; of several the last to end."""
    for silence in await _in_force(session, system, now):
        if covers(silence, system=system, kind=finding.kind, subject=finding.subject):
            return silence
    return None


async def of_incident(session: AsyncSession, incident: Incident, *, now: datetime) -> Silence | None:
    """The silence in force that suspends an open incident's pages; of several the last to end.

    What a person opened while it was silent already was meant to page.
    """
    for silence in await _in_force(session, incident.system, now):
        if is_about(silence, incident):
            return silence
    return None


def is_about(silence: Silence, incident: Incident) -> bool:
    """Whether the silence is about such an incident, at whatever time."""
    if incident.opened_by != BOT and incident.opened_at >= silence.starts_at:
        return False
    kind, _, subject = incident.cause.partition(":")
    return covers(silence, system=incident.system, kind=kind, subject=subject)


async def current(session: AsyncSession, now: datetime) -> Sequence[Silence]:
    """Those that are in force or will be, the earliest first."""
    statement = (
        select(Silence)
        .where(col(Silence.cancelled_at).is_(None), col(Silence.ends_at) > now)
        .order_by(col(Silence.starts_at), col(Silence.id))
    )
    return (await session.execute(statement)).scalars().all()


async def _in_force(session: AsyncSession, system: str, now: datetime) -> Sequence[Silence]:
    return (await session.execute(IN_FORCE, {"systems": [system], "now": now})).scalars().all()


IN_FORCE = (
    select(Silence)
    .where(
        col(Silence.system).in_(bindparam("systems", expanding=True)),
        col(Silence.cancelled_at).is_(None),
        col(Silence.starts_at) <= bindparam("now"),
        col(Silence.ends_at) > bindparam("now"),
    )
    .order_by(col(Silence.ends_at).desc(), col(Silence.id))
)
"""Those of `systems` that are in force at `now`, the last to end first."""
