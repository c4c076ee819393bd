"""Leases: a row is worked on by one worker at a time, and a worker that lost its lease cannot finish it."""

import os
import socket
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4

from sqlalchemy import ColumnElement, inspect, select, update
from sqlalchemy.engine import CursorResult
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store.tables.base import Leased

Row = TypeVar("Row", bound=Leased)


def new_owner() -> str:
    """A name for one worker of this process, unlike that of any other worker on any machine, also after a restart."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"


async def claim(
    session: AsyncSession,
    table: type[Row],
    *conditions: ColumnElement[bool],
    owner: str,
    now: datetime,
    lease: timedelta,
    limit: int,
    order_by: Sequence[Any] = (),
    changes: dict[str, Any] | None = None,
) -> list[Row]:
    """Take up to `limit` rows that fulfil the conditions and that nobody holds.

    PostgreSQL skips rows that another transaction is claiming; SQLite has one writer. Each claim raises `attempt`,
    which is the fence of `finish` and `extend`.
    """
    key = _primary_key(table)
    free = _column(table, "lease_until").is_(None) | (_column(table, "lease_until") <= now)
    chosen = (
        select(key)
        .where(*conditions, free)
        .order_by(*order_by)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    statement = (
        update(table)
        .where(key.in_(chosen))
        .values(
            lease_owner=owner,
            lease_until=now + lease,
            attempt=_column(table, "attempt") + 1,
            **(changes or {}),
        )
        .returning(table)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    rows = list((await session.execute(statement)).scalars())
    if order_by:
        wanted = {value: place for place, value in enumerate(await _ordered(session, table, rows, order_by))}
        rows.sort(key=lambda row: wanted[getattr(row, key.key)])
    return rows


async def _ordered(session: AsyncSession, table: type[Row], rows: Sequence[Row], order_by: Sequence[Any]) -> list[Any]:
    key = _primary_key(table)
    keys = [getattr(row, key.key) for row in rows]
    return list((await session.execute(select(key).where(key.in_(keys)).order_by(*order_by))).scalars())


async def extend(
    session: AsyncSession,
    row: Leased,
    *,
    now: datetime,
    lease: timedelta,
    changes: dict[str, Any] | None = None,
) -> bool:
    """Prolong the lease of a row that we still hold; False when somebody else took it."""
    return await _fenced(session, row, lease_until=now + lease, **(changes or {}))


async def keep(session: AsyncSession, row: Leased, **changes: Any) -> bool:
    """Write the changes and hold on to the row; False (and nothing written) when somebody else took it."""
    return await _fenced(session, row, **changes)


async def finish(session: AsyncSession, row: Leased, **changes: Any) -> bool:
    """Write the changes and give the lease back; False (and nothing written) when somebody else took the row."""
    return await _fenced(session, row, lease_owner=None, lease_until=None, **changes)


async def _fenced(session: AsyncSession, row: Leased, **changes: Any) -> bool:
    table = type(row)
    key = _primary_key(table)
    statement = (
        update(table)
        .where(
            key == getattr(row, key.key),
            _column(table, "lease_owner") == row.lease_owner,
            _column(table, "attempt") == row.attempt,
        )
        .values(**changes)
        .execution_options(synchronize_session=False)
    )
    result = await session.execute(statement)
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def _primary_key(table: type[Leased]) -> Any:
    (column,) = inspect(table).primary_key
    return getattr(table, column.key)


def _column(table: type[Leased], name: str) -> Any:
    return getattr(table, name)
