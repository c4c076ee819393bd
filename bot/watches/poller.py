"""The polling worker: claims URLs that are due, polls them side by side, and records the answers in batches.

Any number of pollers may run on one database. A URL is claimed by a lease that is short, so that another poller takes
over soon after this one died, and that is prolonged while a slow page is waited for.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy import delete, select, update
from sqlmodel import col

from bot.catalog import Catalog
from bot.store import leases
from bot.store.database import Database
from bot.store.tables import Observation, PollTarget
from bot.watches.http import Failed, Http
from bot.watches.polls import Claimed, Result
from bot.watches.recording import record
from bot.watches.shapes import StatusError
from bot.watches.source import Polled, source_for

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=5)
PROLONG_EVERY = 1.5
LOOK_EVERY = 0.2
"""Seconds between two looks for URLs that are due."""
MAX_CLAIMED = 256
"""URLs that one process works on at a time."""
GATHER = 0.1
"""Seconds that a full batch may be waited for while more answers are on their way; one commit costs a disk write."""
MAX_BATCH = 128
KEEP_GOOD = timedelta(hours=6)
"""A good observation is worth little later; one that was bad or could not be made is evidence."""
KEEP_OTHERS = timedelta(days=2)
PRUNE_EVERY = 600.0
PRUNED_AT_ONCE = 10_000


class Poller:
    """Run it for ever as a worker; a database error ends `run`, and the leases are given back."""

    def __init__(
        self,
        db: Database,
        catalog: Callable[[], Catalog],
        clock: Callable[[], datetime],
        *,
        http: Callable[[], Http] | None = None,
        owner: str | None = None,
    ) -> None:
        self._db = db
        self._catalog = catalog
        self._clock = clock
        self._new_http = http or (lambda: Http(clock=clock))
        self.owner = owner or leases.new_owner()
        self._claimed: dict[str, Claimed] = {}
        self._results: asyncio.Queue[Result] = asyncio.Queue()

    async def run(self) -> None:
        """Poll until cancelled."""
        self._claimed, self._results = {}, asyncio.Queue()
        try:
            async with self._new_http() as http, asyncio.TaskGroup() as tasks:
                tasks.create_task(self._claim_for_ever(http, tasks))
                tasks.create_task(self._record_for_ever())
                tasks.create_task(self._prolong_for_ever())
                tasks.create_task(self._prune_for_ever())
        finally:
            await self._release()

    async def _claim_for_ever(self, http: Http, tasks: asyncio.TaskGroup) -> None:
        while True:
            claimed = await self._claim(MAX_CLAIMED - len(self._claimed))
            for target in claimed:
                self._claimed[target.id] = target
                tasks.create_task(self._poll(http, target))
            await self._db.woken("watches", timeout=LOOK_EVERY)

    async def _claim(self, room: int) -> list[Claimed]:
        if room <= 0:
            return []
        now = self._clock()
        async with self._db.transaction() as session:
            rows = await leases.claim(
                session,
                PollTarget,
                col(PollTarget.active).is_(True),
                col(PollTarget.next_due) <= now,
                owner=self.owner,
                now=now,
                lease=LEASE,
                limit=room,
                order_by=(col(PollTarget.next_due),),
            )
        return [Claimed.of(row, now=now) for row in rows]

    async def _poll(self, http: Http, target: Claimed) -> None:
        polled: Polled
        try:
            polled = await source_for(target.engine).poll(http, target.url, target.known)
        except StatusError as error:  # another version of the bot knows an engine that this one does not
            polled = Failed(str(error))
        self._results.put_nowait(Result(target, polled, self._clock()))

    async def _record_for_ever(self) -> None:
        while True:
            batch = await self._batch()
            now = self._clock()
            async with self._db.transaction() as session:
                await record(session, self._catalog(), batch, owner=self.owner, now=now)
            for result in batch:
                if self._claimed.get(result.target.id) is result.target:
                    del self._claimed[result.target.id]

    async def _batch(self) -> list[Result]:
        """The answers that have come, and those that come soon where more are on their way."""
        batch = [await self._results.get()]
        try:
            async with asyncio.timeout(GATHER):
                while len(batch) < min(MAX_BATCH, len(self._claimed)):
                    batch.append(await self._results.get())
        except TimeoutError:
            pass
        return batch

    async def _prolong_for_ever(self) -> None:
        while True:
            await asyncio.sleep(PROLONG_EVERY)
            if not self._claimed:
                continue
            statement = (
                update(PollTarget)
                .where(col(PollTarget.lease_owner) == self.owner, col(PollTarget.id).in_(list(self._claimed)))
                .values(lease_until=self._clock() + LEASE)
            )
            async with self._db.transaction() as session:
                await session.execute(statement, execution_options={"synchronize_session": False})

    async def _prune_for_ever(self) -> None:
        while True:
            await self.prune()
            await asyncio.sleep(PRUNE_EVERY)

    async def prune(self) -> None:
        """Forget observations that nobody asks for any more, a part at a time: nothing waits long for the lock."""
        now = self._clock()
        good, at = col(Observation.verdict) == "good", col(Observation.at)
        old = (good & (at < now - KEEP_GOOD)) | (at < now - KEEP_OTHERS)
        deleted = PRUNED_AT_ONCE
        while deleted == PRUNED_AT_ONCE:
            chosen = select(col(Observation.id)).where(old).limit(PRUNED_AT_ONCE).scalar_subquery()
            statement = delete(Observation).where(col(Observation.id).in_(chosen)).returning(col(Observation.id))
            async with self._db.transaction() as session:
                result = await session.execute(statement, execution_options={"synchronize_session": False})
                deleted = len(result.all())

    async def _release(self) -> None:
        """Give the leases back, so that another poller, or this one after a restart, goes on at once."""
        if not self._claimed:
            return
        statement = (
            update(PollTarget)
            .where(col(PollTarget.lease_owner) == self.owner)
            .values(lease_owner=None, lease_until=None)
        )
        async with self._db.transaction() as session:
            await session.execute(statement, execution_options={"synchronize_session": False})
