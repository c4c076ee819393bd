"""Which systems may be changed: until its owner arms it, steps of a system only show what they would do."""

from datetime import datetime

from sqlalchemy import select, update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog
from bot.runbooks.life import State
from bot.store import audit, outbox
from bot.store.tables import Arming, Incident, RunbookStep

ASKED_OF_PEOPLE = (State.OFFERED, State.FAILED, State.DRY_RUN, State.SKIPPED, State.UNDONE, State.UNKNOWN)
"""States of steps whose button would do something else once the system is armed or disarmed."""


async def is_armed(session: AsyncSession, catalog: Catalog, system: str) -> bool:
    """Whether steps change anything: as it was armed or disarmed last, else as the catalog says.

    A system that left the catalog is not armed.
    """
    entry = catalog.systems.get(system)
    if entry is None:
        return False
    row = await session.get(Arming, system, populate_existing=True)
    return entry.armed if row is None else row.armed


async def arm(session: AsyncSession, catalog: Catalog, system: str, *, actor: str, now: datetime) -> bool:
    """Let steps of the system change things; False when it was armed. Raises LookupError for an unknown system."""
    return await _set(session, catalog, system, armed=True, actor=actor, now=now)


async def disarm(session: AsyncSession, catalog: Catalog, system: str, *, actor: str, now: datetime) -> bool:
    """Let steps of the system only show what they would do; False when it was so. Raises LookupError."""
    return await _set(session, catalog, system, armed=False, actor=actor, now=now)


async def _set(session: AsyncSession, catalog: Catalog, system: str, *, armed: bool, actor: str, now: datetime) -> bool:
    if system not in catalog.systems:
        raise LookupError(f"the catalog has no system {system!r}; it has: {', '.join(catalog.systems)}")
    before = await is_armed(session, catalog, system)
    if before == armed:
        return False
    await session.merge(Arming(system=system, armed=armed, changed_at=now, changed_by=actor))
    await audit.record(
        session,
        actor=actor,
        action="system.arm" if armed else "system.disarm",
        object=system,
        before=before,
        after=armed,
        now=now,
    )
    await _show(session, system, armed=armed, now=now)
    return True


async def _show(session: AsyncSession, system: str, *, armed: bool, now: datetime) -> None:
    """Make old buttons stale, since they said something else than what they would do now, and show new ones."""
    of_system = select(col(Incident.id)).where(col(Incident.system) == system, col(Incident.resolved_at).is_(None))
    statement = (
        update(RunbookStep)
        .where(col(RunbookStep.incident_id).in_(of_system), col(RunbookStep.state).in_(ASKED_OF_PEOPLE))
        .where(col(RunbookStep.action).is_not(None))
        .values(dry_run=not armed, version=RunbookStep.version + 1)
        .returning(col(RunbookStep.id))
        .execution_options(synchronize_session=False)
    )
    for step_id in (await session.execute(statement)).scalars().all():
        await outbox.edit(session, f"step:{step_id}", now=now, urgent=True)
