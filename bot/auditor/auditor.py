"""The auditor: once a minute one replica looks for what is stuck.

found for the first time    set free once: its lease ends, its workers are woken; the timeline says so
still there at the next     told once, by direct message to the owners of the systems that it concerns
gone                        forgotten; if it comes back it is a new one
nothing there at all        the outside heartbeat is pinged, so that silence itself alarms
nobody looked for long      Badday was down: what waited since then gets a minute to be worked off

A look holds no lock that a worker might wait for, and waits for none itself: what is stuck may be stuck behind a lock.
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
from bot.auditor.looking import LONGEST_LEASE, REPORT, Seen, overdue
from bot.catalog import Catalog
from bot.incidents import holds, timeline
from bot.incidents.races import locked
from bot.paging import ways
from bot.runbooks.clicks import TOPIC as STEPS
from bot.store import inbox, leases, outbox
from bot.store.database import Database, insert_of, wake_after_commit
from bot.store.tables import AuditorTurn, Leased, Stuck

log = structlog.get_logger(__name__)
EVERY = timedelta(minutes=1)
GRACE = timedelta(minutes=1)
"""After a downtime, for what waited through it. A shorter downtime makes nothing overdue: see bot.auditor.looking."""
LOOK_EVERY = 5.0
LEASE = timedelta(seconds=60)
FREE_WITHIN = 5.0
"""Seconds; a row that cannot be had in that time is in somebody's hands, and is told of at the next look."""
WAKES = (ways.TOPIC, ways.WAKES, holds.TOPIC, STEPS, ALERTS, inbox.TOPIC, outbox.TOPIC)


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
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY)

    async def look(self) -> list[Seen] | None:
        """Look if it is time and our turn, and ping the heartbeat if all is well; None where it is not."""
        turn = await self._claim()
        if turn is None:
            return None
        now = self._clock()
        if turn.looked_at is None or now - turn.next_at > GRACE:
            await self._put_off(turn, now=now)
            return None
        async with self._db.transaction() as session:
            stuck = await overdue(session, self._catalog(), now=now)
            due = {"next_at": now + EVERY, "looked_at": now, "passed": not stuck}
            if not await leases.finish(session, turn, **due):
                return None  # it took longer than its lease, and another replica looks
            new = await self._remember(session, stuck, now=now)
        for seen in new:
            await self._guarded(seen, now=now)
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

    async def _put_off(self, turn: AuditorTurn, *, now: datetime) -> None:
        async with self._db.transaction() as session:
            await leases.finish(session, turn, next_at=now + GRACE, looked_at=turn.looked_at or now)
        log.info("nobody looked for what is stuck for a while; looking in a minute")

    async def _remember(self, session: AsyncSession, stuck: Sequence[Seen], *, now: datetime) -> list[Seen]:
        """Keep what is new, tell of what was known and not told, forget what is over; returns what is new."""
        known = {row.key: row for row in (await session.execute(select(Stuck))).scalars()}
        over = known.keys() - {seen.key for seen in stuck}
        if over:
            await session.execute(delete(Stuck).where(col(Stuck.key).in_(over)))
            log.info("no longer stuck", what=sorted(over))
        new = [seen for seen in stuck if seen.key not in known]
        for seen in new:
            log.error("stuck, setting it free", what=seen.key, since=seen.since.isoformat(), system=seen.system)
            session.add(
                Stuck(key=seen.key, kind=seen.kind, text=seen.text, system=seen.system, since=seen.since, found_at=now)
            )
        still = [row for key, row in known.items() if key not in over and row.reported_at is None]
        if still:
            await self._report(session, still, now=now)
        await session.flush()
        return new

    async def _guarded(self, seen: Seen, *, now: datetime) -> None:
        """One that cannot be set free never keeps the others; the next look tells of it."""
        try:
            async with asyncio.timeout(FREE_WITHIN):
                await self._repair(seen, now=now)
        except Exception:
            log.exception("not set free", what=seen.key)

    async def _repair(self, seen: Seen, *, now: datetime) -> None:
        async with self._db.transaction() as session:
            if seen.incident is not None:
                await locked(session, seen.incident)  # its workers lock in this order too
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
    if not issubclass(seen.table, Leased):
        return  # its worker is woken, and that is all
    table: Any = seen.table
    (key,) = inspect(seen.table).primary_key
    await session.execute(
        update(table)
        .where(getattr(table, key.key) == seen.id, table.lease_until > now + LONGEST_LEASE)
        .values(lease_until=now, attempt=table.attempt + 1)
        .execution_options(synchronize_session=False)
    )
