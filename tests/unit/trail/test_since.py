"""Times as people type them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.trail.queries.since import SinceError, read_since

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("90s", NOW - timedelta(seconds=90)),
        ("15m", NOW - timedelta(minutes=15)),
        ("15 min", NOW - timedelta(minutes=15)),
        ("24h", NOW - timedelta(hours=24)),
        ("7D", NOW - timedelta(days=7)),
        ("2w", NOW - timedelta(days=14)),
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T09:30", datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
        ("2026-03-01T09:30Z", datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
        ("2026-03-01T09:30:00+02:00", datetime(2026, 3, 1, 7, 30, tzinfo=UTC)),
    ],
)
def test_a_time_is_so_long_ago_or_a_date(typed: str, meant: datetime) -> None:
    assert read_since(typed, NOW) == meant


@pytest.mark.parametrize(
    "typed", ["", "yesterday", "24", "h", "-3h", "999999999w", "2026-13-01", "0001-01-01T00:00+05:00"]
)
def test_anything_else_is_refused_with_what_can_be_written(typed: str) -> None:
    with pytest.raises(SinceError, match=r"write how long ago \(90s, 15m, 24h, 7d\)"):
        read_since(typed, NOW)


@settings(deadline=None)
@given(st.text())
def test_any_text_is_an_aware_time_or_refused(typed: str) -> None:
    try:
        assert read_since(typed, NOW).tzinfo is UTC
    except SinceError:
        pass
