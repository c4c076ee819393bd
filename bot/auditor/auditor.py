"""The auditor: once a minute one replica looks for what is stuck.

found for the first time    set free once: its lease ends, its workers are woken; the timeline says so
still there at the next     told once, by direct message to the owners of the systems that it concerns
gone                        forgotten; if it comes back it is a new one
nothing there at all        the outside heartbeat is pinged, so that silence itself alarms
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import delete, inspect, select, update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.alerts.intake import TOPIC as ALERTS
from bot.auditor.heartbeat import Heartbeat
from bot.auditor.looking import REPORT, Seen, overdue
from bot.catalog import Catalog
from bot.incidents import timeline
from bot.paging import ways
from bot.runbooks.clicks import TOPIC as STEPS
from bot.store import inbox, leases, outbox
from bot.store.database import Database, insert_of, wake_after_commit
from bot.store.tables import AuditorTurn, Stuck

log = structlog.get_logger(__name__)
EVERY = timedelta(minutes=1)
GRACE = 60.0
"""Seconds after a start in which what waited during the downtime is worked off."""
LOOK_EVERY = 5.0
LEASE = timedelta(seconds=60)
LONGEST_LEASE = timedelta(minutes=2)
"""No worker takes a lease for so long: one that ends later comes from a clock that was wrong."""
WAKES = (ways.TOPIC, ways.WAKES, STEPS, ALERTS, inbox.TOPIC, outbox.TOPIC)


class Auditor:
    """A worker; any number of replicas may run it, one of them looks."""

    def __init__(
        self, db: Database, catalog: Callable[[], Catalog], clock: Callable[[], datetime], heartbeat: Heartbeat
    ) -> None:
        self._db = db
        self._catalog = catalog
        self._clock = clock
        self._heartbeat = heartbeat
        self._owner = leases.new_owner()

    async def run(self) -> None:
        await asyncio.sleep(GRACE)
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY)

    async def look(self) -> list[Seen] | None:
        """Look if it is time and our turn, and ping the heartbeat if all is well; None where it is not."""
        turn = await self._claim()
        if turn is None:
            return None
        async with self._db.transaction() as session:
            now = self._clock()
            stuck = await overdue(session, now=now)
            due = {"next_at": now + EVERY, "looked_at": now, "passed": not stuck}
            if not await leases.finish(session, turn, **due):
                return None  # it took longer than its lease, and another replica looks
            await self._attend(session, stuck, now=now)
        if not stuck:
            await self._heartbeat.beat()
        return stuck

    async def _claim(self) -> AuditorTurn | None:
        now = self._clock()
        async with self._db.reading() as session:
            turn = await session.get(AuditorTurn, 1)
        if turn is not None and turn.next_at > now:
            return None
        async with self._db.transaction() as session:
            first = insert_of(session)(AuditorTurn).values(id=1, next_at=now, attempt=0, passed=True)
            await session.execute(first.on_conflict_do_nothing(index_elements=["id"]))
            due = col(AuditorTurn.next_at) <= now
            claimed = await leases.claim(session, AuditorTurn, due, owner=self._owner, now=now, lease=LEASE, limit=1)
        return claimed[0] if claimed else None

    async def _attend(self, session: AsyncSession, stuck: Sequence[Seen], *, now: datetime) -> None:
        """Repair what is new, tell of what was not repaired by that, forget what is over."""
        known = {row.key: row for row in (await session.execute(select(Stuck))).scalars()}
        over = known.keys() - {seen.key for seen in stuck}
        if over:
            await session.execute(delete(Stuck).where(col(Stuck.key).in_(over)))
            log.info("no longer stuck", what=sorted(over))
        for seen in stuck:
            if seen.key not in known:
                await self._repair(session, seen, now=now)
        still = [row for key, row in known.items() if key not in over and row.reported_at is None]
        if still:
            await self._report(session, still, now=now)
        await session.flush()

    async def _repair(self, session: AsyncSession, seen: Seen, *, now: datetime) -> None:
        log.error("stuck, set free", what=seen.key, since=seen.since.isoformat(), system=seen.system)
        session.add(
            Stuck(key=seen.key, kind=seen.kind, text=seen.text, system=seen.system, since=seen.since, found_at=now)
        )
        await _set_free(session, seen, now=now)
        wake_after_commit(session, *WAKES)
        if seen.incident is not None:
            text = f"Stuck since {seen.since:%H:%M} UTC: {seen.text}. It was set free"
            await timeline.add(session, seen.incident, kind="delivery", actor="badday", text=text, now=now)

    async def _report(self, session: AsyncSession, still: Sequence[Stuck], *, now: datetime) -> None:
        """One message to each person whom it concerns."""
        log.error("still stuck, told", what=[row.key for row in still])
        for person, rows in self._concerned(still).items():
            await outbox.post(
                session,
                key=f"auditor:{now:%Y%m%dT%H%M%S}:{person}",
                kind=REPORT,
                subject={"stuck": [{"text": row.text, "since": row.since.isoformat()} for row in rows]},
                channel=f"person:{person}",
                priority=outbox.Priority.PAGE,
                now=now,
            )
        for row in still:
            row.reported_at = now

    def _concerned(self, rows: Iterable[Stuck]) -> dict[str, list[Stuck]]:
        """Owners, each with what concerns their systems, or all of them."""
        systems = self._catalog().systems
        found: defaultdict[str, list[Stuck]] = defaultdict(list)
        for row in rows:
            known = systems.get(row.system) if row.system is not None else None
            concerned = [known] if known is not None else systems.values()
            for owner in dict.fromkeys(system.owner for system in concerned):
                found[owner].append(row)
        return found


async def _set_free(session: AsyncSession, seen: Seen, *, now: datetime) -> None:
    """End a lease that no living worker can hold. Its holder, if there is one after all, finds itself fenced."""
    table: Any = seen.table
    (key,) = inspect(seen.table).primary_key
    await session.execute(
        update(table)
        .where(getattr(table, key.key) == seen.id, table.lease_until > now + LONGEST_LEASE)
        .values(lease_until=now, attempt=table.attempt + 1)
        .execution_options(synchronize_session=False)
    )
