"""Which findings a silence is about, and when a maintenance window is in force."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.catalog import Catalog
from bot.catalog.cover import Hours, Maintenance
from bot.incidents import silences, windows
from bot.store.tables import Silence

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
moments = st.timedeltas(timedelta(days=-400), timedelta(days=400)).map(lambda offset: NINE + offset)


def silence(cause: str | None = None, **changes: datetime) -> Silence:
    times = {"created_at": NINE, "starts_at": NINE, "ends_at": NINE + HOUR} | changes
    return Silence(system="support-bot", cause=cause, reason="x", created_by="maria", **times)


@pytest.mark.parametrize(
    ("cause", "kind", "subject", "covered"),
    [
        (None, "alert", "QueueFull", True),
        ("QueueFull", "alert", "QueueFull", True),
        ("QueueFull", "alert", "QueueFuller", False),
        ("Queue*", "alert", "QueueFuller", True),
        ("alert", "alert", "QueueFull", True),
        ("northwind", "provider_status", "northwind", True),
        ("chat/northwind", "calls_failing", "support-bot/chat/northwind", True),
        ("chat/*", "calls_failing", "support-bot/chat/northwind", True),
        ("northwind", "calls_failing", "support-bot/chat/northwind", False),
        ("calls_*", "calls_silent", "support-bot", True),
    ],
)
def test_a_silence_is_about_a_subject_or_a_kind(cause: str | None, kind: str, subject: str, *, covered: bool) -> None:
    assert silences.covers(silence(cause), system="support-bot", kind=kind, subject=subject) is covered
    assert not silences.covers(silence(cause), system="search", kind=kind, subject=subject)


@given(starts=moments, length=st.timedeltas(timedelta(minutes=1), timedelta(days=7)), at=moments)
def test_a_silence_is_in_force_from_its_start_until_just_before_its_end(
    starts: datetime, length: timedelta, at: datetime
) -> None:
    one = silence(starts_at=starts, ends_at=starts + length)
    assert silences.is_in_force(one, at) == (0 <= (at - starts) / length < 1)
    assert silences.is_in_force(one, starts)
    assert not silences.is_in_force(one, starts + length)
    one.cancelled_at = starts
    assert not silences.is_in_force(one, at)


@given(
    at=moments,
    days=st.frozensets(st.integers(0, 6), min_size=1),
    start=st.integers(0, 23),
    hours=st.integers(1, 23),
    zone=st.sampled_from(["UTC", "Europe/Madrid", "America/New_York", "Asia/Kolkata"]),
)
def test_a_weekly_window_is_in_force_in_its_part_of_the_week_and_at_no_other_time(
    at: datetime, days: frozenset[int], start: int, hours: int, zone: str
) -> None:
    window = Maintenance("index", "x", hours=(Hours(days, time(start), time((start + hours) % 24), zone),))
    local = at.astimezone(ZoneInfo(zone))
    passed = (local.hour - start) % 24 < hours
    began = local if local.hour >= start else local - timedelta(days=1)
    assert windows.is_in_force(window, at) == (passed and began.weekday() in days)


def test_a_window_without_systems_is_about_every_system() -> None:
    everywhere = Maintenance("all", "x", starts=NINE, ends=NINE + HOUR)
    search = Maintenance("one", "x", systems=("search",), starts=NINE, ends=NINE + 2 * HOUR)
    catalog = Catalog(people={}, systems={}, maintenance={"one": search, "all": everywhere})
    assert windows.of_system(catalog, "support-bot", NINE) is everywhere
    assert windows.of_system(catalog, "search", NINE) is search
    assert windows.of_system(catalog, "support-bot", NINE + HOUR) is None
    assert windows.of_system(catalog, "search", NINE - timedelta(seconds=1)) is None
