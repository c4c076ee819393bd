"""Work on the trail that excludes other work: one replica does it, and retention waits for imports."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store import leases
from bot.store.database import Database, insert_of
from bot.store.tables import TrailJob

IMPORT = "import:"
IMPORT_LEASE = timedelta(minutes=2)
"""An import that died holds retention off no longer."""
_HEARTBEAT = IMPORT_LEASE / 4


async def claim(session: AsyncSession, name: str, *, owner: str, now: datetime, lease: timedelta) -> TrailJob | None:
    """Take the job of this name; None while another replica does it."""
    insert = insert_of(session)
    await session.execute(insert(TrailJob).values(name=name, attempt=0).on_conflict_do_nothing())
    claimed = await leases.claim(
        session, TrailJob, col(TrailJob.name) == name, owner=owner, now=now, lease=lease, limit=1
    )
    return claimed[0] if claimed else None


async def is_importing(session: AsyncSession, now: datetime) -> bool:
    """Whether an import is running on any machine."""
    query = select(TrailJob.name).where(col(TrailJob.name).startswith(IMPORT), col(TrailJob.lease_until) > now)  # type: ignore[call-overload]
    return (await session.execute(query.limit(1))).first() is not None


@asynccontextmanager
async def importing(db: Database, clock: Callable[[], datetime]) -> AsyncIterator[None]:
    """While this is open retention removes nothing: what is imported may be older than what it keeps."""
    owner = leases.new_owner()
    name = f"{IMPORT}{owner}"
    async with db.transaction() as session:
        await claim(session, name, owner=owner, now=clock(), lease=IMPORT_LEASE)
    beating = asyncio.create_task(_beat(db, name, clock))
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)
        async with db.transaction() as session:
            await session.execute(delete(TrailJob).where(col(TrailJob.name) == name))


async def _beat(db: Database, name: str, clock: Callable[[], datetime]) -> None:
    while True:
        await asyncio.sleep(_HEARTBEAT.total_seconds())
        async with db.transaction() as session:
            statement = update(TrailJob).where(col(TrailJob.name) == name).values(lease_until=clock() + IMPORT_LEASE)
            await session.execute(statement)
