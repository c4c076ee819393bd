"""Follows what changes did: a message in the incident's thread with the figures before and since, and a finding where
calls go on as if nothing had been changed.

    since the change | looked at
    0 to 2 minutes   | every ten seconds
    2 to 15 minutes  | every minute
    15 minutes       | for the last time; undone before that: at once
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog, System
from bot.effects.figures import Figures, add_up, has_no_effect, obeys
from bot.incidents import incidents, timeline
from bot.runbooks.life import State
from bot.store import leases, outbox
from bot.store.database import Database
from bot.store.tables import Effect, Finding, Incident, RunbookStep
from bot.trail.identity import microseconds
from bot.trail.queries import spending
from bot.trail.queries.answered import answered, first_call
from bot.trail.queries.spending import Spent
from bot.trail.storing.rollups import MINUTE_US

log = structlog.get_logger(__name__)

KIND = "no_effect"
BEFORE = timedelta(minutes=5)
"""How far back the figures before a change reach."""
DRAWN = timedelta(minutes=10)
"""How far back the minutes of the chart reach."""
NO_EFFECT_AFTER = timedelta(minutes=5)
FIRST_LOOK = timedelta(seconds=5)
"""Exporters hold calls back for five seconds."""
JUDGED = timedelta(minutes=3)
"""The last complete minutes by which it is judged whether a change is obeyed."""
SETTLED_AFTER = timedelta(minutes=15)
LOOK_EVERY = 2.0
LEASE = timedelta(seconds=30)
AT_ONCE = 20
_MINUTE = timedelta(minutes=1)


class EffectKeeper:
    """A worker of the role `page`; any number of them may run."""

    def __init__(self, db: Database, catalog: Callable[[], Catalog], clock: Callable[[], datetime]) -> None:
        self._db = db
        self._catalog = catalog
        self._clock = clock
        self._owner = leases.new_owner()

    async def run(self) -> None:
        while True:
            await self.look()
            await self._db.woken("steps", timeout=LOOK_EVERY)

    async def look(self) -> int:
        """Begin to follow new changes, and look at those that are due; returns how many."""
        now = self._clock()
        await self._begin(now)
        async with self._db.reading() as session:
            due = select(col(Effect.id)).where(col(Effect.due) <= now).limit(1)
            if (await session.execute(due)).first() is None:
                return 0
        async with self._db.transaction() as session:
            rows = await leases.claim(
                *(session, Effect, col(Effect.due) <= now),
                owner=self._owner,
                now=now,
                lease=LEASE,
                limit=AT_ONCE,
                order_by=(col(Effect.due),),
            )
        for row in rows:
            async with self._db.transaction() as session:
                await self._follow(session, row, now)
        return len(rows)

    async def _begin(self, now: datetime) -> None:
        fresh = (
            select(RunbookStep)
            .outerjoin(
                Effect,
                (col(Effect.step_id) == col(RunbookStep.id)) & (col(Effect.changed_at) == col(RunbookStep.finished_at)),
            )
            .where(
                col(RunbookStep.state) == State.DONE,
                col(RunbookStep.previous).is_not(None),
                col(RunbookStep.finished_at) > now - SETTLED_AFTER,
                col(Effect.id).is_(None),
            )
        )
        async with self._db.reading() as session:
            waiting = (await session.execute(fresh)).scalars().all()
        for step in waiting:
            async with self._db.transaction() as session:
                await self._first(session, step, now)

    async def _first(self, session: AsyncSession, step: RunbookStep, now: datetime) -> None:
        # Held, so that two replicas do not begin to follow the same change.
        held = await session.get(RunbookStep, step.id, with_for_update=True, populate_existing=True)
        if held is None or held.finished_at is None or held.state != State.DONE or held.id is None:
            return
        known = select(Effect).where(col(Effect.step_id) == held.id, col(Effect.changed_at) == held.finished_at)
        if (await session.execute(known)).first() is not None:
            return
        incident = await session.get_one(Incident, held.incident_id)
        system = self._catalog().systems.get(incident.system)
        before = Figures()
        if system is not None:
            since = await first_call(session, system.name, held.finished_at - BEFORE) or held.finished_at
            rows = await answered(session, system.name, since, held.finished_at)
            before = add_up(self._catalog(), system, rows, (held.finished_at - since) / _MINUTE)
        session.add(
            Effect(
                step_id=held.id,
                incident_id=held.incident_id,
                system=incident.system,
                changed_at=held.finished_at,
                before=before.to_json(),
                due=now + FIRST_LOOK,
            )
        )

    async def _follow(self, session: AsyncSession, row: Effect, now: datetime) -> None:
        catalog = self._catalog()
        step = await session.get_one(RunbookStep, row.step_id)
        system = catalog.systems.get(row.system)
        over = system is None or step.state != State.DONE or step.finished_at != row.changed_at
        changes: dict[str, object] = {"due": None if over else _next(row, now)}
        if system is not None and not over:
            minutes = await spending.by_minute(session, row.changed_at - DRAWN, now, system=system.name)
            since = await answered(session, system.name, row.changed_at)
            changes["series"] = _series(minutes)
            changes["after"] = add_up(catalog, system, since, (now - row.changed_at) / _MINUTE).to_json()
            changes["finding_id"] = await self._judge(session, catalog, system, row, step, minutes, now)
        elif row.finding_id is not None:
            await _clear(session, row.finding_id, now)
        if not await leases.finish(session, row, **changes):
            return
        for name, value in changes.items():
            setattr(row, name, value)
        await _show(session, row, now)

    async def _judge(
        self,
        session: AsyncSession,
        catalog: Catalog,
        system: System,
        row: Effect,
        step: RunbookStep,
        minutes: Sequence[Spent],
        now: datetime,
    ) -> int | None:
        """The finding that the change has no effect, opened and cleared as calls show it."""
        rule = obeys(catalog, system, step.action or "", step.arguments or {})
        if rule is None or now - row.changed_at < NO_EFFECT_AFTER:
            return row.finding_id
        last = _minute(now - JUDGED)
        failed = has_no_effect([each for each in minutes if last <= each.start < _minute(now)], rule)
        if failed and row.finding_id is None:
            return await _open(session, row, step, now)
        if not failed and row.finding_id is not None:
            await _clear(session, row.finding_id, now)
            return None
        return row.finding_id


def _next(row: Effect, now: datetime) -> datetime | None:
    """When to look next; None at the end."""
    age = now - row.changed_at
    if age >= SETTLED_AFTER:
        return None
    return now + (timedelta(seconds=10) if age < timedelta(minutes=2) else _MINUTE)


def _minute(at: datetime) -> int:
    return microseconds(at) // MINUTE_US


def _series(rows: Sequence[Spent]) -> list[dict[str, int]]:
    found: dict[int, dict[str, int]] = {}
    for row in rows:
        one = found.setdefault(row.start, {"minute": row.start, "calls": 0, "failed": 0, "cost_nano": 0})
        one["calls"] += row.calls
        one["failed"] += row.errors
        one["cost_nano"] += row.cost_nano
    return [found[minute] for minute in sorted(found)]


async def _open(session: AsyncSession, row: Effect, step: RunbookStep, now: datetime) -> int:
    incident = await session.get_one(Incident, row.incident_id)
    change = (step.result or {}).get("change") or step.title
    minutes = round(NO_EFFECT_AFTER / _MINUTE)
    finding = Finding(
        kind=KIND,
        subject=f"{row.system}/{step.name}",
        system=row.system,
        severity=incident.severity,
        title=f"no effect after {minutes} minutes: {change}",
        evidence={"known": f"Calls go on as before {minutes} minutes after: {change}", "step": step.id},
        dedupe_key=f"{KIND}:{row.step_id}:{row.changed_at.isoformat()}",
        opened_at=now,
    )
    session.add(finding)
    await session.flush()
    assert finding.id is not None
    log.warning("finding", kind=KIND, subject=finding.subject, incident=row.incident_id)
    await incidents.link(session, incident, [finding.id])
    await timeline.add(
        session,
        row.incident_id,
        kind="delivery",
        actor="badday",
        text=f"No effect after {minutes} minutes: {change}. Calls go on as before; it can be undone in this thread",
        data={"step": step.id, "finding": finding.id},
        now=now,
        show=True,
    )
    return finding.id


async def _clear(session: AsyncSession, finding_id: int, now: datetime) -> None:
    finding = await session.get(Finding, finding_id)
    if finding is not None and finding.cleared_at is None:
        finding.cleared_at = now


async def _show(session: AsyncSession, row: Effect, now: datetime) -> None:
    """One message a change, from the moment at which there is something to say."""
    if not Figures.from_json(row.before).calls and not Figures.from_json(row.after).calls:
        return
    assert row.id is not None
    incident = await session.get_one(Incident, row.incident_id)
    key = f"effect:{row.id}"
    if await outbox.get(session, key) is not None:
        await outbox.edit(session, key, now=now, urgent=False)
        return
    await outbox.post(
        session,
        key=key,
        kind="effect",
        subject={"effect": row.id},
        channel=incident.channel,
        thread_key=timeline.root_key(row.incident_id),
        incident_id=row.incident_id,
        priority=outbox.Priority.REPLY,
        now=now,
    )
