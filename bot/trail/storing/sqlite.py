"""The trail's own connection to SQLite: WAL, every commit on disk, one writer at a time."""

# ruff: noqa: S608 - the statements are put together from constants; values are bound

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from bot.store.database import SQLITE_BUSY_MILLISECONDS, SQLITE_PRAGMAS
from bot.store.turns import Turns
from bot.trail.merging.merge import Wanted
from bot.trail.storing import rows, words
from bot.trail.storing.dictionaries import DictionaryCache
from bot.trail.storing.looking import MOST_CALLS, Looker
from bot.trail.storing.rollups import COLUMNS, HOUR_COLUMNS, Cell, Key, counts_row, hour_row, is_empty
from bot.trail.storing.series import SeriesCache, SeriesFields, digest
from bot.trail.storing.store import Found, IdTakenError, Plan, SourceDelta, StoreUnavailableError

AT_ONCE = 5_000
"""Values in one statement; SQLite allows 32,766."""
_INDEX = {"trace_id": "ix_call_day_trace", "response_id": "ix_call_day_response"}
"""Without statistics the planner would rather go through all calls in the order of their ids."""
_CACHE_KIBIBYTES = 32_768
_SOURCE = tuple(SourceDelta.__dataclass_fields__)


def _insert(table: str, columns: Sequence[str], verb: str = "INSERT") -> str:
    return f"{verb} INTO {table} ({', '.join(columns)}) VALUES ({_marks(columns)})"


def _marks(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))


_INSERT_CALL = _insert("call", rows.INSERTED)
# An input that retention has removed leaves its hash.
_UPDATE_CALL = (f"UPDATE call SET {', '.join(f'{name} = ?' for name in rows.UPDATED)} WHERE id = ?").replace(
    "input_hash = ?", "input_hash = coalesce(?, input_hash)"
)
_PUT_SPAN = _insert("call_span", rows.SPAN, "INSERT OR REPLACE")
_ADD_BODY = _insert("call_body", rows.BODY)
_PUT_BODY = _insert("call_body", rows.BODY, "INSERT OR REPLACE")
_PUT_HOUR = _insert("call_hour", HOUR_COLUMNS, "INSERT OR REPLACE")
_PUT_DAY = _insert("call_day", COLUMNS, "INSERT OR REPLACE")
_PUT_MINUTE = _insert("call_minute", COLUMNS, "INSERT OR REPLACE")
_ADD_SOURCE = (
    _insert("call_source", ("system", "emitter", "first_us", "last_us", *_SOURCE))
    + " ON CONFLICT (system, emitter) DO UPDATE SET first_us = min(first_us, excluded.first_us),"
    + " last_us = max(last_us, excluded.last_us),"
    + " emitter_version = coalesce(nullif(excluded.emitter_version, ''), emitter_version), "
    + ", ".join(f"{name} = {name} + excluded.{name}" for name in _SOURCE[1:])
)


class SqliteStore:
    """See TrailStore."""

    def __init__(self, database_url: str, turns: Turns | None = None) -> None:
        self._turns = turns or Turns()
        self._path = make_url(database_url).database or ""
        self._connection: sqlite3.Connection | None = None
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
        columns = ", ".join(rows.SPAN[1:])
        query = "SELECT " + columns + " FROM call_span WHERE day IN ({days}) AND trace_id IN ({values})"
        return self._within(query, self._filled("call_span", days), traces)

    def _call_ids(self, days: Sequence[int], column: str, values: Sequence[Any]) -> Iterable[int]:
        # The order keeps a trace that never ends from loading all of itself with every batch.
        query = (
            f"SELECT id FROM call INDEXED BY {_INDEX[column]} WHERE day IN ({{days}}) AND {column} IN ({{values}})"
            f" ORDER BY id DESC LIMIT {MOST_CALLS}"
        )
        return (row[0] for row in self._within(query, self._filled("call", days), values))

    def _filled(self, table: str, days: Sequence[int]) -> list[int]:
        """The days that hold anything: each value costs a search in each day, and tomorrow is nearly always empty."""
        execute = self._connected().execute
        return [day for day in days if execute(f"SELECT 1 FROM {table} WHERE day = ? LIMIT 1", (day,)).fetchone()]

    def _within(self, query: str, days: Sequence[int], values: Sequence[Any]) -> Iterator[Sequence[Any]]:
        if not days:
            return
        for start in range(0, len(values), AT_ONCE):
            some = values[start : start + AT_ONCE]
            # Days are whole numbers of ours: written out, they leave the planner no choice of a bad index.
            text = query.format(days=", ".join(map(str, days)), values=_marks(some))
            yield from self._connected().execute(text, some)

    def _calls(self, ids: Sequence[int]) -> Iterator[Any]:
        unpack = self._dictionaries.unpacker(self._read_dictionaries)
        for start in range(0, len(ids), AT_ONCE):
            some = ids[start : start + AT_ONCE]
            for row in self._connected().execute(f"{rows.SELECT_CALLS} c.id IN ({_marks(some)})", some):
                yield rows.read_call(row, unpack)

    def series_ids(self, wanted: Sequence[SeriesFields]) -> list[int]:
        with self._errors():
            for fields in self._series.missing(wanted):
                key = digest(fields)
                self._connected().execute(
                    _insert("call_series", ("digest", *SeriesFields._fields), "INSERT OR IGNORE"), (key, *fields)
                )
                found = self._connected().execute("SELECT id FROM call_series WHERE digest = ?", (key,)).fetchone()
                self._series.learn(fields, found[0])
            return [self._series[fields] for fields in wanted]

    def dictionaries(self) -> tuple[dict[int, bytes], int | None]:
        with self._errors():
            return self._dictionaries.current(self._newest_dictionary, self._read_dictionaries)

    def _newest_dictionary(self) -> int | None:
        found: int | None = self._connected().execute("SELECT max(id) FROM body_dictionary").fetchone()[0]
        return found

    def _read_dictionaries(self) -> dict[int, bytes]:
        return dict(self._connected().execute("SELECT id, content FROM body_dictionary"))

    @contextmanager
    def transaction(self) -> Iterator[int]:
        with self._errors(), self._turns.of_thread(within=SQLITE_BUSY_MILLISECONDS / 1000):
            connection = self._connected()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._version()
                connection.execute("COMMIT")
            except BaseException:
                self._series.forget()
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def _version(self) -> int:
        row = self._connected().execute("SELECT version FROM trail_state WHERE id = 1").fetchone()
        return row[0] if row else 0

    def write(self, plan: Plan) -> None:
        connection = self._connected()
        many = connection.executemany
        many(_INSERT_CALL, map(rows.inserted_values, plan.added))
        many(_UPDATE_CALL, ((*rows.updated_values(write), write.call.id) for write in plan.changed))
        gone = [(call_id,) for call_id in plan.removed]
        many("DELETE FROM call WHERE id = ?", gone)
        many("DELETE FROM call_body WHERE call_id = ?", gone)
        many(_PUT_SPAN, map(rows.span_values, plan.spans))
        many(_ADD_BODY, map(rows.body_values, plan.new_bodies))
        many(_PUT_BODY, map(rows.body_values, plan.changed_bodies))
        self._write_words(plan)
        self._write_cells("call_hour", HOUR_COLUMNS, _PUT_HOUR, plan.delta.hours, hour_row)
        self._write_cells("call_day", COLUMNS, _PUT_DAY, plan.delta.days(), counts_row)
        self._write_cells("call_minute", COLUMNS, _PUT_MINUTE, plan.delta.minutes, counts_row)
        sources = (
            (*key, plan.received_us, plan.received_us, *(getattr(source, name) for name in _SOURCE))
            for key, source in plan.sources.items()
        )
        many(_ADD_SOURCE, sources)
        connection.execute(
            "INSERT INTO trail_state (id, version) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET version = version + 1"
        )

    def _write_words(self, plan: Plan) -> None:
        connection = self._connected()
        for table, gone in words.by_week(plan.words_gone):
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
                self._forget_words(table, gone)
        for table, new in words.by_week(sorted(plan.words_new, key=lambda one: one.call_id)):
            for statement in words.SQLITE_CREATE:
                connection.execute(statement.format(table=table))
            (last,) = connection.execute(f"SELECT coalesce(max(doc), 0) FROM {table}_calls").fetchone()
            docs = range(last + 1, last + 1 + len(new))
            connection.executemany(
                f"INSERT INTO {table}(rowid, output) VALUES (?, ?)",
                ((doc, one.text) for doc, one in zip(docs, new, strict=True)),
            )
            connection.executemany(
                f"INSERT INTO {table}_calls(doc, call_id) VALUES (?, ?)",
                ((doc, one.call_id) for doc, one in zip(docs, new, strict=True)),
            )

    def _forget_words(self, table: str, gone: Sequence[words.Document]) -> None:
        """A contentless table is told what to forget: the text as it was."""
        execute = self._connected().execute
        for one in gone:
            found = execute(f"DELETE FROM {table}_calls WHERE call_id = ? RETURNING doc", (one.call_id,)).fetchall()
            for (doc,) in found:
                execute(f"INSERT INTO {table}({table}, rowid, output) VALUES ('delete', ?, ?)", (doc, one.text))

    def _write_cells(
        self,
        table: str,
        columns: Sequence[str],
        put: str,
        cells: dict[Key, Cell],
        row_of: Callable[[Key, Sequence[Any] | None, Cell], tuple[Any, ...]],
    ) -> None:
        connection = self._connected()
        stored: dict[Key, Sequence[Any]] = {}
        keys = list(cells)
        for start in range(0, len(keys), AT_ONCE):
            some = keys[start : start + AT_ONCE]
            query = (
                f"SELECT {', '.join(columns)} FROM {table}"
                f" WHERE (start, series_id) IN (VALUES {', '.join(['(?, ?)'] * len(some))})"
            )
            for row in connection.execute(query, [value for key in some for value in key]):
                stored[row[0], row[1]] = row
        new = [row_of(key, stored.get(key), cell) for key, cell in cells.items()]
        connection.executemany(put, (row for row in new if not is_empty(row)))
        empty = [row[:2] for row in new if is_empty(row)]
        connection.executemany(f"DELETE FROM {table} WHERE start = ? AND series_id = ?", empty)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        """As bot.store.database does, for one thread at a time, and with a larger cache of pages."""
        connection = sqlite3.connect(Path(self._path).expanduser(), isolation_level=None, check_same_thread=False)
        for pragma in (*SQLITE_PRAGMAS, f"cache_size=-{_CACHE_KIBIBYTES}"):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """An error of the file (locked, full, gone) is not the batch's fault."""
        try:
            yield
        except (sqlite3.OperationalError, TimeoutError) as error:
            raise StoreUnavailableError(f"the database {self._path} cannot be used now: {error}") from error
        except sqlite3.IntegrityError as error:
            raise IdTakenError(str(error)) from error
