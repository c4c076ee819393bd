"""The trail's own connection to PostgreSQL: COPY into partitions by day, under one lock that all replicas share."""

# ruff: noqa: S608 - the statements are put together from constants; values are bound

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson
import psycopg
from psycopg import Connection

from bot.store.database import driver_url
from bot.trail.identity import day_of, day_of_id
from bot.trail.merging.merge import Wanted
from bot.trail.storing import partitions, rows, words
from bot.trail.storing.dictionaries import DictionaryCache
from bot.trail.storing.looking import MOST_CALLS, Looker
from bot.trail.storing.rollups import COLUMNS, HOUR_COLUMNS, Cell, Key, counts_row, hour_row, is_empty
from bot.trail.storing.series import SeriesCache, SeriesFields, digest
from bot.trail.storing.store import Found, IdTakenError, Plan, SourceDelta, StoreUnavailableError

LOCK = 0x62616464617901
"""The advisory lock of everything that writes calls or roll-ups; looking up and writing happen under it."""
_OPTIONS = "-c lock_timeout=5s -c timezone=UTC"
_SOURCE = tuple(SourceDelta.__dataclass_fields__)
_SOURCE_COLUMNS = ("system", "emitter", "first_us", "last_us", *_SOURCE)


@dataclass(frozen=True, slots=True)
class Target:
    """A table that is filled by COPY: its columns with their types, and its key."""

    table: str
    columns: tuple[str, ...]
    types: tuple[str, ...]
    key: tuple[str, ...]

    @property
    def incoming(self) -> str:
        """The temporary table in which rows wait that may be there already."""
        return f"incoming_{self.table}"

    def create(self) -> str:
        columns = ", ".join(f"{name} {kind}" for name, kind in zip(self.columns, self.types, strict=True))
        return f"CREATE TEMPORARY TABLE {self.incoming} ({columns}) ON COMMIT DELETE ROWS"

    def copy(self, table: str) -> str:
        return f"COPY {table} ({', '.join(self.columns)}) FROM STDIN (FORMAT BINARY)"

    def upsert(self) -> str:
        columns = ", ".join(self.columns)
        changes = ", ".join(f"{name} = excluded.{name}" for name in self.columns if name not in self.key)
        return (
            f"INSERT INTO {self.table} ({columns}) SELECT {columns} FROM {self.incoming}"
            f" ON CONFLICT ({', '.join(self.key)}) DO UPDATE SET {changes}"
        )


_TYPES = {
    "day": "int2",
    "kind": "text",
    "trace_id": "bytea",
    "span_id": "bytea",
    "parent_span_id": "bytea",
    "series_id": "int4",
    "start_us": "int8",
    "outcome": "text",
    "stream": "bool",
    "is_final": "bool",
    "http_status": "int2",
    "retries": "int2",
    "attempt": "int2",
    "attempt_hint": "int2",
    "flags": "int2",
    "redactions": "int2",
    "input_tokens": "int4",
    "cached_tokens": "int4",
    "cache_write_tokens": "int4",
    "output_tokens": "int4",
    "reasoning_tokens": "int4",
    "id": "int8",
    "duration_us": "int8",
    "first_token_us": "int8",
    "user_hash": "int8",
    "input_hash": "int8",
    "cost_nano": "int8",
    "emitter_cost_nano": "int8",
    "ranks": "int8",
    "received_us": "int8",
}
"""Of the columns of `call`; every other one is text."""
_WIDE = {"input_tokens", "cached_tokens", "output_tokens", "cost_nano", "slowest_us", "dearest_nano"}
_PACKED = {"latency", "slowest", "dearest"}


def _counted(columns: Sequence[str]) -> tuple[str, ...]:
    return tuple("int8" if name in _WIDE else "bytea" if name in _PACKED else "int4" for name in columns)


CALL = Target("call", rows.INSERTED, tuple(_TYPES.get(name, "text") for name in rows.INSERTED), ("id",))
SPAN = Target(
    "call_span",
    rows.SPAN,
    ("int2", "bytea", "bytea", "bytea", "text", "int8", "int8", "jsonb"),
    ("day", "trace_id", "span_id"),
)
BODY = Target("call_body", rows.BODY, ("int8", "int4", "bytea", "bytea", "bytea"), ("call_id",))
HOUR = Target("call_hour", HOUR_COLUMNS, _counted(HOUR_COLUMNS), ("start", "series_id"))
DAY = Target("call_day", COLUMNS, _counted(COLUMNS), ("start", "series_id"))
MINUTE = Target("call_minute", COLUMNS, _counted(COLUMNS), ("start", "series_id"))
WORDS = Target("call_words", ("call_id", "words"), ("int8", "bytea"), ("call_id",))

# An input that retention has removed leaves its hash.
_UPDATE_CALL = (f"UPDATE call SET {', '.join(f'{name} = %s' for name in rows.UPDATED)} WHERE id = %s").replace(
    "input_hash = %s", "input_hash = coalesce(%s, input_hash)"
)
_ADD_SOURCE = (
    f"INSERT INTO call_source AS s ({', '.join(_SOURCE_COLUMNS)}) VALUES ({', '.join(['%s'] * len(_SOURCE_COLUMNS))})"
    " ON CONFLICT (system, emitter) DO UPDATE SET first_us = least(s.first_us, excluded.first_us),"
    " last_us = greatest(s.last_us, excluded.last_us),"
    " emitter_version = coalesce(nullif(excluded.emitter_version, ''), s.emitter_version), "
    + ", ".join(f"{name} = s.{name} + excluded.{name}" for name in _SOURCE[1:])
)


class PostgresStore:
    """See TrailStore."""

    def __init__(self, database_url: str) -> None:
        url = driver_url(database_url)
        self._place = url.render_as_string(hide_password=True)
        self._conninfo = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._connection: Connection | None = None
        self._series = SeriesCache()
        self._dictionaries = DictionaryCache()

    def look_up(self, wanted: Wanted, *, received_us: int) -> Found:
        with self._errors():
            version = self._version()
            days = rows.days_around(wanted, received_us)
            found = Looker(self._spans, self._call_ids, self._calls).look_up(wanted, days)
            found.version = version
            return found

    def _spans(self, days: Sequence[int], traces: Sequence[bytes]) -> Iterable[Sequence[Any]]:
        if not traces:
            return ()
        columns = ", ".join(rows.SPAN[1:])
        query = f"SELECT {columns} FROM call_span WHERE day = ANY(%s::int2[]) AND trace_id = ANY(%s)"
        return self._ask(query, days, traces)

    def _call_ids(self, days: Sequence[int], column: str, values: Sequence[Any]) -> Iterable[int]:
        if not values:
            return ()
        # The bounds of the id name the partitions. The order keeps a trace that never ends from loading all of itself.
        query = (
            f"SELECT id FROM call WHERE day = ANY(%s::int2[]) AND {column} = ANY(%s) AND id >= %s AND id < %s"
            f" ORDER BY id DESC LIMIT {MOST_CALLS}"
        )
        bounds = (partitions.first_id(days[0]), partitions.first_id(days[-1] + 1))
        return (row[0] for row in self._ask(query, days, values, *bounds))

    def _calls(self, ids: Sequence[int]) -> Iterator[Any]:
        if ids:
            unpack = self._dictionaries.unpacker(self._read_dictionaries)
            bounds = (min(ids), max(ids))
            query = f"{rows.SELECT_CALLS} c.id = ANY(%s) AND c.id BETWEEN %s AND %s"
            for row in self._ask(query, ids, *bounds):
                yield rows.read_call(row, unpack)

    def series_ids(self, wanted: Sequence[SeriesFields]) -> list[int]:
        columns = ("digest", *SeriesFields._fields)
        with self._errors():
            for fields in self._series.missing(wanted):
                key = digest(fields)
                self._do(
                    f"INSERT INTO call_series ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))})"
                    " ON CONFLICT (digest) DO NOTHING",
                    key,
                    *fields,
                )
                self._series.learn(fields, self._one("SELECT id FROM call_series WHERE digest = %s", key))
            return [self._series[fields] for fields in wanted]

    def dictionaries(self) -> tuple[dict[int, bytes], int | None]:
        with self._errors():
            return self._dictionaries.current(
                lambda: self._one("SELECT max(id) FROM body_dictionary"), self._read_dictionaries
            )

    def _read_dictionaries(self) -> dict[int, bytes]:
        return {key: bytes(content) for key, content in self._ask("SELECT id, content FROM body_dictionary")}

    @contextmanager
    def transaction(self) -> Iterator[int]:
        with self._errors():
            try:
                with self._connected().transaction():
                    self._do("SELECT pg_advisory_xact_lock(%s)", LOCK)
                    yield self._version()
            except BaseException:
                self._series.forget()
                raise

    def _version(self) -> int:
        version: int = self._one("SELECT coalesce(max(version), 0) FROM trail_state WHERE id = 1")
        return version

    def write(self, plan: Plan) -> None:
        self._make_room(plan)
        self._copy(CALL, "call", map(rows.inserted_values, plan.added))
        self._many(_UPDATE_CALL, [(*rows.updated_values(write), write.call.id) for write in plan.changed])
        if plan.removed:
            self._do("DELETE FROM call WHERE id = ANY(%s)", plan.removed)
            self._do("DELETE FROM call_body WHERE call_id = ANY(%s)", plan.removed)
        spans = {(span.trace_id, span.span_id): span for span in plan.spans}
        self._upsert(SPAN, [(*rows.span_values(s)[:-1], _plain_json(s.hints)) for s in spans.values()])
        self._copy(BODY, "call_body", map(rows.body_values, plan.new_bodies))
        self._upsert(BODY, list(map(rows.body_values, plan.changed_bodies)))
        self._write_words(plan)
        self._write_cells(HOUR, plan.delta.hours, hour_row)
        self._write_cells(DAY, plan.delta.days(), counts_row)
        self._write_cells(MINUTE, plan.delta.minutes, counts_row)
        self._many(
            _ADD_SOURCE,
            [
                (*key, plan.received_us, plan.received_us, *(getattr(source, name) for name in _SOURCE))
                for key, source in sorted(plan.sources.items())
            ],
        )
        self._do(
            "INSERT INTO trail_state AS s (id, version) VALUES (1, 1)"
            " ON CONFLICT (id) DO UPDATE SET version = s.version + 1"
        )

    def _make_room(self, plan: Plan) -> None:
        """Partitions for every day that is written to; retention may have dropped one since we last looked."""
        days = {day_of_id(write.call.id) for write in plan.added}
        days.update(day_of_id(body.call_id) for body in plan.changed_bodies)
        days.update(day_of(span.start_us) for span in plan.spans)
        for (day,) in self._ask(partitions.MISSING, sorted(days)):
            for statement in partitions.create(day):
                self._do(statement)

    def _write_words(self, plan: Plan) -> None:
        if plan.words_gone:
            self._do("DELETE FROM call_words WHERE call_id = ANY(%s)", [one.call_id for one in plan.words_gone])
        if plan.words_new:  # what is sent as bytes is read as what the column is
            self._copy(WORDS, "call_words", ((one.call_id, words.tsvector(one)) for one in plan.words_new))

    def _write_cells(
        self,
        target: Target,
        cells: dict[Key, Cell],
        row_of: Callable[[Key, Sequence[Any] | None, Cell], tuple[Any, ...]],
    ) -> None:
        if not cells:
            return
        query = (
            f"SELECT {', '.join(target.columns)} FROM {target.table}"
            " WHERE (start, series_id) IN (SELECT * FROM unnest(%s::int[], %s::int[]))"
        )
        starts, series = zip(*cells, strict=True)
        stored = {(row[0], row[1]): row for row in self._ask(query, list(starts), list(series))}
        new = [row_of(key, stored.get(key), cell) for key, cell in cells.items()]
        self._upsert(target, [row for row in new if not is_empty(row)])
        empty = [row[:2] for row in new if is_empty(row)]
        self._many(f"DELETE FROM {target.table} WHERE start = %s AND series_id = %s", empty)

    def _copy(self, target: Target, table: str, values: Iterable[Sequence[Any]]) -> None:
        with self._connected().cursor() as cursor, cursor.copy(target.copy(table)) as copy:
            copy.set_types(target.types)
            for row in values:
                copy.write_row(row)

    def _upsert(self, target: Target, values: Sequence[Sequence[Any]]) -> None:
        if values:
            self._copy(target, target.incoming, values)
            self._do(target.upsert())

    def _many(self, query: str, values: Sequence[Sequence[Any]]) -> None:
        if values:
            with self._connected().cursor() as cursor:
                cursor.executemany(query, values)

    def _do(self, query: str, *values: Any) -> None:
        self._connected().execute(query, values or None)

    def _ask(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        arguments = [
            list(value) if isinstance(value, Sequence) and not isinstance(value, bytes) else value for value in values
        ]
        return self._connected().execute(query, arguments or None, binary=True).fetchall()

    def _one(self, query: str, *values: Any) -> Any:
        return self._ask(query, *values)[0][0]

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._conninfo, autocommit=True, options=_OPTIONS)
            for target in (SPAN, BODY, HOUR, DAY, MINUTE):
                self._connection.execute(target.create())
        return self._connection

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """An error of the server is not the batch's fault."""
        try:
            yield
        except psycopg.errors.UniqueViolation as error:
            raise IdTakenError(str(error)) from error
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            self.close()
            raise StoreUnavailableError(f"the database {self._place} cannot be used now: {error}") from error


def _plain_json(value: Any) -> Any:
    return None if value is None else orjson.loads(rows.dump(value))
