"""Who stands in for whom: put in by somebody, until a time, with a reason; nothing is ever deleted.

rotation/support            the rotation as a whole, and so its first layer
rotation/support/primary    one of its layers
system/support-bot          the owner of a system
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import bindparam, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog
from bot.incidents import timeline
from bot.paging.groups import Members, members
from bot.paging.rotations import Override
from bot.store import audit, outbox
from bot.store.tables import CoverOverride, Incident

LONGEST = timedelta(days=92)
LATEST_START = timedelta(days=366)


class CoverError(Exception):
    """Cover cannot be changed as asked; the message says why, and what can be done instead."""


@dataclass(frozen=True, slots=True)
class StandIns:
    """What is known beside the catalog of who is reached: those who stand in, sorted by what they stand in for, and
    the members of Slack user groups. People who left the catalog do not count."""

    by_target: dict[str, list[Override]] = field(default_factory=dict)
    groups: Mapping[str, Members] = field(default_factory=dict)
    """By the name of the catalog's group."""

    @classmethod
    def of(cls, rows: Iterable[CoverOverride], catalog: Catalog) -> "StandIns":
        found: dict[str, list[Override]] = {}
        for row in rows:
            if row.person not in catalog.people:
                continue
            target, layer = _parts(row.target)
            one = Override(row.id or 0, layer, row.person, row.starts_at, row.ends_at)
            found.setdefault(target, []).append(one)
        return cls(found)

    def in_rotation(self, name: str) -> Sequence[Override]:
        return self.by_target.get(f"rotation/{name}", ())

    def of_owner(self, system: str) -> Sequence[Override]:
        return self.by_target.get(f"system/{system}", ())


async def current(session: AsyncSession, now: datetime) -> Sequence[CoverOverride]:
    """Those that are in force or will be, the earliest first."""
    return (await session.execute(CURRENT, {"now": now})).scalars().all()


CURRENT = (
    select(CoverOverride)
    .where(col(CoverOverride.cancelled_at).is_(None), col(CoverOverride.ends_at) > bindparam("now"))
    .order_by(col(CoverOverride.starts_at), col(CoverOverride.id))
)
"""Those that are in force or will be at `now`."""


async def stand_ins(session: AsyncSession, catalog: Catalog, now: datetime) -> StandIns:
    """Everybody who stands in now or later, and who is in a Slack user group."""
    return replace(StandIns.of(await current(session, now), catalog), groups=await members(session, catalog))


async def put_in(
    session: AsyncSession,
    catalog: Catalog,
    *,
    target: str,
    person: str,
    starts: datetime,
    ends: datetime,
    reason: str,
    actor: str,
    now: datetime,
) -> CoverOverride:
    """Let somebody stand in; of several the one put in last counts. Raises CoverError."""
    _check_target(catalog, target)
    if person not in catalog.people:
        raise CoverError(f"{person} is not a person of the catalog; there are: {', '.join(sorted(catalog.people))}")
    if ends <= starts:
        raise CoverError("it would end before it begins")
    if ends <= now:
        raise CoverError("that time is over already")
    if starts > now + LATEST_START:
        raise CoverError("it would begin in more than a year")
    if ends - starts > LONGEST:
        raise CoverError(
            f"it would last longer than {LONGEST.days} days; change the rotation or the owner in badday.yaml instead"
        )
    row = CoverOverride(
        target=target,
        person=person,
        starts_at=starts,
        ends_at=ends,
        reason=reason,
        created_at=now,
        created_by=actor,
    )
    session.add(row)
    await session.flush()
    told = {"target": target, "person": person, "starts": starts.isoformat(), "ends": ends.isoformat()}
    await audit.record(session, actor=actor, action="cover.put_in", object=f"override:{row.id}", after=told, now=now)
    await _show(session, now)
    return row


async def cancel(
    session: AsyncSession, catalog: Catalog, override_id: int, *, actor: str, now: datetime
) -> CoverOverride:
    """End it now, or never let it begin. Raises CoverError where there is none, or it is over."""
    statement = (
        select(CoverOverride)
        .where(col(CoverOverride.id) == override_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    row: CoverOverride | None = (await session.execute(statement)).scalar_one_or_none()
    if row is None:
        raise CoverError(f"there is no override {override_id}")
    if row.cancelled_at is not None:
        by = catalog.people.get(row.cancelled_by or "")
        raise CoverError(f"{by.name if by else row.cancelled_by} cancelled override {override_id} already")
    if row.ends_at <= now:
        raise CoverError(f"override {override_id} is over already")
    row.cancelled_at, row.cancelled_by = now, actor
    await session.flush()
    await audit.record(session, actor=actor, action="cover.cancel", object=f"override:{row.id}", now=now)
    await _show(session, now)
    return row


def _check_target(catalog: Catalog, target: str) -> None:
    kind, _, name = target.partition("/")
    rotation, _, layer = name.partition("/")
    if kind == "system" and name in catalog.systems:
        return
    known = catalog.rotations.get(rotation) if kind == "rotation" else None
    if known is None:
        raise CoverError(f"there is neither a rotation nor a system {name!r} in the catalog")
    if layer and layer not in {one.name for one in known.layers}:
        layers = ", ".join(one.name for one in known.layers)
        raise CoverError(f"rotation {rotation} has no layer {layer!r}; it has: {layers}")


def _parts(target: str) -> tuple[str, str | None]:
    """A target without its layer, and the layer."""
    kind, _, name = target.partition("/")
    if kind != "rotation":
        return target, None
    rotation, _, layer = name.partition("/")
    return f"rotation/{rotation}", layer or None


async def _show(session: AsyncSession, now: datetime) -> None:
    """Open incidents name who is paged next, which may be somebody else now."""
    statement = select(col(Incident.id)).where(col(Incident.resolved_at).is_(None))
    for incident_id in (await session.execute(statement)).scalars().all():
        await outbox.edit(session, timeline.root_key(incident_id), now=now)
