"""Keeps runs in step with incidents: starts the runbook of a new incident, ends the run of a resolved one."""

from collections.abc import Callable
from datetime import datetime

import structlog
from sqlalchemy import ColumnElement, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog
from bot.incidents import incidents
from bot.runbooks import runs
from bot.runbooks.library import Library
from bot.store.database import Database
from bot.store.tables import Finding, Incident, IncidentFinding, RunbookRun

log = structlog.get_logger(__name__)
LOOK_EVERY = 0.5


class Follower:
    """A worker. What it has to do stands in the incident's row, so one opened before a crash is followed too."""

    def __init__(
        self,
        db: Database,
        catalog: Callable[[], Catalog],
        library: Callable[[], Library],
        clock: Callable[[], datetime],
    ) -> None:
        self._db = db
        self._catalog = catalog
        self._library = library
        self._clock = clock

    async def run(self) -> None:
        while True:
            if not await self.follow():
                await self._db.woken(incidents.TOPIC, timeout=LOOK_EVERY)

    async def follow(self) -> int:
        """Start and end what is due; returns how many runs were looked at."""
        return await self._start() + await self._offer_ends() + await self._end()

    async def _start(self) -> int:
        async with self._db.reading() as session:
            waiting = (await session.execute(select(col(Incident.id)).where(_unstarted()))).scalars().all()
        for incident_id in waiting:
            async with self._db.transaction() as session:
                statement = (
                    select(Incident)
                    .where(col(Incident.id) == incident_id, _unstarted())
                    .with_for_update(skip_locked=True)
                )
                incident = (await session.execute(statement)).scalar_one_or_none()
                if incident is None:
                    continue  # another replica started it
                now = self._clock()
                incident.runbooks_started_at = now
                watch = await _watch(session, incident_id)
                run = await runs.start(session, self._library(), self._catalog(), incident, watch=watch, now=now)
                log.info("runbook looked up", incident=incident_id, runbook=run.runbook if run else None)
        return len(waiting)

    async def _offer_ends(self) -> int:
        """Tell of the ends that have come with a recovery; with a resolution it is told as the run ends."""
        recovered = (
            select(col(RunbookRun.id), col(RunbookRun.incident_id))
            .join(Incident, col(Incident.id) == col(RunbookRun.incident_id))
            .where(
                col(RunbookRun.ended_at).is_(None),
                col(RunbookRun.close_offered_at).is_(None),
                col(Incident.recovered_at).is_not(None),
                col(Incident.resolved_at).is_(None),
            )
        )
        async with self._db.reading() as session:
            waiting = (await session.execute(recovered)).all()
        offered = 0
        for run_id, incident_id in waiting:
            async with self._db.transaction() as session:
                offered += await self._offer_end(session, run_id or 0, incident_id)
        return offered

    async def _offer_end(self, session: AsyncSession, run_id: int, incident_id: int) -> bool:
        incident = await session.get(Incident, incident_id, with_for_update=True)
        run = await session.get(RunbookRun, run_id)
        if incident is None or run is None:
            return False
        return await runs.offer_close(session, self._catalog(), incident, run, now=self._clock())

    async def _end(self) -> int:
        ended = (
            select(col(RunbookRun.incident_id))
            .join(Incident, col(Incident.id) == col(RunbookRun.incident_id))
            .where(col(RunbookRun.ended_at).is_(None), col(Incident.resolved_at).is_not(None))
        )
        async with self._db.reading() as session:
            waiting = (await session.execute(ended)).scalars().all()
        for incident_id in waiting:
            async with self._db.transaction() as session:
                incident = await session.get(Incident, incident_id, with_for_update=True)
                if incident is not None and incident.resolved_at is not None:
                    await runs.close(session, self._catalog(), incident, now=self._clock())
        return len(waiting)


def _unstarted() -> ColumnElement[bool]:
    return col(Incident.runbooks_started_at).is_(None) & col(Incident.resolved_at).is_(None)


async def _watch(session: AsyncSession, incident_id: int) -> str | None:
    """The watch whose finding came first."""
    statement = (
        select(col(Finding.watch))
        .join(IncidentFinding, col(IncidentFinding.finding_id) == col(Finding.id))
        .where(col(IncidentFinding.incident_id) == incident_id, col(Finding.watch).is_not(None))
        .order_by(col(Finding.id))
        .limit(1)
    )
    return (await session.execute(statement)).scalar_one_or_none()
