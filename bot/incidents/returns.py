"""An incident is back: it relapsed before its recovery had held, or was reopened; kept, counted, and seldom told."""

from datetime import datetime

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.incidents import flapping, timeline
from bot.spans import clock, span
from bot.store import outbox
from bot.store.tables import Incident, TimelineEntry

RELAPSED, REOPENED = "relapsed", "reopened"


async def keep(
    session: AsyncSession, incident: Incident, kind: str, text: str, *, show: bool = False, now: datetime
) -> None:
    """Keep that the incident is back; the caller holds its lock. While it flaps it is counted and nothing else."""
    assert incident.id is not None
    await _take_back(session, incident.id)
    if incident.flapping_since is not None:
        incident.flaps += 1
        return
    before = await _before(session, incident.id)
    await timeline.add(session, incident.id, kind=kind, actor="badday", text=text, now=now, show=show)
    lately = flapping.lately([*before, now], now)
    if not flapping.flaps(lately, now):
        return
    first = len(lately) > len(before) and now - incident.opened_at < flapping.WINDOW
    incident.flapping_since = incident.opened_at if first else lately[0]
    incident.flaps = len(lately) + first
    told = (
        f"It comes and goes: {incident.flaps} times since {clock(incident.flapping_since, now)}. From now on only the "
        f"root message tells it, and it has to stay clear for {span(flapping.CALM)} to be over"
    )
    await timeline.add(session, incident.id, kind="flapping", actor="badday", text=told, now=now)


async def any_lately(session: AsyncSession, incident: Incident, *, now: datetime) -> bool:
    """Whether it came back within the window, so that another recovery is no news."""
    assert incident.id is not None
    return bool(flapping.lately(await _before(session, incident.id), now))


async def _before(session: AsyncSession, incident_id: int) -> list[datetime]:
    statement = (
        select(col(TimelineEntry.at))
        .where(col(TimelineEntry.incident_id) == incident_id, col(TimelineEntry.kind).in_((RELAPSED, REOPENED)))
        .order_by(col(TimelineEntry.at))
    )
    return list((await session.execute(statement)).scalars())


async def _take_back(session: AsyncSession, incident_id: int) -> None:
    """A recovery that waits to be told is not told any more."""
    statement = (
        select(col(TimelineEntry.id))
        .where(col(TimelineEntry.incident_id) == incident_id, col(TimelineEntry.kind) == "recovered")
        .order_by(col(TimelineEntry.id).desc())
        .limit(1)
    )
    entry = (await session.execute(statement)).scalar_one_or_none()
    if entry is not None:
        await outbox.withdraw(session, timeline.note_key(entry))
