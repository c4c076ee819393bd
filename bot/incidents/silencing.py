"""Silencing: somebody keeps a system, or one cause of it, from paging until a time, with a reason, or takes that back.

A silence lives until its end, whatever resolves meanwhile. New findings are held back (bot.incidents.holds); the pages
of incidents that are open already are suspended, and go on at its end if nobody has them by then.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog
from bot.incidents import holds, incidents, silences, timeline
from bot.incidents.races import locked
from bot.paging import escalation
from bot.spans import clock
from bot.store import audit
from bot.store.database import wake_after_commit
from bot.store.tables import Incident, Silence

LONGEST = timedelta(days=7)
LATEST_START = timedelta(days=31)
LONGEST_REASON = 300


class SilenceError(Exception):
    """A silence cannot be as asked; the message says why, and what can be done instead."""


async def start(
    session: AsyncSession,
    catalog: Catalog,
    *,
    system: str,
    cause: str | None,
    starts: datetime,
    ends: datetime,
    reason: str,
    actor: str,
    now: datetime,
) -> Silence:
    """Silence a system (or one cause of it) from `starts` to `ends`, at once where that is now. Raises SilenceError."""
    reason = " ".join(reason.split())
    _check(catalog, system, starts, ends, reason, now)
    for other in await silences.current(session, now):
        if (other.system, other.cause) == (system, cause) and other.starts_at <= starts and ends <= other.ends_at:
            raise SilenceError(f"silence {other.id} does that already, and does not end earlier")
    silence = Silence(
        system=system,
        cause=cause,
        reason=reason,
        created_at=now,
        created_by=actor,
        starts_at=starts,
        ends_at=ends,
    )
    session.add(silence)
    await session.flush()
    assert silence.id is not None
    told = {"system": system, "cause": cause, "starts": starts.isoformat(), "ends": ends.isoformat(), "reason": reason}
    await audit.record(
        session, actor=actor, action="silence.start", object=f"silence:{silence.id}", after=told, now=now
    )
    if starts <= now:
        await begin(session, catalog, silence.id, now=now)
    return silence


async def begin(session: AsyncSession, catalog: Catalog, silence_id: int, *, now: datetime) -> None:
    """Suspend the pages of the open incidents that the silence is about; nothing where that was done before."""
    silence = await _held(session, silence_id)
    if silence is None or silence.begun_at is not None or not silences.is_in_force(silence, now):
        return
    silence.begun_at = now
    for incident in await _incidents(session, silence):
        assert incident.id is not None
        text = f"Silenced until {clock(silence.ends_at, now)}: {silence.reason} (silence {silence.id})"
        await timeline.add(
            session, incident.id, kind="silenced", actor=silence.created_by, text=text, now=now, show=True
        )
        await escalation.suspend(session, incident, until=silence.ends_at, by=silence.created_by, now=now)
        await incidents.touch(session, incident, now=now)


async def cancel(session: AsyncSession, catalog: Catalog, silence_id: int, *, actor: str, now: datetime) -> Silence:
    """End a silence now, or never let it begin: what it held back and is still true comes. Raises SilenceError."""
    silence = await _held(session, silence_id)
    if silence is None:
        raise SilenceError(f"there is no silence {silence_id}")
    if silence.cancelled_at is not None:
        by = catalog.people.get(silence.cancelled_by or "")
        raise SilenceError(f"{by.name if by else silence.cancelled_by} cancelled silence {silence_id} already")
    if silence.ends_at <= now:
        raise SilenceError(f"silence {silence_id} is over already")
    silence.cancelled_at, silence.cancelled_by = now, actor
    await session.flush()
    await audit.record(session, actor=actor, action="silence.cancel", object=f"silence:{silence.id}", now=now)
    if silence.begun_at is not None:
        for incident in await _incidents(session, silence):
            assert incident.id is not None
            text = f"Silence {silence.id} cancelled"
            await timeline.add(session, incident.id, kind="silenced", actor=actor, text=text, now=now, show=True)
            await escalation.look_again(session, incident, now=now)
    wake_after_commit(session, holds.TOPIC)
    return silence


def _check(catalog: Catalog, system: str, starts: datetime, ends: datetime, reason: str, now: datetime) -> None:
    if system not in catalog.systems:
        raise SilenceError(f"there is no system {system!r}; there are: {', '.join(catalog.systems)}")
    if ends <= starts:
        raise SilenceError("it would end before it begins")
    if ends <= now:
        raise SilenceError("that time is over already")
    if ends - starts > LONGEST:
        raise SilenceError(
            f"a silence lasts {LONGEST.days} days at most, because nobody remembers a longer one: "
            "mend the alarm, or plan a `maintenance` window in badday.yaml"
        )
    if starts > now + LATEST_START:
        raise SilenceError(f"it would begin in more than {LATEST_START.days} days; plan a `maintenance` window instead")
    if not reason:
        raise SilenceError("say why, after the time: whoever wonders about the silence reads it")
    if len(reason) > LONGEST_REASON:
        raise SilenceError(f"the reason has {len(reason)} characters; {LONGEST_REASON} are enough")


async def _held(session: AsyncSession, silence_id: int) -> Silence | None:
    statement = (
        select(Silence).where(col(Silence.id) == silence_id).with_for_update().execution_options(populate_existing=True)
    )
    found: Silence | None = (await session.execute(statement)).scalar_one_or_none()
    return found


async def _incidents(session: AsyncSession, silence: Silence) -> Sequence[Incident]:
    """The open incidents that it is about, each under its lock."""
    statement = (
        select(col(Incident.id))
        .where(col(Incident.system) == silence.system, col(Incident.resolved_at).is_(None))
        .order_by(col(Incident.id))
    )
    found = [await locked(session, number) for number in (await session.execute(statement)).scalars().all()]
    return [one for one in found if one.resolved_at is None and silences.is_about(silence, one)]
