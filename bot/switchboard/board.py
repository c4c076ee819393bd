"""What is in force for each key of the switchboard, and the one way to change it.

The catalog says which keys exist and what they may be (bot.switchboard.keys), the store holds what was changed.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog
from bot.store import audit
from bot.store.database import insert_of, wake_after_commit
from bot.store.tables import AuditEntry, Switch
from bot.switchboard.keys import (
    Kind,
    RefusedValueError,
    SwitchboardError,
    SwitchKey,
    UnknownKeyError,
    Value,
    known_key,
    known_keys,
    variant,
)

__all__ = [
    "CHANGE",
    "FEATURE",
    "ROUTE",
    "TOPIC",
    "RefusedValueError",
    "SwitchValue",
    "SwitchboardError",
    "UnknownKeyError",
    "Value",
    "all_values",
    "change",
    "history",
    "value",
    "version",
]

ROUTE = "route."
FEATURE = "feature."
TOPIC = "switchboard"
CHANGE = "switchboard.change"
"""The audit log's word for it."""


@dataclass(frozen=True, slots=True)
class SwitchValue:
    """What is in force for one key; `changed_at` and `changed_by` are None where nobody changed it."""

    of: SwitchKey
    value: Value
    changed_at: datetime | None = None
    changed_by: str | None = None

    @property
    def key(self) -> str:
        return self.of.key

    @property
    def system(self) -> str | None:
        return self.of.system

    @property
    def variant(self) -> str:
        return variant(self.of.kind, self.value)


async def value(session: AsyncSession, catalog: Catalog, key: str) -> SwitchValue | None:
    """What is in force for one key; None for a key that the catalog does not have."""
    known = known_key(catalog, key)
    if known is None:
        return None
    return _in_force(known, await session.get(Switch, key))


async def all_values(session: AsyncSession, catalog: Catalog) -> dict[str, SwitchValue]:
    """What is in force for every key of the catalog, in its order."""
    rows = {row.key: row for row in (await session.execute(select(Switch))).scalars()}
    return {known.key: _in_force(known, rows.get(known.key)) for known in known_keys(catalog)}


async def version(session: AsyncSession) -> int:
    """A number that rises with every change, whichever process made it."""
    found = (await session.execute(select(func.coalesce(func.sum(col(Switch.version)), 0)))).scalar_one()
    return int(found)


async def history(session: AsyncSession, key: str | None = None, *, limit: int = 50) -> list[AuditEntry]:
    """Who changed what from what to what, the newest first; of one key or of all."""
    statement = select(AuditEntry).where(col(AuditEntry.action) == CHANGE).order_by(col(AuditEntry.id).desc())
    if key is not None:
        statement = statement.where(col(AuditEntry.object) == key)
    return list((await session.execute(statement.limit(limit))).scalars())


async def change(
    session: AsyncSession,
    catalog: Catalog,
    key: str,
    value: object,
    *,
    actor: str,
    now: datetime,
    incident_id: int | None = None,
) -> tuple[Value, Value]:
    """Put a value in force and write the audit log; returns the value before and the one after.

    Setting what is in force already changes nothing and writes nothing, so that it may be repeated.
    Raises UnknownKeyError and RefusedValueError.
    """
    known = known_key(catalog, key)
    if known is None:
        raise UnknownKeyError(f"the catalog has no {_described(key)}; it has {_listed(catalog, key)}")
    wanted = known.checked(value)
    row = await _locked(session, known, now=now)
    before = _in_force(known, row).value
    if before == wanted and row.value == wanted:
        return before, wanted
    await session.execute(
        update(Switch)
        .where(col(Switch.key) == key)
        .values(
            value=wanted,
            variant=variant(known.kind, wanted),
            version=Switch.version + 1,
            changed_at=now,
            changed_by=actor,
        )
        .execution_options(synchronize_session=False)
    )
    await session.refresh(row)
    await audit.record(
        session,
        actor=actor,
        action=CHANGE,
        object=key,
        before=before,
        after=wanted,
        incident_id=incident_id,
        now=now,
    )
    wake_after_commit(session, TOPIC)
    return before, wanted


def _in_force(known: SwitchKey, row: Switch | None) -> SwitchValue:
    """A value that the catalog allows no more (its provider was removed) does not count; products get the default."""
    if row is None or row.version == 0 or not known.permits(row.value):
        return SwitchValue(known, known.default)
    return SwitchValue(known, row.value, row.changed_at, row.changed_by)


async def _locked(session: AsyncSession, known: SwitchKey, *, now: datetime) -> Switch:
    """The key's row, held until the transaction ends; one of version 0 only stands for the default."""
    insert = insert_of(session)
    await session.execute(
        insert(Switch)
        .values(
            key=known.key,
            value=known.default,
            variant=variant(known.kind, known.default),
            version=0,
            changed_at=now,
            changed_by="badday",
        )
        .on_conflict_do_nothing(index_elements=["key"])
    )
    statement = (
        select(Switch).where(col(Switch.key) == known.key).with_for_update().execution_options(populate_existing=True)
    )
    row: Switch = (await session.execute(statement)).scalar_one()
    return row


def _described(key: str) -> str:
    kind, dot, name = key.partition(".")
    return f"{kind} {name!r}" if dot and kind in set(Kind) else f"key {key!r}"


def _listed(catalog: Catalog, key: str) -> str:
    kind, dot, _ = key.partition(".")
    names = [known.name for known in known_keys(catalog) if dot and known.kind == kind]
    return ", ".join(names) or "none"
