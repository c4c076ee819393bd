"""Words of outputs, and what people type to find them."""

import sqlite3
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.trail.identity import id_floor
from bot.trail.storing import words
from bot.trail.storing.words import Document


def index() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    for statement in words.SQLITE_CREATE:
        connection.execute(statement.format(table="w"))
    return connection


@given(st.text(max_size=60), st.none() | st.lists(st.integers(1, 9), max_size=3), st.booleans())
def test_whatever_is_typed_is_a_query(typed: str, series: list[int] | None, failed: bool) -> None:
    query = words.fts5_query(typed, series, failed=failed)
    if query is not None:
        index().execute("SELECT rowid FROM w WHERE w MATCH ?", (query,)).fetchall()


@pytest.mark.parametrize("typed", ["refund window", "window, refund!", "REFUND", "réfund", "win'dow refund\""])
def test_words_are_found_in_any_order_and_case(typed: str) -> None:
    connection = index()
    document = Document(1, "The refund window is closed. (win dow)", 17)
    connection.execute("INSERT INTO w(rowid, output) VALUES (1, ?)", (document.text,))
    found = connection.execute("SELECT rowid FROM w WHERE w MATCH ?", (words.fts5_query(typed, None, failed=False),))
    assert found.fetchall() == [(1,)]


def test_a_search_is_narrowed_to_series_and_failed_calls() -> None:
    connection = index()
    for number, (series, failed) in enumerate([(1, False), (11, True), (1, True)], 1):
        text = Document(number, "refund", series, failed).text
        connection.execute("INSERT INTO w(rowid, output) VALUES (?, ?)", (number, text))

    def found(series: list[int] | None, failed: bool) -> list[int]:
        query = words.fts5_query("refund", series, failed=failed)
        return [row[0] for row in connection.execute("SELECT rowid FROM w WHERE w MATCH ?", (query,))]

    assert found(None, False) == [1, 2, 3]
    assert found([1], False) == [1, 3]
    assert found([1, 11], True) == [2, 3]
    assert found([11], False) == [2]


def test_nobody_can_type_a_label() -> None:
    label = words.series_label(1)
    assert words.fts5_query(label, None, failed=False) == '"s1"'
    assert words.tsquery(label, None, failed=False) == "'s1'"
    held = words.tsvector(Document(1, f"{label} {words.FAILED}", 2))[4:].decode().split("\0\0\0")
    assert set(held) == {"s1", "f", words.series_label(2), ""}


def test_a_week_begins_on_monday() -> None:
    sunday = datetime(2027, 1, 3, 23, 59, tzinfo=UTC)
    monday = datetime(2027, 1, 4, tzinfo=UTC)
    before, after = (words.week_table(id_floor(round(at.timestamp() * 1e6))) for at in (sunday, monday))
    assert (before, after) == ("call_words_202653", "call_words_202701")
    week = words.week_of(after)
    assert week is not None
    assert week[0] == monday
    assert words.week_of("call_words_202701_data") is None
