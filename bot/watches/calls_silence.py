"""Silence: a system that usually sends calls sends none, and its owner hears of it; without calls nothing is green."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import func, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog, System
from bot.detect.calls import HOLD
from bot.detect.silence import REACH, expects_calls, hour_of
from bot.incidents import findings, owners
from bot.incidents.severity import Severity
from bot.store.tables import CallHour, CallSeries, CallSource, CallsWatchState, Finding
from bot.watches import calls_words

log = structlog.get_logger(__name__)

KIND = "calls_silent"
IMPORTED = "jsonl"
"""The emitter of calls that somebody imported (bot.trail.importing.jsonl, not loaded for its name alone)."""


async def last_arrivals(session: AsyncSession, systems: Sequence[str]) -> dict[str, datetime]:
    """When a call of each system last arrived. What was imported from a log is no sign of life."""
    statement = (
        select(col(CallSource.system), func.max(col(CallSource.last_us)))
        .where(col(CallSource.system).in_(systems), col(CallSource.calls) > 0, col(CallSource.emitter) != IMPORTED)
        .group_by(col(CallSource.system))
    )
    rows = (await session.execute(statement)).all()
    return {system: datetime.fromtimestamp(last_us / 1_000_000, UTC) for system, last_us in rows}


async def listen(
    session: AsyncSession,
    catalog: Catalog,
    system: System,
    state: CallsWatchState,
    last: datetime | None,
    *,
    now: datetime,
) -> tuple[datetime | None, int | None]:
    """Tell of a silence that began or ended; returns since when calls are missed, and the finding that says so."""
    limit = system.calls.silence
    if last is None or limit is None or now - last < limit:
        if state.silent_since is not None:
            await _end(session, system, state, now=now)
        return None, None
    if state.silent_since is not None:
        return state.silent_since, state.silence
    if not expects_calls(await _hours(session, system.name, now), now, limit):
        return None, None
    return last, await _begin(session, catalog, system, last, now=now)


async def _begin(session: AsyncSession, catalog: Catalog, system: System, last: datetime, *, now: datetime) -> int:
    owner = catalog.people.get(system.owner)
    timezone = owner.timezone if owner is not None else "UTC"
    finding = Finding(
        kind=KIND,
        subject=system.name,
        system=system.name,
        severity=Severity.SEV3.value,
        title=calls_words.silent_title(last, now, timezone),
        evidence={
            "known": calls_words.silent_known(system.name, last, now, timezone),
            "system": system.name,
            "last_call_at": last.isoformat(),
        },
        dedupe_key=f"{KIND}:{system.name}",
        opened_at=now,
    )
    session.add(finding)
    await session.flush()
    assert finding.id is not None
    log.warning("finding", kind=KIND, subject=system.name, last_call_at=last.isoformat())
    for incident in await findings.opened(session, catalog, finding, now=now):
        await owners.tell(session, catalog, finding, incident, now=now)
    return finding.id


async def _end(session: AsyncSession, system: System, state: CallsWatchState, *, now: datetime) -> None:
    finding = await session.get(Finding, state.silence) if state.silence is not None else None
    if finding is None or finding.cleared_at is not None:
        return
    finding.cleared_at = now
    finding.evidence = {**(finding.evidence or {}), "known": calls_words.arriving(system.name)}
    await session.flush()
    log.info("recovered", kind=KIND, subject=system.name)
    await findings.cleared(session, finding, now=now, hold=HOLD)


async def _hours(session: AsyncSession, system: str, now: datetime) -> set[int]:
    """The hours (since 1970) of the past in which the system made calls."""
    this = hour_of(now)
    series = select(col(CallSeries.id)).where(col(CallSeries.system) == system)
    hour = timedelta(hours=1)
    statement = (
        select(col(CallHour.start))
        .where(
            col(CallHour.start) >= hour_of(now - (REACH + 1) * hour),
            col(CallHour.start) <= this,
            col(CallHour.calls) > 0,
            col(CallHour.series_id).in_(series),
        )
        .distinct()
    )
    return set((await session.execute(statement)).scalars())
