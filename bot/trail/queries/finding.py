"""Which calls answer a question: their ids, found by index whatever the filter and however many calls there are."""

# ruff: noqa: S608 - the statements are put together from constants and whole numbers; values are bound

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import bindparam, func, select, text
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store.database import is_postgres
from bot.store.tables import Call, CallHour, CallSeries
from bot.trail.identity import SEQUENCE_BITS, day_of_id, id_floor, microseconds
from bot.trail.storing.partitions import day_in, partition
from bot.trail.storing.rollups import HOUR_US, Extreme, unpack_extremes
from bot.trail.storing.words import TABLE, fts5_query, tsquery, week_of

LARGEST_ID = 2**63 - 1
MODEL: Any = func.coalesce(col(CallSeries.model_asked), col(CallSeries.model_answered))
"""The model asked for; some emitters only tell which one answered."""
ARRIVED_LATE = 100
"""How many more matches are read than are wanted: the newest call may have arrived a little before an older one."""
LOOKED_THROUGH = 4_000
"""Of the newest calls: a word that is in one of a hundred is found among them often enough."""
MUCH = 0.25
"""Of a week: to find its documents would take longer than to pass over those of the rest."""
RECENT_DAYS = 40
"""Days that are asked first for a call of a provider's id: those of which bodies are kept, and some more."""
MOST_MATCHES = 2_000
"""Of the newest calls that hold the words: so many are looked at when they are put in another order."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which calls are meant. `since` is included, `until` is not; a model is the one asked for or the one answering."""

    systems: tuple[str, ...] = ()
    model: str | None = None
    feature: str | None = None
    prompt_version: str | None = None
    provider: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    errors: bool = False
    """Only calls with an error class."""
    words: str | None = None
    """Only calls whose output holds all these words."""


def id_bounds(filter_: Filter) -> tuple[int, int]:
    """The ids from and before which the calls lie."""
    since = 0 if filter_.since is None else id_floor(microseconds(filter_.since))
    until = LARGEST_ID if filter_.until is None else id_floor(microseconds(filter_.until))
    return since, until


def id_span(lasting: timedelta) -> int:
    """How far two ids lie apart that are so far apart in time."""
    return lasting // timedelta(milliseconds=1) << SEQUENCE_BITS


async def series(session: AsyncSession, filter_: Filter) -> list[int] | None:
    """The series that the filter leaves; None where it leaves all."""
    conditions: list[Any] = []
    if filter_.systems:
        conditions.append(col(CallSeries.system).in_(filter_.systems))
    if filter_.model is not None:
        conditions.append(
            (col(CallSeries.model_asked) == filter_.model) | (col(CallSeries.model_answered) == filter_.model)
        )
    if filter_.feature is not None:
        conditions.append(col(CallSeries.feature) == filter_.feature)
    if filter_.prompt_version is not None:
        conditions.append(col(CallSeries.prompt_version) == filter_.prompt_version)
    if filter_.provider is not None:
        conditions.append(col(CallSeries.provider) == filter_.provider.lower())
    if not conditions:
        return None
    return list((await session.execute(select(col(CallSeries.id)).where(*conditions))).scalars())


async def newest(session: AsyncSession, filter_: Filter, limit: int) -> list[int]:
    """The newest calls, newest first."""
    since, until = id_bounds(filter_)
    wanted = await series(session, filter_)
    if filter_.words is not None:
        return await _with_words(session, _Search(filter_.words, wanted, since, until, filter_.errors), limit)
    if wanted is None and not filter_.errors:
        query = select(col(Call.id)).where(col(Call.id) >= since, col(Call.id) < until)
        return list((await session.execute(query.order_by(col(Call.id).desc()).limit(limit))).scalars())
    return await _newest_of_series(session, wanted, since, until, errors=filter_.errors, limit=limit)


async def pages(session: AsyncSession, filter_: Filter, size: int) -> AsyncIterator[list[int]]:
    """All calls, newest first, some at a time."""
    since, until = id_bounds(filter_)
    wanted = await series(session, filter_)
    if filter_.words is not None and not is_postgres(session):
        search = _Search(filter_.words, wanted, since, until, filter_.errors)
        for table in await _week_tables(session, since, until):
            found = await _in_week(session, table, search, limit=-1)
            for start in range(0, len(found), size):
                yield found[start : start + size]
        return
    while ids := await _page(session, filter_, wanted, since, until, size):
        yield ids
        until = ids[-1]


async def _page(
    session: AsyncSession, filter_: Filter, wanted: Sequence[int] | None, since: int, until: int, size: int
) -> list[int]:
    if filter_.words is not None:
        return await _with_words(session, _Search(filter_.words, wanted, since, until, filter_.errors), size)
    conditions: list[Any] = [col(Call.id) >= since, col(Call.id) < until]
    if wanted is not None:
        # Plus nothing: no index by series, the listing follows the ids.
        conditions.append((col(Call.series_id) + 0).in_(wanted))
    if filter_.errors:
        conditions.append(col(Call.error_class).is_not(None))
    query = select(col(Call.id)).where(*conditions).order_by(col(Call.id).desc()).limit(size)
    return list((await session.execute(query)).scalars())


async def _newest_of_series(
    session: AsyncSession, wanted: Sequence[int] | None, since: int, until: int, *, errors: bool, limit: int
) -> list[int]:
    """The newest of each series by its index, then the newest of those: a rare series costs what a busy one does."""
    failed = " AND x.error_class IS NOT NULL" if errors else ""
    postgres = is_postgres(session)
    # Without statistics SQLite would rather go through all calls in the order of their ids.
    index = "" if postgres else f" INDEXED BY {'ix_call_failed' if errors else 'ix_call_series'}"
    newest_of_one = (
        f"SELECT x.id FROM call x{index} WHERE x.series_id = s.id AND x.id >= :since AND x.id < :until"
        f"{failed} ORDER BY x.id DESC LIMIT :limit"
    )
    those = "" if wanted is None else f" WHERE s.id IN ({_listed(wanted)})"
    if postgres:
        query = f"SELECT c.id FROM call_series s CROSS JOIN LATERAL ({newest_of_one}) c{those}"
    else:
        query = f"SELECT c.id FROM call_series s JOIN call c ON c.id IN ({newest_of_one}){those}"
    query += " ORDER BY 1 DESC LIMIT :limit"
    return await _ids(session, query, since=since, until=until, limit=limit)


@dataclass(frozen=True, slots=True)
class _Search:
    """Calls whose output holds the words, of these series, with ids from and before."""

    words: str
    series: Sequence[int] | None
    since: int
    until: int
    errors: bool


async def _with_words(session: AsyncSession, search: _Search, limit: int) -> list[int]:
    if is_postgres(session):
        return await _by_lexemes(session, search, limit)
    found: list[int] = []
    for table in await _week_tables(session, search.since, search.until):
        found += (await _in_week(session, table, search, limit=2 * limit + ARRIVED_LATE))[: limit - len(found)]
        if len(found) >= limit:
            break
    return found


async def _by_lexemes(session: AsyncSession, search: _Search, limit: int) -> list[int]:
    """PostgreSQL takes every word that it has no statistics of for a frequent one, and goes through all calls.

    So a frequent word is looked for among the newest calls; any other one by its index, more and more days at a time.
    """
    match = tsquery(search.words, search.series, failed=search.errors)
    if match is None:
        return []
    values = {"words": match, "since": search.since, "until": search.until, "limit": limit}
    newest_ones = (
        f"SELECT call_id, words FROM {TABLE} WHERE call_id >= :since AND call_id < :until"
        f" ORDER BY call_id DESC LIMIT {LOOKED_THROUGH}"
    )
    query = f"SELECT call_id FROM ({newest_ones}) w WHERE words @@ CAST(:words AS tsquery) ORDER BY 1 DESC LIMIT :limit"
    found = await _ids(session, query, **values)
    if len(found) >= limit:
        return found
    found = []
    days = await _days_of(session, TABLE, search.since, search.until)
    await session.execute(text("SET LOCAL enable_seqscan = off"))
    for some in (days[:1], days[1:7], days[7:]):
        if some and len(found) < limit:
            # Plus nothing: not the index of the ids, which would go through all of them.
            union = " UNION ALL ".join(
                f"SELECT call_id FROM {partition(TABLE, day)} WHERE words @@ CAST(:words AS tsquery)"
                " AND call_id + 0 >= :since AND call_id + 0 < :until"
                for day in some
            )
            found += await _ids(session, f"{union} ORDER BY 1 DESC LIMIT :limit", **values)
    await session.execute(text("SET LOCAL enable_seqscan = on"))
    return found[:limit]


async def _days_of(session: AsyncSession, table: str, since: int, until: int) -> list[int]:
    """The days between two ids that a table of PostgreSQL has partitions for, newest first."""
    query = f"SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = '{table}'::regclass"
    days = (day_in(name) for name in (await session.execute(text(query))).scalars())
    first, last = day_of_id(since), day_of_id(until - 1)
    return sorted((day for day in days if day is not None and first <= day <= last), reverse=True)


async def _in_week(session: AsyncSession, table: str, search: _Search, *, limit: int) -> list[int]:
    """The calls that arrived last, newest first; documents are numbered as calls arrive."""
    match = fts5_query(search.words, search.series, failed=search.errors)
    if match is None:
        return []
    bounds = {"since": search.since, "until": search.until}
    first, last = await _documents(session, table, search)
    if first is None:
        return []
    query = (
        f"SELECT k.call_id FROM {table} JOIN {table}_calls k ON k.doc = {table}.rowid"
        f" WHERE {table} MATCH :words AND {table}.rowid >= :first AND {table}.rowid <= :last"
        " AND k.call_id >= :since AND k.call_id < :until"
        # Words go by week, bodies one by one: a call whose body is gone is not found by what it said.
        " AND EXISTS (SELECT 1 FROM call_body b WHERE b.call_id = k.call_id)"
        f" ORDER BY {table}.rowid DESC LIMIT :limit"
    )
    found = await _ids(session, query, words=match, first=first, last=last, limit=limit, **bounds)
    return sorted(found, reverse=True)


async def _documents(session: AsyncSession, table: str, search: _Search) -> tuple[int | None, int | None]:
    """The first and the last document of the calls of the time; those of the whole week where it is much of it."""
    start, end = _week_ids(table)
    if min(search.until, end) - max(search.since, start) > (end - start) * MUCH:
        return 0, LARGEST_ID
    query = text(f"SELECT min(doc), max(doc) FROM {table}_calls WHERE call_id >= :since AND call_id < :until")
    first, last = (await session.execute(query, {"since": search.since, "until": search.until})).one()
    return first, last


def _week_ids(table: str) -> tuple[int, int]:
    """The ids from and before which the calls of a week table lie."""
    week = week_of(table)
    assert week is not None, table
    return id_floor(microseconds(week[0])), id_floor(microseconds(week[1]))


async def _week_tables(session: AsyncSession, since: int, until: int) -> list[str]:
    """The tables of words whose week meets the time, newest first."""
    found = await session.execute(text("SELECT name FROM sqlite_master WHERE name LIKE :like"), {"like": f"{TABLE}_%"})
    tables = [name for name in found.scalars() if week_of(name) is not None]
    meets = {name: _week_ids(name)[1] > since and _week_ids(name)[0] < until for name in tables}
    return sorted((name for name in tables if meets[name]), reverse=True)


async def extreme(session: AsyncSession, filter_: Filter, what: Literal["slowest", "dearest"], limit: int) -> list[int]:
    """The slowest or the dearest calls, the first of them first."""
    since, until = id_bounds(filter_)
    wanted = await series(session, filter_)
    if filter_.words is not None or filter_.errors:
        return await _ordered(session, filter_, what, limit, wanted)
    found: list[Extreme] = []
    for packed in await _extremes(session, filter_, what, limit, wanted):
        found += unpack_extremes(packed)
    found = [(value, call_id) for value, call_id in found if since <= call_id < until]
    return [call_id for _, call_id in sorted(found, reverse=True)[:limit]]


async def _extremes(
    session: AsyncSession, filter_: Filter, what: str, limit: int, wanted: Sequence[int] | None
) -> list[bytes]:
    """Of the hours that lie within the time: as many as calls are wanted, by their largest, hold them all for sure.

    The two hours that lie partly within it are looked at as well: their largest may lie outside.
    """
    value = col(CallHour.slowest_us if what == "slowest" else CallHour.dearest_nano)
    packed = col(CallHour.slowest if what == "slowest" else CallHour.dearest)
    conditions = [value > 0]
    if wanted is not None:
        conditions.append(col(CallHour.series_id).in_(wanted))
    partly = set()
    if filter_.since is not None:
        first = microseconds(filter_.since) // HOUR_US
        partly.add(first)
        conditions.append(col(CallHour.start) >= first)
    if filter_.until is not None:
        last = microseconds(filter_.until) // HOUR_US
        partly.add(last)
        conditions.append(col(CallHour.start) <= last)
    query = select(packed).where(*conditions, col(CallHour.start).not_in(partly)).order_by(value.desc()).limit(limit)
    found = list((await session.execute(query)).scalars())
    if partly:
        edges = select(packed).where(*conditions, col(CallHour.start).in_(partly))
        found += (await session.execute(edges)).scalars()
    return [one for one in found if one is not None]


async def _ordered(
    session: AsyncSession, filter_: Filter, what: str, limit: int, wanted: Sequence[int] | None
) -> list[int]:
    """Where the sums by hour cannot tell: put the calls themselves in order."""
    value = col(Call.duration_us if what == "slowest" else Call.cost_nano)
    since, until = id_bounds(filter_)
    conditions = [col(Call.id) >= since, col(Call.id) < until, value.is_not(None)]
    if filter_.words is not None:
        conditions.append(col(Call.id).in_(await newest(session, filter_, MOST_MATCHES)))
    if wanted is not None:
        conditions.append(col(Call.series_id).in_(wanted))
    if filter_.errors:
        conditions.append(col(Call.error_class).is_not(None))
    query = select(col(Call.id)).where(*conditions).order_by(value.desc()).limit(limit)
    return list((await session.execute(query)).scalars())


async def by_their_id(session: AsyncSession, wanted: str) -> int | None:
    """The newest call that an import brought under this id, else the newest with this response id of a provider."""
    if is_postgres(session):
        return await _by_their_id_in_days(session, wanted)
    query = select(func.max(col(Call.id))).where(col(Call.external_id) == wanted)
    found: int | None = (await session.execute(query)).scalar_one_or_none()
    return await _by_response_id(session, wanted) if found is None else found


async def _by_their_id_in_days(session: AsyncSession, wanted: str) -> int | None:
    """Partitions by name: PostgreSQL plans and opens all of them anew for each question that names their table."""
    days = await _days_of(session, "call", 0, LARGEST_ID)
    for some in (days[:RECENT_DAYS], days[RECENT_DAYS:]):
        if some:
            union = " UNION ALL ".join(
                f"SELECT id, external_id = :wanted AS imported FROM {partition('call', day)}"
                f" WHERE (day = {day} AND response_id = :wanted) OR external_id = :wanted"
                for day in some
            )
            query = f"SELECT id FROM ({union}) c ORDER BY imported DESC NULLS LAST, id DESC LIMIT 1"
            if found := await _ids(session, query, wanted=wanted):
                return found[0]
    return None


async def _by_response_id(session: AsyncSession, response_id: str) -> int | None:
    """SQLite. The index begins with the day: each day is asked."""
    ends = text("SELECT (SELECT min(id) FROM call), (SELECT max(id) FROM call)")  # together they would be a scan
    oldest, newest_ = (await session.execute(ends)).one()
    if oldest is None:
        return None
    days = ", ".join(map(str, range(day_of_id(oldest), day_of_id(newest_) + 1)))
    query = (
        "SELECT id FROM call INDEXED BY ix_call_day_response"
        f" WHERE day IN ({days}) AND response_id = :response_id ORDER BY day DESC, id DESC LIMIT 1"
    )
    found = await _ids(session, query, response_id=response_id)
    return found[0] if found else None


async def _ids(session: AsyncSession, query: str, **values: Any) -> list[int]:
    statement = text(query).bindparams(*(bindparam(name, value) for name, value in values.items()))
    return [row for row in (await session.execute(statement)).scalars() if row is not None]


def _listed(ids: Sequence[int]) -> str:
    """Whole numbers of ours, written out; no series at all is a list of none."""
    return ", ".join(map(str, ids)) or "NULL"
