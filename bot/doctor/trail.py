"""What the doctor reads of the trail: who sends calls, what the newest lack, and which tokens there are."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col
from sqlmodel import select as select_rows
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog
from bot.detect.silence import REACH, hour_of
from bot.doctor.arrivals import Arrivals, Recent, Source, Token, Unpriced, judge
from bot.doctor.check import Check, Status
from bot.doctor.emitters import PAGES
from bot.settings import Settings
from bot.store import migrate
from bot.store.database import Database, DatabaseError
from bot.store.tables import ApiToken, Call, CallHour, CallSeries, CallSource
from bot.trail.calls import Outcome
from bot.trail.identity import EPOCH, id_floor, microseconds
from bot.trail.storing.rows import Flag

NEWEST = 5_000
"""So many calls are read, of the last week at most …"""
WEEK = timedelta(days=7)
JUDGED = 200
"""… and so many of one emitter are judged: what was put right shows soon."""
ANSWER_WITHIN = 10.0
_TEXTLESS = frozenset({"embeddings"})
"""Operations that answer with no text."""


async def checks(settings: Settings, catalog: Catalog, now: datetime) -> AsyncIterator[Check]:
    """What arrives and what is missing; nothing where the database cannot be reached, which is a check of its own."""
    try:
        database = Database(settings.database_url)
    except DatabaseError:
        return
    try:
        async with asyncio.timeout(ANSWER_WITHIN), database.reading() as session:
            stale = await _stale(session)
            arrivals = Arrivals() if stale else await read(session, now)
    except (SQLAlchemyError, OSError, TimeoutError):
        return
    finally:
        await database.close()
    if stale is not None:
        yield stale
        return
    for check in judge(arrivals, catalog, now, settings.public_url):
        yield check


async def _stale(session: AsyncSession) -> Check | None:
    """The check for a database without the trail's tables: new, or of an older version."""
    connection = await session.connection()
    revision = await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())
    head = ScriptDirectory.from_config(migrate.configuration()).get_current_head()
    if revision == head:
        return None
    state = "the database is still empty" if revision is None else f"the database has the older schema {revision}"
    return Check(
        "calls", Status.WARN, f"{state}, so it holds no calls", f"start badday run, then see {PAGES}/README.md"
    )


async def read(session: AsyncSession, now: datetime) -> Arrivals:
    """Everything that is judged."""
    rows = await _newest(session, now)
    recent = _recent(rows)
    sources = await session.exec(select_rows(CallSource))
    tokens = await session.exec(select_rows(ApiToken).where(col(ApiToken.revoked_at).is_(None)))
    return Arrivals(
        sources=[_source(source, recent) for source in sources],
        unpriced=list(_unpriced(rows)),
        tokens=[Token(token.id, token.system) for token in tokens],
        hours=await _hours(session, now),
    )


class _Row(NamedTuple):
    system: str
    emitter: str
    operation: str
    provider: str | None
    model_asked: str | None
    model_answered: str | None
    prompt_version: str | None
    flags: int
    outcome: str
    stream: bool | None
    input_tokens: int | None
    output_tokens: int | None
    cost_nano: int | None

    @property
    def is_answered(self) -> bool:
        return self.outcome == Outcome.OK

    @property
    def lacks_output(self) -> bool:
        return self.is_answered and not self.flags & Flag.HAS_OUTPUT and self.operation not in _TEXTLESS

    @property
    def lacks_tokens(self) -> bool:
        return self.is_answered and self.input_tokens is None and self.output_tokens is None


async def _newest(session: AsyncSession, now: datetime) -> list[_Row]:
    of_series = ("system", "emitter", "operation", "provider", "model_asked", "model_answered", "prompt_version")
    of_call = ("flags", "outcome", "stream", "input_tokens", "output_tokens", "cost_nano")
    columns: list[Any] = [getattr(CallSeries, name) for name in of_series] + [getattr(Call, name) for name in of_call]
    statement = (
        select(*columns)
        .join(CallSeries, col(CallSeries.id) == col(Call.series_id))
        .where(col(Call.id) >= id_floor(microseconds(now - WEEK)))
        .order_by(col(Call.id).desc())
        .limit(NEWEST)
    )
    return [_Row(*row) for row in (await session.execute(statement)).all()]


def _recent(rows: Iterable[_Row]) -> dict[tuple[str, str], Recent]:
    grouped: defaultdict[tuple[str, str], list[_Row]] = defaultdict(list)
    for row in rows:
        grouped[row.system, row.emitter].append(row)
    return {source: _counted(told[:JUDGED]) for source, told in grouped.items()}


def _counted(rows: list[_Row]) -> Recent:
    return Recent(
        calls=len(rows),
        without_input=sum(not row.flags & Flag.HAS_INPUT for row in rows),
        answered=sum(row.is_answered for row in rows),
        without_output=sum(row.lacks_output for row in rows),
        without_tokens=sum(row.lacks_tokens for row in rows),
        streams_without_tokens=sum(row.lacks_tokens and bool(row.stream) for row in rows),
        with_prompt_version=sum(row.prompt_version is not None for row in rows),
        truncated=sum(bool(row.flags & Flag.TRUNCATED) for row in rows),
    )


def _unpriced(rows: Iterable[_Row]) -> Iterator[Unpriced]:
    counts: defaultdict[tuple[str | None, str], int] = defaultdict(int)
    for row in rows:
        model = row.model_answered or row.model_asked
        if row.cost_nano is None and model is not None and row.is_answered and not row.lacks_tokens:
            counts[row.provider, model] += 1
    for (provider, model), calls in counts.items():
        yield Unpriced(provider, model, calls)


def _source(source: CallSource, recent: dict[tuple[str, str], Recent]) -> Source:
    return Source(
        system=source.system,
        emitter=source.emitter,
        calls=source.calls,
        last=EPOCH + timedelta(microseconds=source.last_us),
        twins=source.twins,
        unknown_spans=source.unknown_spans,
        rejected=source.rejected,
        recent=recent.get((source.system, source.emitter)),
    )


async def _hours(session: AsyncSession, now: datetime) -> dict[str, set[int]]:
    statement = (
        select(col(CallSeries.system), col(CallHour.start))
        .join(CallSeries, col(CallSeries.id) == col(CallHour.series_id))
        .where(col(CallHour.start) > hour_of(now) - REACH)
        .distinct()
    )
    hours: defaultdict[str, set[int]] = defaultdict(set)
    for system, start in (await session.execute(statement)).all():
        hours[system].add(start)
    return dict(hours)
