"""A month of calls in a database, made quickly: one day as the trail's writer writes it, copied to the days before."""

import random
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from benchmarks._traffic import SERVICES, Traffic
from bot.store.database import Database
from bot.trail.bodies import Codec
from bot.trail.calls import CostSource, ErrorClass, Facts, Outcome, StoredCall
from bot.trail.identity import DAY_MS, SEQUENCE_BITS, day_of, id_maker
from bot.trail.rollups import Counted, pack_extremes, unpack_extremes
from bot.trail.storing import open_store, partitions, words
from bot.trail.storing.series import series_of
from bot.trail.storing.store import BodyWrite, CallWrite, Plan

DAYS = 30
DAY_US = DAY_MS * 1000
DAY_ID = DAY_MS << SEQUENCE_BITS
BATCH = 5_000
TEXTS = 400
RARE = "refund-window"
"""A feature of one call in five thousand."""
RARE_WORD = "zyzzyva"
_ERRORS = (ErrorClass.TIMEOUT, ErrorClass.RATE_LIMIT, ErrorClass.SERVER, ErrorClass.OVERLOADED)


@dataclass(frozen=True)
class Said:
    """A body that many calls share here: what is measured is finding them."""

    output: str
    body: BodyWrite


async def fill(db: Database, url: str, calls: int, *, until_us: int) -> None:
    """So many calls in the thirty days before."""
    chance = random.Random(7)
    said = list(_said(chance))
    last_day = [
        _call(chance, until_us - DAY_US + number * DAY_US // (calls // DAYS)) for number in range(calls // DAYS)
    ]
    _write(url, last_day, said, until_us)
    async with db.transaction() as session:
        if db.dialect == "postgresql":
            await _postgres(session, until_us)
        else:
            await _sqlite(session, last_day, said)
    if db.dialect == "postgresql":  # what autovacuum does by itself
        async with db.engine.connect() as connection:
            quiet = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await quiet.exec_driver_sql("VACUUM ANALYZE")


def _said(chance: random.Random) -> Iterator[Said]:
    traffic, codec = Traffic(7), Codec({}, None)
    for number in range(TEXTS):
        output = traffic.text(chance.randint(300, 1_000)) + (f" {RARE_WORD}" if number == 0 else "")
        asked = zlib.compress(traffic.text(800).encode())  # about as large as with a trained dictionary
        yield Said(output, BodyWrite(0, None, codec.pack(asked.hex()[:700]), codec.pack(output[:250]), None))


def _call(chance: random.Random, start_us: int) -> Facts:
    service = chance.choice(SERVICES)
    model = chance.choice(service.models)
    failed = chance.random() < 0.02
    return Facts(
        system=service.name,
        environment="production",
        feature=RARE if chance.random() < 0.0002 else service.feature,
        prompt_version=f"v{chance.randint(1, 3)}",
        provider=service.provider,
        model_asked=model,
        model_answered=None if failed else model,
        emitter="openllmetry",
        emitter_version=service.version,
        start_us=start_us,
        duration_us=int(chance.lognormvariate(13.7, 0.8)),
        outcome=Outcome.ERROR if failed else Outcome.OK,
        error_class=chance.choice(_ERRORS) if failed else None,
        input_tokens=chance.randint(200, 3_000),
        output_tokens=chance.randint(20, 800),
        response_id=f"resp_{chance.getrandbits(96):024x}",
    )


def _write(url: str, day: Sequence[Facts], said: Sequence[Said], until_us: int) -> None:
    store, new_id, chance = open_store(url), id_maker(), random.Random(8)
    for start in range(0, len(day), BATCH):
        some = day[start : start + BATCH]
        plan = Plan(until_us)
        for facts, series_id in zip(some, store.series_ids([series_of(facts) for facts in some]), strict=True):
            call_id, cost = new_id(facts.start_us), (facts.input_tokens or 0) * 400 + (facts.output_tokens or 0) * 1600
            call = StoredCall(call_id, chance.randbytes(16), chance.randbytes(8), None, facts, received_us=until_us)
            plan.added.append(
                CallWrite(call, series_id, cost, CostSource.PRICE_LIST, "2026.11", chance.getrandbits(60))
            )
            plan.delta.add(Counted(call_id, series_id, facts, cost), minutes_since_us=until_us - 2 * DAY_US)
            one = said[call_id % TEXTS]
            plan.new_bodies.append(replace(one.body, call_id=call_id))
            plan.words_new.append((call_id, one.output))
        with store.transaction():
            store.write(plan)
    store.close()


def _columns(table: type[Any] | str, shifted: dict[str, str]) -> tuple[str, str]:
    from sqlmodel import SQLModel

    names = [column.name for column in SQLModel.metadata.tables[str(table)].columns]
    return ", ".join(names), ", ".join(shifted.get(name, name) for name in names)


_SHIFTED = {
    "call": {
        "id": "id - :ids",
        "day": "day - :days",
        "start_us": "start_us - :us",
        "response_id": "response_id || :mark",
    },
    "call_body": {"call_id": "call_id - :ids"},
    "call_hour": {"start": "start - :hours"},
    "call_day": {"start": "start - :days"},
}


async def _copies(session: AsyncSession, days: int) -> None:
    first = (await session.execute(text("SELECT min(id) FROM call"))).scalar_one()
    hour = (await session.execute(text("SELECT min(start) FROM call_hour"))).scalar_one()
    for day in range(1, days):
        values = {"ids": day * DAY_ID, "days": day, "us": day * DAY_US, "hours": 24 * day, "mark": f"-{day}"}
        since = {
            "call": ("id", first),
            "call_body": ("call_id", first),
            "call_hour": ("start", hour),
            "call_day": ("start", hour // 24),
        }
        for table, shifted in _SHIFTED.items():
            names, selected = _columns(table, shifted)
            key, floor = since[table]
            # Of the hours on the edge of a day two copies fall together: the later one adds nothing.
            clash = "" if table.startswith("call_b") or table == "call" else " ON CONFLICT DO NOTHING"
            query = f"INSERT INTO {table} ({names}) SELECT {selected} FROM {table} WHERE {key} >= :floor{clash}"
            used = {name: value for name, value in values.items() if f":{name}" in query}
            await session.execute(text(query), {**used, "floor": floor})
    await _shift_extremes(session, hour)


async def _shift_extremes(session: AsyncSession, last_day: int) -> None:
    """The slowest and dearest of a copied hour are its own calls."""
    query = text("SELECT start, series_id, slowest, dearest FROM call_hour WHERE start < :hour")
    for start, series_id, slowest, dearest in (await session.execute(query, {"hour": last_day})).all():
        days = -(-(last_day - start) // 24)
        packed = [
            pack_extremes([(value, call_id - days * DAY_ID) for value, call_id in unpack_extremes(one)])
            for one in (slowest, dearest)
        ]
        await session.execute(
            text("UPDATE call_hour SET slowest = :s, dearest = :d WHERE start = :start AND series_id = :series"),
            {"s": packed[0], "d": packed[1], "start": start, "series": series_id},
        )


async def _sqlite(session: AsyncSession, day: Sequence[Facts], said: Sequence[Said]) -> None:
    await _copies(session, DAYS)
    ids = list(
        (
            await session.execute(
                text("SELECT id FROM call WHERE id < :first ORDER BY id"), {"first": await _first(session)}
            )
        ).scalars()
    )
    connection = await session.connection()
    for table, rows in words.by_week((call_id, said[call_id % TEXTS].output) for call_id in ids):
        for statement in words.SQLITE_CREATE:
            await connection.exec_driver_sql(statement.format(table=table))
        last = (await connection.exec_driver_sql(f"SELECT coalesce(max(doc), 0) FROM {table}_calls")).scalar_one()
        numbered = list(enumerate(rows, last + 1))
        for target, values in (
            (f"{table}(rowid, output)", [(doc, output) for doc, (_, output) in numbered]),
            (f"{table}_calls(doc, call_id)", [(doc, call_id) for doc, (call_id, _) in numbered]),
        ):
            await connection.exec_driver_sql(f"INSERT INTO {target} VALUES (?, ?)", values)


async def _first(session: AsyncSession) -> int:
    """The smallest id of the day that was written."""
    newest = (await session.execute(text("SELECT max(id) FROM call"))).scalar_one()
    first: int = newest - DAY_ID
    return first


async def _postgres(session: AsyncSession, until_us: int) -> None:
    last = day_of(until_us)
    for day in range(last - DAYS - 1, last + 1):
        for statement in partitions.create(day):
            await session.execute(text(statement))
    first = (await session.execute(text("SELECT min(id) FROM call"))).scalar_one()
    await _copies(session, DAYS)
    for day in range(1, DAYS):
        query = "INSERT INTO call_words SELECT call_id - :ids, words FROM call_words WHERE call_id >= :first"
        await session.execute(text(query), {"ids": day * DAY_ID, "first": first})
