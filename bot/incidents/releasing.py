"""Lets go of what was held back: when the reason has gone and the finding is still true, its incident opens then.

Also begins silences that were planned for later. Any number of replicas may run it: each row is taken under its lock,
and looked at again there.
"""

from collections.abc import Callable, Collection
from datetime import datetime

import structlog
from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog
from bot.incidents import findings, holds, inhibition, owners, silences, silencing, timeline, windows
from bot.spans import clock
from bot.store.database import Database
from bot.store.tables import Finding, Hold, Incident, Silence

log = structlog.get_logger(__name__)
LOOK_EVERY = 0.5
"""Seconds; a silence ends to the second."""


class Releaser:
    """A worker. What cannot be released is logged and tried again; it never stops the others."""

    def __init__(self, db: Database, catalog: Callable[[], Catalog], clock: Callable[[], datetime]) -> None:
        inhibition.rules()  # a mistake in the table shows at start
        self._db = db
        self._catalog = catalog
        self._clock = clock

    async def run(self) -> None:
        while True:
            await self.work()
            await self._db.woken(holds.TOPIC, timeout=LOOK_EVERY)

    async def work(self) -> int:
        """Begin the silences that are due, release what nothing holds any more; returns how many findings."""
        async with self._db.reading() as session:
            due = await _due(session, self._clock())
            loose = await _loose(session, self._catalog(), self._clock())
        for silence_id in due:
            await self._begin(silence_id)
        return sum([await self._guarded(hold_id) for hold_id in loose])

    async def _begin(self, silence_id: int) -> None:
        try:
            async with self._db.transaction() as session:
                await silencing.begin(session, self._catalog(), silence_id, now=self._clock())
        except Exception:
            log.exception("silence not begun, tried again", silence=silence_id)

    async def _guarded(self, hold_id: int) -> bool:
        try:
            return await self._release(hold_id)
        except Exception:
            log.exception("finding not released, tried again", hold=hold_id)
            return False

    async def _release(self, hold_id: int) -> bool:
        async with self._db.transaction() as session:
            hold = await session.get(Hold, hold_id, with_for_update=True, populate_existing=True)
            if hold is None or hold.released_at is not None:
                return False
            finding = await session.get_one(Finding, hold.finding_id, populate_existing=True)
            now = self._clock()
            hold.released_at = now
            await session.flush()
            if finding.cleared_at is not None:
                return False
            # It may be held again, for another reason.
            for incident in await findings.opened(session, self._catalog(), finding, now=now, only=hold.system):
                assert incident.id is not None
                text = f"Known since {clock(finding.opened_at, now)}; held back until now by {_words(hold)}"
                await timeline.add(session, incident.id, kind="released", actor="badday", text=text, now=now, show=True)
                await owners.tell(session, self._catalog(), finding, incident, now=now)
        log.info("finding released", finding=finding.id, system=hold.system, held_by=hold.held_by)
        return True


async def _due(session: AsyncSession, now: datetime) -> list[int]:
    statement = select(Silence).where(
        col(Silence.begun_at).is_(None),
        col(Silence.cancelled_at).is_(None),
        col(Silence.starts_at) <= now,
        col(Silence.ends_at) > now,
    )
    return [one.id for one in (await session.execute(statement)).scalars() if one.id is not None]


async def _loose(session: AsyncSession, catalog: Catalog, now: datetime) -> list[int]:
    """The holds whose reason has gone."""
    found = await holds.standing(session)
    if not found:
        return []
    silent = {f"silence:{one.id}" for one in await silences.current(session, now) if silences.is_in_force(one, now)}
    explaining = await _incidents(session, {hold.held_by for hold, _ in found})
    return [
        hold.id
        for hold, finding in found
        if hold.id is not None
        if hold.held_by not in silent
        if not _in_window(catalog, hold, now)
        if hold.held_by not in explaining or not holds.explains(explaining[hold.held_by], finding)
    ]


async def _incidents(session: AsyncSession, held_by: Collection[str]) -> dict[str, Incident]:
    """The incidents among what holds."""
    ids = {int(number) for kind, _, number in (one.partition(":") for one in held_by) if kind == "incident"}
    if not ids:
        return {}
    statement = select(Incident).where(col(Incident.id).in_(ids))
    return {f"incident:{one.id}": one for one in (await session.execute(statement)).scalars()}


def _in_window(catalog: Catalog, hold: Hold, now: datetime) -> bool:
    kind, _, name = hold.held_by.partition(":")
    window = catalog.maintenance.get(name) if kind == "maintenance" else None
    return window is not None and windows.is_about(window, hold.system) and windows.is_in_force(window, now)


def _words(hold: Hold) -> str:
    kind, _, name = hold.held_by.partition(":")
    return f"{kind} {name} ({hold.reason})"
