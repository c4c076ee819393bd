"""What is in force for each key of the switchboard, and the one way to change it.

Keys are `route.<name>` (a provider's name; the route's primary unless changed) and `feature.<name>` (true or false;
the catalog's default unless changed). The catalog says which keys exist, the store holds what was changed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog
from bot.store import audit
from bot.store.database import insert_of
from bot.store.tables import Switch

ROUTE = "route."
FEATURE = "feature."

Value = str | bool


class SwitchboardError(Exception):
    """A change that cannot be made; the message says what is wrong and what could be done instead."""


class UnknownKeyError(SwitchboardError):
    """The catalog has no route or feature of this name."""


class RefusedValueError(SwitchboardError):
    """The key cannot take this value."""


@dataclass(frozen=True, slots=True)
class SwitchKey:
    """What the catalog says about one key: its default and everything that it may be."""

    key: str
    system: str
    default: Value
    allowed: tuple[Value, ...]

    def permits(self, value: object) -> bool:
        """Whether the key may have this value; 1 is no `true` here."""
        return any(type(value) is type(each) and value == each for each in self.allowed)


@dataclass(frozen=True, slots=True)
class SwitchValue:
    """What is in force for one key; `changed_at` and `changed_by` are None where nobody changed it."""

    key: str
    system: str
    value: Value
    variant: str
    changed_at: datetime | None = None
    changed_by: str | None = None


def known_key(catalog: Catalog, key: str) -> SwitchKey | None:
    """The key as the catalog has it; None when it has no such route or feature."""
    if key.startswith(ROUTE):
        found = catalog.route(key.removeprefix(ROUTE))
        if found is not None:
            system, route = found
            return SwitchKey(key, system.name, route.primary, route.providers)
    if key.startswith(FEATURE):
        feature = catalog.feature(key.removeprefix(FEATURE))
        if feature is not None:
            return SwitchKey(key, feature[0].name, feature[1].default, (True, False))
    return None


def known_keys(catalog: Catalog) -> Iterator[SwitchKey]:
    """Every key, in the order of the catalog."""
    for system in catalog.systems.values():
        for route in system.routes.values():
            yield SwitchKey(ROUTE + route.name, system.name, route.primary, route.providers)
        for feature in system.features.values():
            yield SwitchKey(FEATURE + feature.name, system.name, feature.default, (True, False))


def variant(value: Value) -> str:
    """The name of a value: a provider's own name, else `on` or `off`."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return value


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
    wanted = _checked(known, value)
    row = await _locked(session, known, now=now)
    before = _in_force(known, row).value
    if before == wanted and row.value == wanted:
        return before, wanted
    await session.execute(
        update(Switch)
        .where(col(Switch.key) == key)
        .values(
            value=wanted,
            variant=variant(wanted),
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
        action="switchboard.change",
        object=key,
        before=before,
        after=wanted,
        incident_id=incident_id,
        now=now,
    )
    return before, wanted


def _in_force(known: SwitchKey, row: Switch | None) -> SwitchValue:
    """A value that the catalog allows no more (its provider was removed) does not count; products get the default."""
    if row is None or row.version == 0 or not known.permits(row.value):
        return SwitchValue(known.key, known.system, known.default, variant(known.default))
    return SwitchValue(known.key, known.system, row.value, variant(row.value), row.changed_at, row.changed_by)


def _checked(known: SwitchKey, value: object) -> Value:
    if known.permits(value):
        assert isinstance(value, str | bool)
        return value
    allowed = ", ".join(variant(each) for each in known.allowed)
    if known.key.startswith(FEATURE):
        raise RefusedValueError(f"{known.key} cannot be {value!r}; it is true or false")
    raise RefusedValueError(f"{known.key} cannot be {value!r}; its providers are: {allowed}")


async def _locked(session: AsyncSession, known: SwitchKey, *, now: datetime) -> Switch:
    """The key's row, held until the transaction ends; one of version 0 only stands for the default."""
    insert = insert_of(session)
    await session.execute(
        insert(Switch)
        .values(
            key=known.key,
            value=known.default,
            variant=variant(known.default),
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
    for prefix, noun in ((ROUTE, "route"), (FEATURE, "feature")):
        if key.startswith(prefix):
            return f"{noun} {key.removeprefix(prefix)!r}"
    return f"key {key!r}"


def _listed(catalog: Catalog, key: str) -> str:
    prefix = next((prefix for prefix in (ROUTE, FEATURE) if key.startswith(prefix)), "")
    keys = [known.key.removeprefix(prefix) for known in known_keys(catalog) if known.key.startswith(prefix)]
    return ", ".join(keys) or "none"
