"""On PostgreSQL calls, spans, bodies and words lie in partitions by day, made when the first row of a day comes."""

# ruff: noqa: S608 - the statements are put together from constants and whole numbers

import re

from bot.trail.identity import DAY_MS, SEQUENCE_BITS

BY_ID = ("call", "call_body", "call_words")
BY_DAY = ("call_span",)
TABLES = BY_ID + BY_DAY
_NAME = re.compile(rf"({'|'.join(TABLES)})_d(\d+)")


def first_id(day: int) -> int:
    """The smallest id of a day (days since 2020)."""
    return day * DAY_MS << SEQUENCE_BITS


def partition(table: str, day: int) -> str:
    """The name of a table's partition for a day."""
    return f"{table}_d{day}"


def day_in(name: str) -> int | None:
    """The day of a partition's name; None for a table that is none of ours."""
    match = _NAME.fullmatch(name)
    return int(match[2]) if match else None


MISSING = "SELECT day FROM unnest(%s::int[]) AS day WHERE " + " OR ".join(
    f"to_regclass('{table}_d' || day) IS NULL" for table in TABLES
)
"""Which of these days have no place yet."""


def create(day: int) -> list[str]:
    """Statements that make a day's partitions where they are not there yet."""
    return [
        f"CREATE TABLE IF NOT EXISTS {partition(table, day)} PARTITION OF {table} FOR VALUES FROM ({start}) TO ({end})"
        for tables, start, end in ((BY_ID, first_id(day), first_id(day + 1)), (BY_DAY, day, day + 1))
        for table in tables
    ]
