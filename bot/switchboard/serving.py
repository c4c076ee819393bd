"""What products are served: values of the board in the shape of the CONTRACT, with the state of caps from the trail.

A route that is split is a provider's name for each user: the `targetingKey` of the evaluation decides, the same one
always alike; without it the largest share is served. A cap is closed from the moment at which the day's calls have cost
its amount until the next midnight UTC.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog
from bot.catalog.models import Cap
from bot.switchboard import board
from bot.switchboard.board import SwitchValue
from bot.switchboard.keys import CURRENCY, PERIOD, Kind, known_key
from bot.trail.queries import spending

STATIC, SPLIT = "STATIC", "SPLIT"
_NANO = Decimal(10) ** -9


@dataclass(frozen=True, slots=True)
class Flag:
    """One evaluation, as OFREP has it."""

    key: str
    value: str | bool | dict[str, Any]
    variant: str
    reason: str = STATIC
    metadata: dict[str, Any] = field(default_factory=dict)


async def flag(
    session: AsyncSession, catalog: Catalog, key: str, *, now: datetime, targeting_key: str = ""
) -> Flag | None:
    """One key; None where the catalog does not have it."""
    found = await board.value(session, catalog, key)
    return None if found is None else await _flag(session, found, now=now, targeting_key=targeting_key)


async def flags(
    session: AsyncSession, catalog: Catalog, *, now: datetime, targeting_key: str = "", system: str | None = None
) -> list[Flag]:
    """Every key, of one system or of all. Pins and bans that nobody set are left out."""
    values = await board.all_values(session, catalog)
    return [
        await _flag(session, found, now=now, targeting_key=targeting_key)
        for found in values.values()
        if belongs(found, catalog, system) and not (found.of.kind in (Kind.MODEL, Kind.BAN) and not found.value)
    ]


def belongs(found: SwitchValue, catalog: Catalog, system: str | None) -> bool:
    """Whether a token of the system may see the key: its own, and the bans of providers that it uses."""
    if system is None or found.system == system:
        return True
    entry = catalog.systems.get(system)
    return found.system is None and entry is not None and found.of.name in entry.providers


def may_see(catalog: Catalog, key: str, system: str | None) -> bool:
    """The same for a key by its name; one that the catalog does not have belongs to nobody."""
    known = known_key(catalog, key)
    return known is not None and belongs(SwitchValue(known, known.default), catalog, system)


def bucket(shares: Mapping[str, int], key: str, targeting_key: str) -> str:
    """The provider of one user under a split; a stable hash, so that everybody who computes it gets the same."""
    if not targeting_key:
        return max(sorted(shares), key=lambda name: shares[name])
    digest = hashlib.sha256(f"{key}\0{targeting_key}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") % 100
    # By name: the order of a mapping's keys does not survive every database.
    for name in sorted(shares):
        place -= shares[name]
        if place < 0:
            return name
    return max(shares)


async def _flag(session: AsyncSession, found: SwitchValue, *, now: datetime, targeting_key: str) -> Flag:
    value = found.value
    match found.of.kind:
        case Kind.ROUTE if isinstance(value, dict):
            shares = value["split"]
            provider = bucket(shares, found.key, targeting_key)
            return Flag(found.key, provider, provider, SPLIT, {"split": _listed(shares)})
        case Kind.CAP:
            cap = found.of.of
            assert isinstance(cap, Cap)
            assert value is None or isinstance(value, dict)
            served = await _cap(session, found.system or "", cap, value, now=now)
            about = {"when_closed": cap.when_closed} | ({"feature": cap.feature} if cap.feature else {})
            return Flag(found.key, served, served["state"], metadata=about)
        case Kind.BAN:
            return Flag(found.key, {"models": value}, found.variant)
    assert value is None or isinstance(value, str | bool)
    return Flag(found.key, "" if value is None else value, found.variant)


def _listed(shares: Mapping[str, int]) -> str:
    """Metadata of a flag are texts, numbers and booleans: `cirrus=10,northwind=90`."""
    return ",".join(f"{name}={shares[name]}" for name in sorted(shares))


async def _cap(
    session: AsyncSession, system: str, cap: Cap, value: dict[str, Any] | None, *, now: datetime
) -> dict[str, Any]:
    if value is None:
        return {"amount": None, "currency": CURRENCY, "period": PERIOD, "state": "open", "until": None}
    spent = await spending.spent(session, system, day=now, feature=cap.feature) * _NANO
    closed = spent >= Decimal(value["amount"])
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    until = midnight.strftime("%Y-%m-%dT%H:%M:%SZ") if closed else None
    return {**value, "state": "closed" if closed else "open", "until": until}
