"""Keeps the trail small and its bodies private: bodies a month, calls a year and a month, sums by hour for ever.

It also trains the dictionary with which bodies are compressed, once there are bodies enough and then every week.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import delete, func, select, text
from sqlmodel import col

from bot.store import leases
from bot.store.database import Database
from bot.store.tables import BodyDictionary, CallBody, TrailJob
from bot.trail.identity import id_floor, microseconds
from bot.trail.retention import jobs
from bot.trail.retention.removing import Removed, Remover

log = structlog.get_logger(__name__)

JOB = "retention"
BODIES_FOR = timedelta(days=30)
CALLS_FOR = timedelta(days=400)
MINUTES_FOR = timedelta(days=2)
LOOK_EVERY = 60.0
"""Seconds; a new trail waits for its dictionary no longer."""
REMOVE_EVERY = timedelta(hours=1)
LEASE = timedelta(minutes=5)
TRAIN_EVERY = timedelta(days=7)
ENOUGH_BODIES = 2_000
LONGEST_SAMPLE = 16_384
"""Bytes of one text that a dictionary is trained on."""


class TrailRetention:
    """A worker. Any number may run on one database: a lease lets one of them work."""

    def __init__(self, db: Database, clock: Callable[[], datetime], *, owner: str | None = None) -> None:
        self._db = db
        self._clock = clock
        self._owner = owner or leases.new_owner()
        self._removed_at: datetime | None = None
        self._untrainable_until: datetime | None = None

    async def run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY)

    async def look(self) -> Removed | None:
        """Train a dictionary and remove what is old, each when it is due. None: another replica does, or an import."""
        now = self._clock()
        async with self._db.transaction() as session:
            if await jobs.is_importing(session, now):
                return None
            job = await jobs.claim(session, JOB, owner=self._owner, now=now, lease=LEASE)
        if job is None:
            return None
        try:
            await self._train(now)
            await self._settle_words()
            if self._removed_at is not None and now < self._removed_at + REMOVE_EVERY:
                return Removed()
            removed = await self._remove(job, now)
            self._removed_at = now
            return removed
        finally:
            async with self._db.transaction() as session:
                await leases.finish(session, job)

    async def _remove(self, job: TrailJob, now: datetime) -> Removed:
        held_at = now

        async def still_ours() -> bool:
            nonlocal held_at
            moment = self._clock()
            if moment < held_at + LEASE / 5:
                return True
            held_at = moment
            async with self._db.transaction() as session:
                if await jobs.is_importing(session, moment):
                    return False
                return await leases.extend(session, job, now=moment, lease=LEASE)

        remover = Remover(self._db, still_ours)
        await remover.minutes(now - MINUTES_FOR)
        await remover.bodies(now - BODIES_FOR)
        await remover.calls(now - CALLS_FOR)
        await self._forget_dictionaries(now)
        removed = remover.removed
        if removed != Removed():
            log.info(
                "old rows of the trail removed",
                bodies=removed.bodies,
                calls=removed.calls,
                spans=removed.spans,
                minutes=removed.minutes,
                words=removed.words,
            )
        return removed

    async def _train(self, now: datetime) -> None:
        if self._untrainable_until is not None and now < self._untrainable_until:
            return
        async with self._db.reading() as session:
            newest = (await session.execute(select(func.max(col(BodyDictionary.made_at))))).scalar_one()
            if newest is not None and now < newest + TRAIN_EVERY:
                return
            query = select(CallBody).order_by(col(CallBody.call_id).desc()).limit(ENOUGH_BODIES)
            bodies = list((await session.execute(query)).scalars())
            if len(bodies) < ENOUGH_BODIES:
                return
            wanted = {body.dictionary_id for body in bodies} - {None}
            known = select(BodyDictionary).where(col(BodyDictionary.id).in_(wanted))
            dictionaries = {one.id or 0: one.content for one in (await session.execute(known)).scalars()}
        try:
            content = await asyncio.to_thread(_trained, bodies, dictionaries)
        except ValueError as error:  # bodies too much alike: without a dictionary they are as small as it gets
            log.info("no dictionary for bodies", why=str(error))
            self._untrainable_until = now + TRAIN_EVERY
            return
        async with self._db.transaction() as session:
            session.add(BodyDictionary(made_at=now, content=content))
        log.info("trained a dictionary for bodies", bodies=len(bodies), size=len(content))

    async def _settle_words(self) -> None:
        """PostgreSQL: put the words in order that the writer only listed, so that searches stay quick."""
        if self._db.dialect != "postgresql":
            return
        query = (
            "SELECT sum(gin_clean_pending_list(i.indexrelid)) FROM pg_inherits JOIN pg_index i ON i.indrelid = inhrelid"
            " JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam"
            " WHERE inhparent = 'call_words'::regclass AND a.amname = 'gin'"
        )
        async with self._db.transaction() as session:
            await session.execute(text(query))

    async def _forget_dictionaries(self, now: datetime) -> None:
        """Dictionaries hold pieces of the bodies that they were trained on, and go when no body needs them.

        After a newer one had been there for as long as bodies are kept, only bodies that were kept beyond it can.
        """
        before = now - BODIES_FOR - timedelta(days=1)
        floor = id_floor(microseconds(before))
        async with self._db.transaction() as session:
            made = select(col(BodyDictionary.id)).where(col(BodyDictionary.made_at) < before)
            replaced = sorted((await session.execute(made)).scalars())[:-1]
            if not replaced:
                return
            kept = select(col(CallBody.dictionary_id)).where(col(CallBody.call_id) < floor).distinct()
            needed = set((await session.execute(kept)).scalars())
            unneeded = [one for one in replaced if one not in needed]
            await session.execute(delete(BodyDictionary).where(col(BodyDictionary.id).in_(unneeded)))


def _trained(bodies: Sequence[CallBody], dictionaries: dict[int, bytes]) -> bytes:
    from bot.trail.storing.bodies import Codec, train

    codec = Codec(dictionaries, None)
    packed = ((one, body.dictionary_id) for body in bodies for one in (body.input, body.output) if one is not None)
    return train([codec.unpack(one, known).encode("utf-8", "replace")[:LONGEST_SAMPLE] for one, known in packed])
