"""A month of calls in a database, made quickly: one day as the trail's writer writes it, copied to the days before."""

import random
import re
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from benchmarks._traffic import SERVICES, Traffic
from bot.trail.calls import CostSource, ErrorClass, Facts, Outcome, StoredCall
from bot.trail.identity import DAY_MS, SEQUENCE_BITS, day_of, id_maker
from bot.trail.storing import open_store, partitions, words
from bot.trail.storing.bodies import Codec
from bot.trail.storing.rollups import Counted, pack_extremes, unpack_extremes
from bot.trail.storing.series import series_of
from bot.trail.storing.store import BodyWrite, CallWrite, Plan
from bot.trail.storing.words import Document

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


def fill(url: str, calls: int, *, until_us: int) -> None:
    """So many calls in the thirty days before; the database is migrated."""
    chance = random.Random(7)
    said = list(_said(chance))
    step = DAY_US // (calls // DAYS)
    last_day = [_call(chance, until_us - DAY_US + number * step) for number in range(calls // DAYS)]
    _write(url, last_day, said, until_us)
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
            for pragma in ("synchronous=OFF", "cache_size=-400000"):
                connection.execute(f"PRAGMA {pragma}")
            _copy_days(lambda query, **values: connection.execute(query, values), DAYS)
            _copy_words(connection, said)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    else:
        with psycopg.connect(url, autocommit=True) as postgres:

            def run(query: str, **values: Any) -> Any:
                return postgres.execute(re.sub(r":(\w+)", r"%(\1)s", query), values)

            for day in range(day_of(until_us) - DAYS - 1, day_of(until_us) + 1):
                for statement in partitions.create(day):
                    postgres.execute(statement)
            _copy_days(run, DAYS)
            first = _first(run)
            for day in range(1, DAYS):
                query = "INSERT INTO call_words SELECT call_id - :ids, words FROM call_words WHERE call_id >= :first"
                run(query, ids=day * DAY_ID, first=first)
            postgres.execute("VACUUM ANALYZE")  # what autovacuum does by itself


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
            plan.words_new.append(Document(call_id, one.output, series_id, facts.error_class is not None))
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


Run = Callable[..., Any]


def _first(run: Run) -> int:
    """The smallest id of the day that was written."""
    first: int = run("SELECT max(id) FROM call").fetchone()[0] - DAY_ID + 1
    return first


def _copy_days(run: Run, days: int) -> None:
    first = run("SELECT min(id) FROM call").fetchone()[0]
    hour = run("SELECT min(start) FROM call_hour").fetchone()[0]
    floors = {
        "call": ("id", first),
        "call_body": ("call_id", first),
        "call_hour": ("start", hour),
        "call_day": ("start", hour // 24),
    }
    run("BEGIN")
    for day in range(1, days):
        values = {"ids": day * DAY_ID, "days": day, "us": day * DAY_US, "hours": 24 * day, "mark": f"-{day}"}
        for table, shifted in _SHIFTED.items():
            names, selected = _columns(table, shifted)
            key, floor = floors[table]
            # Of the hours on the edge of a day two copies fall together: the later one adds nothing.
            clash = "" if table in ("call", "call_body") else " ON CONFLICT DO NOTHING"
            query = f"INSERT INTO {table} ({names}) SELECT {selected} FROM {table} WHERE {key} >= :floor{clash}"
            run(query, floor=floor, **{name: value for name, value in values.items() if f":{name}" in query})
    _shift_extremes(run, hour)
    run("COMMIT")


def _shift_extremes(run: Run, last_day: int) -> None:
    """The slowest and dearest of a copied hour are its own calls."""
    copied = run("SELECT start, series_id, slowest, dearest FROM call_hour WHERE start < :hour", hour=last_day)
    for start, series_id, slowest, dearest in copied.fetchall():
        days = -(-(last_day - start) // 24)
        slow, dear = (
            pack_extremes([(value, call_id - days * DAY_ID) for value, call_id in unpack_extremes(one)])
            for one in (slowest, dearest)
        )
        query = "UPDATE call_hour SET slowest = :slow, dearest = :dear WHERE start = :start AND series_id = :series"
        run(query, slow=slow, dear=dear, start=start, series=series_id)


def _copy_words(connection: sqlite3.Connection, said: Sequence[Said]) -> None:
    def run(query: str, **values: Any) -> Any:
        return connection.execute(query, values)

    rows = connection.execute("SELECT id, series_id, error_class FROM call WHERE id < ? ORDER BY id", (_first(run),))
    documents = (
        Document(call_id, said[call_id % TEXTS].output, series_id, failed is not None)
        for call_id, series_id, failed in rows.fetchall()
    )
    connection.execute("BEGIN")
    for table, found in words.by_week(documents):
        for statement in words.SQLITE_CREATE:
            connection.execute(statement.format(table=table))
        (last,) = connection.execute(f"SELECT coalesce(max(doc), 0) FROM {table}_calls").fetchone()
        numbered = list(enumerate(found, last + 1))
        for target, values in (
            (f"{table}(rowid, output)", ((doc, one.text) for doc, one in numbered)),
            (f"{table}_calls(doc, call_id)", ((doc, one.call_id) for doc, one in numbered)),
        ):
            connection.executemany(f"INSERT INTO {target} VALUES (?, ?)", values)
    connection.execute("COMMIT")
