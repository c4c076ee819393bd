"""Removes old bodies, calls, spans, words and sums by minute: in slices on SQLite, by partition on PostgreSQL.

A body or a call is old when it started and arrived before a time: what was imported lately is not old yet. What is
pinned (an incident, a report, a case holds on to it) stays, with its call.
"""

# ruff: noqa: S608 - the statements are put together from constants and names of our own tables; values are bound

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store.database import Database, is_postgres
from bot.trail.identity import day_of, id_floor, microseconds
from bot.trail.storing import partitions
from bot.trail.storing.rollups import MINUTE_US
from bot.trail.storing.words import TABLE as WORDS
from bot.trail.storing.words import week_of

SLICE = 2_000
"""Rows a transaction on SQLite; a click waits for one of them at most."""
WORDS_SLICE = 250
"""Pages of words a transaction."""
PAUSE = 0.02
"""Seconds between two slices, in which others write."""
_GOING = "going_words_"

StillOurs = Callable[[], Awaitable[bool]]
"""Asked between two slices; removing stops when another replica does it."""

# c is the call, whose row may be gone before its body.
_OLD = "coalesce(c.received_us, 0) < :received_before AND NOT EXISTS (SELECT 1 FROM call_pin p WHERE p.call_id = {key})"


@dataclass(slots=True)
class Removed:
    """How much went."""

    bodies: int = 0
    calls: int = 0
    spans: int = 0
    minutes: int = 0
    words: int = 0
    """Tables or partitions of words."""


class Remover:
    """Removes on either engine."""

    def __init__(self, db: Database, still_ours: StillOurs) -> None:
        self._db = db
        self._still_ours = still_ours
        self.removed = Removed()

    async def bodies(self, before: datetime) -> None:
        """Bodies and words of calls that started and arrived before."""
        if self._db.dialect == "sqlite":
            self.removed.bodies += await self._slices(_sliced("call_body", "call_id", _OLD), before, "call_id")
            await self._week_tables(before)
        else:
            for table in ("call_body", "call_words"):
                count = await self._partitions(table, "call_id", before)
                if table == "call_body":
                    self.removed.bodies += count

    async def calls(self, before: datetime) -> None:
        """Calls and spans of calls that started and arrived before."""
        if self._db.dialect == "sqlite":
            self.removed.calls += await self._slices(_sliced("call", "id", _OLD), before, "id")
            self.removed.spans += await self._rows("call_span", "day, trace_id, span_id", "day", _day(before))
        else:
            self.removed.calls += await self._partitions("call", "id", before)
            for day in await self._days("call_span", _day(before)):
                await self._drop(partitions.partition("call_span", day))

    async def minutes(self, before: datetime) -> None:
        """Sums by minute."""
        minute = microseconds(before) // MINUTE_US
        self.removed.minutes += await self._rows("call_minute", "start, series_id", "start", minute)

    # SQLite

    async def _slices(self, statement: str, before: datetime, key: str) -> int:
        values = {
            "floor": id_floor(microseconds(before)),
            "received_before": microseconds(before),
            "slice": SLICE,
            "after": -1,
        }
        removed = 0
        while await self._still_ours():
            async with self._db.transaction() as session:
                await _write_zeros(session)
                ids = list((await session.execute(text(statement), values)).scalars())
                if ids and key == "id":
                    await _tell_writers(session)
            if not ids:
                break
            removed += len(ids)
            values["after"] = max(ids)
            await asyncio.sleep(PAUSE)
        return removed

    async def _rows(self, table: str, key: str, column: str, before: int) -> int:
        """Rows whose column lies below."""
        statement = (
            f"DELETE FROM {table} WHERE ({key}) IN"
            f" (SELECT {key} FROM {table} WHERE {column} < :before ORDER BY {column} LIMIT {SLICE})"
        )
        removed = 0
        while await self._still_ours():
            async with self._db.transaction() as session:
                result: Any = await session.execute(text(statement), {"before": before})
            if not result.rowcount:
                break
            removed += result.rowcount
            await asyncio.sleep(PAUSE)
        return removed

    async def _week_tables(self, before: datetime) -> None:
        """Words go by week, once the whole week is old and nothing of it but pinned bodies is left."""
        async with self._db.reading() as session:
            names = list(
                (
                    await session.execute(
                        text("SELECT name FROM sqlite_master WHERE name LIKE :words OR name LIKE :going"),
                        {"words": f"{WORDS}_%", "going": f"{_GOING}%"},
                    )
                ).scalars()
            )
        for name in sorted(names):
            week = week_of(name)
            if week is not None and week[1] <= before and not await self._has_bodies(*week):
                await self._drop_words(name, f"{_GOING}{name.rpartition('_')[2]}")
            elif name.startswith(_GOING) and name.removeprefix(_GOING).isdigit():
                await self._drop_words(None, name)  # left over by a process that ended meanwhile

    async def _has_bodies(self, start: datetime, end: datetime) -> bool:
        query = (
            "SELECT 1 FROM call_body b WHERE b.call_id >= :first AND b.call_id < :last"
            " AND NOT EXISTS (SELECT 1 FROM call_pin p WHERE p.call_id = b.call_id) LIMIT 1"
        )
        bounds = {"first": id_floor(microseconds(start)), "last": id_floor(microseconds(end))}
        async with self._db.reading() as session:
            return (await session.execute(text(query), bounds)).first() is not None

    async def _drop_words(self, name: str | None, going: str) -> None:
        """Dropping a week at once would hold the write lock for seconds: it gets out of sight, then goes in slices."""
        if name is not None:
            async with self._db.transaction() as session:
                for suffix in ("", "_calls"):
                    await session.execute(text(f"ALTER TABLE {name}{suffix} RENAME TO {going}{suffix}"))
        slices = [
            f"DELETE FROM {going}_data WHERE id IN (SELECT id FROM {going}_data WHERE id > 10 LIMIT {WORDS_SLICE})",
            f"DELETE FROM {going}_calls WHERE doc IN (SELECT doc FROM {going}_calls LIMIT {SLICE})",
        ]
        while await self._still_ours():
            async with self._db.transaction() as session:
                await _write_zeros(session)
                result: Any = await session.execute(text(slices[0]))
                if not result.rowcount:
                    slices.pop(0)
                if not slices:
                    for suffix in ("_calls", ""):
                        await session.execute(text(f"DROP TABLE IF EXISTS {going}{suffix}"))
                    self.removed.words += 1
                    return
            await asyncio.sleep(PAUSE)

    # PostgreSQL

    async def _partitions(self, table: str, key: str, before: datetime) -> int:
        """Drop a day of which nothing is kept; of another, delete what is not kept."""
        removed = 0
        values = {"received_before": microseconds(before)}
        for day in await self._days(table, _day(before)):
            name = partitions.partition(table, day)
            joined = "" if table == "call" else f" LEFT JOIN call c ON c.id = b.{key}"
            rows = f"{name} {'c' if table == 'call' else 'b'}{joined}"
            old = _OLD.format(key=f"{'c' if table == 'call' else 'b'}.{key}")
            async with self._db.transaction() as session:
                counted = f"SELECT count(*), count(*) FILTER (WHERE {old}) FROM {rows}"
                total, gone = (await session.execute(text(counted), values)).one()
            removed += gone
            if gone == total:
                await self._drop(name)
            elif gone:
                ids = f"SELECT {'c' if table == 'call' else 'b'}.{key} FROM {rows} WHERE {old}"
                async with self._db.transaction() as session:
                    await _tell_writers(session)
                    await session.execute(text(f"DELETE FROM {name} WHERE {key} IN ({ids})"), values)
            if not await self._still_ours():
                break
        return removed

    async def _drop(self, name: str) -> None:
        async with self._db.transaction() as session:
            await session.execute(text("SET LOCAL lock_timeout = '2s'"))
            await _tell_writers(session)
            await session.execute(text(f"DROP TABLE IF EXISTS {name}"))
        if name.startswith(WORDS):
            self.removed.words += 1

    async def _days(self, table: str, before: int) -> list[int]:
        """The days before this one that have a partition."""
        query = (
            "SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid"
            " JOIN pg_class parent ON parent.oid = inhparent WHERE parent.relname = :table"
        )
        async with self._db.reading() as session:
            names = (await session.execute(text(query), {"table": table})).scalars()
            days = (partitions.day_in(name) for name in names)
            return sorted(day for day in days if day is not None and day < before)


def _sliced(table: str, key: str, old: str) -> str:
    """Deletes up to a slice of old rows behind the last one; returns their keys."""
    own = table == "call"
    rows = "call c" if own else f"{table} b LEFT JOIN call c ON c.id = b.{key}"
    column = f"{'c' if own else 'b'}.{key}"
    return (
        f"DELETE FROM {table} WHERE {key} IN (SELECT {column} FROM {rows}"
        f" WHERE {column} > :after AND {column} < :floor AND {old.format(key=column)}"
        f" ORDER BY {column} LIMIT :slice) RETURNING {key}"
    )


def _day(moment: datetime) -> int:
    return day_of(microseconds(moment))


async def _write_zeros(session: AsyncSession) -> None:
    """What is deleted is overwritten in the file."""
    await session.execute(text("PRAGMA secure_delete = ON"))


async def _tell_writers(session: AsyncSession) -> None:
    """Writers look again at what they found before; on PostgreSQL they wait until this is committed."""
    if is_postgres(session):
        from bot.trail.storing.postgres import LOCK

        await session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    await session.execute(text("UPDATE trail_state SET version = version + 1"))
