"""Words of outputs, searchable: FTS5 tables by week on SQLite, a column of words by day on PostgreSQL."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from bot.trail.identity import started_ms

TABLE = "call_words"
SQLITE_CREATE = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS {table} USING fts5("
    "output, content='', detail=none, columnsize=0, tokenize='unicode61 remove_diacritics 2')",
    "CREATE TABLE IF NOT EXISTS {table}_calls (doc INTEGER PRIMARY KEY, call_id INTEGER NOT NULL UNIQUE)",
)
"""A contentless index, which holds what word is in which document, not the text; and whose output a document is.

Documents are numbered one by one: with the calls' own ids, far apart as they are, the index would be four times as big.
"""
_NAME = re.compile(rf"{TABLE}_(\d{{4}})(\d{{2}})")
_WORD = re.compile(r"[^\W_]+")
MOST_WORDS = 16
"""Of a search; more say nothing more."""


def week_table(call_id: int) -> str:
    """The SQLite table that holds a call's words: `call_words_` and the ISO year and week of its start."""
    moment = datetime.fromtimestamp(started_ms(call_id) / 1000, UTC)
    year, week, _ = moment.isocalendar()
    return f"{TABLE}_{year:04}{week:02}"


def week_of(table: str) -> tuple[datetime, datetime] | None:
    """From when until when calls of a week table started; None for a table that is none."""
    match = _NAME.fullmatch(table)
    if match is None:
        return None
    start = datetime.fromisocalendar(int(match[1]), int(match[2]), 1).replace(tzinfo=UTC)
    return start, start + timedelta(weeks=1)


def by_week(words: Iterable[tuple[int, str]]) -> Iterator[tuple[str, list[tuple[int, str]]]]:
    """Calls and their texts, by week table."""
    tables: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
    for call_id, text in words:
        tables[started_ms(call_id) // 86_400_000].append((call_id, text))
    for rows in tables.values():
        yield week_table(rows[0][0]), rows


def words_in(search: str) -> list[str]:
    """The words of what somebody typed, without any syntax."""
    return [match[0] for match in _WORD.finditer(search)][:MOST_WORDS]


def spaced(text: str) -> str:
    """The words of a text with a blank between them: what PostgreSQL is given, whose own idea of a word is another."""
    return " ".join(_WORD.findall(text))


def fts5_query(search: str) -> str | None:
    """A query for outputs that hold all these words; None where there is no word."""
    return " ".join(f'"{word}"' for word in words_in(search)) or None
