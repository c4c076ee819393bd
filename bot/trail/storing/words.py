"""Words of outputs, searchable: FTS5 tables by week on SQLite, a column of words by day on PostgreSQL."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
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
_ASCII = bytes(ord(chr(code).lower()) if code < 128 and chr(code).isalnum() else 0x20 for code in range(256))
"""Letters become small, anything else a blank: ten times as quick as the pattern, which other texts need."""
_WORD_END = b"\0\0\0"
"""A word ends with a zero byte, and no places follow: their number, two bytes, is zero too."""
LONGEST_WORD = 200
"""Characters by which PostgreSQL tells words apart; it takes none of more than 2,046 bytes."""
MOST_WORDS = 16
"""Of a search; more say nothing more."""


@dataclass(slots=True, frozen=True)
class Document:
    """What is searched of a call: its output, and by what a search may be narrowed."""

    call_id: int
    output: str
    series_id: int
    failed: bool = False
    """Whether it has an error class."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Words that nobody can type: so a search for a word and a series costs what the rarer of them does."""
        series = series_label(self.series_id)
        return (series, FAILED) if self.failed else (series,)

    @property
    def text(self) -> str:
        """Output and labels: what SQLite indexes."""
        return f"{self.output} {' '.join(self.labels)}"


FAILED = "\ue000f"


def series_label(series_id: int) -> str:
    """A word of a private character, which the tokenizer takes for a letter and a search never holds."""
    return f"\ue000s{series_id}"


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


def by_week(documents: Iterable[Document]) -> Iterator[tuple[str, list[Document]]]:
    """Documents by week table."""
    tables: defaultdict[int, list[Document]] = defaultdict(list)
    for document in documents:
        tables[started_ms(document.call_id) // 86_400_000].append(document)
    for found in tables.values():
        yield week_table(found[0].call_id), found


def words_in(search: str) -> list[str]:
    """The words of what somebody typed, without any syntax."""
    return [match[0] for match in _WORD.finditer(search)][:MOST_WORDS]


def tsvector(document: Document) -> bytes:
    """The words of a document and its labels as PostgreSQL sends a `tsvector` (tsvectorrecv): made here it need not
    split texts, which takes it several times as long."""
    output = document.output
    if output.isascii():
        found = set(output.encode().translate(_ASCII).split())
        if found and max(map(len, found)) > LONGEST_WORD:
            found = {word[:LONGEST_WORD] for word in found}
    else:
        found = {word[:LONGEST_WORD].encode() for word in _WORD.findall(output.lower())}
    found.update(label.encode() for label in document.labels)
    return len(found).to_bytes(4, "big") + _WORD_END.join(found) + _WORD_END


def fts5_query(search: str, series: Sequence[int] | None, *, failed: bool) -> str | None:
    """A query for outputs that hold all these words, of these series; None where nothing can be found."""
    found = words_in(search)
    if not found or (series is not None and not series):
        return None
    parts = [f'"{word}"' for word in found]
    if failed:
        parts.append(f'"{FAILED}"')
    if series is not None:
        parts.append("(" + " OR ".join(f'"{series_label(one)}"' for one in series) + ")")
    return " AND ".join(parts)


def tsquery(search: str, series: Sequence[int] | None, *, failed: bool) -> str | None:
    """The same as a `tsquery` of PostgreSQL."""
    found = words_in(search.lower())
    if not found or (series is not None and not series):
        return None
    parts = [f"'{word[:LONGEST_WORD]}'" for word in (*found, *([FAILED] if failed else []))]
    if series is not None:
        parts.append("(" + " | ".join(f"'{series_label(one)}'" for one in series) + ")")
    return " & ".join(parts)
