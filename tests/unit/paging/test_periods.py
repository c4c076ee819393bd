"""Times as people type them in chat."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.paging.periods import Period, PeriodError, length, read

NOW = datetime(2026, 3, 4, 13, 30, tzinfo=UTC)  # a Wednesday, 14:30 in Madrid
MADRID = ZoneInfo("Europe/Madrid")


def typed(text: str) -> Period:
    return read(text, now=NOW, zone=MADRID)


def local(at: datetime) -> str:
    return f"{at.astimezone(MADRID):%a %Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("text", "starts", "ends"),
    [
        ("for 4h", "Wed 2026-03-04 14:30", "Wed 2026-03-04 18:30"),
        ("FOR 1d12h", "Wed 2026-03-04 14:30", "Fri 2026-03-06 02:30"),
        ("18:00..22:00", "Wed 2026-03-04 18:00", "Wed 2026-03-04 22:00"),
        ("9:00..18:00", "Wed 2026-03-04 09:00", "Wed 2026-03-04 18:00"),
        ("18:00..09:00", "Wed 2026-03-04 18:00", "Thu 2026-03-05 09:00"),
        ("18:00..24:00", "Wed 2026-03-04 18:00", "Thu 2026-03-05 00:00"),
        ("fri 18:00..mon 09:00", "Fri 2026-03-06 18:00", "Mon 2026-03-09 09:00"),
        ("friday 18:00 .. monday 09:00", "Fri 2026-03-06 18:00", "Mon 2026-03-09 09:00"),
        ("wed 09:00..wed 18:00", "Wed 2026-03-04 09:00", "Wed 2026-03-04 18:00"),
        ("mon 09:00..mon 09:00", "Mon 2026-03-09 09:00", "Mon 2026-03-09 09:00"),
        ("tomorrow 09:00..18:00", "Thu 2026-03-05 09:00", "Thu 2026-03-05 18:00"),
        ("now..18:00", "Wed 2026-03-04 14:30", "Wed 2026-03-04 18:00"),
        ("until 09:00", "Wed 2026-03-04 14:30", "Thu 2026-03-05 09:00"),
        ("until fri 09:00", "Wed 2026-03-04 14:30", "Fri 2026-03-06 09:00"),
        ("from 18:00 to 22:00", "Wed 2026-03-04 18:00", "Wed 2026-03-04 22:00"),
        ("2026-03-28 09:00..2026-03-29 09:00", "Sat 2026-03-28 09:00", "Sun 2026-03-29 09:00"),
        ("2026-03-28T09:00..2026-03-28T18:00", "Sat 2026-03-28 09:00", "Sat 2026-03-28 18:00"),
    ],
)
def test_a_period_is_read_in_the_readers_own_time_zone(text: str, starts: str, ends: str) -> None:
    period = typed(text)
    assert (local(period.starts), local(period.ends), period.rest) == (starts, ends, "")


def test_what_follows_is_the_reason() -> None:
    assert typed("for 4h a wedding, far away").rest == "a wedding, far away"
    assert typed("fri 18:00..mon 09:00  holidays").rest == "holidays"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the time is missing; for example: for 4h"),
        ("some day", "“some day” says no time"),
        ("for ever", "“ever” is no length of time"),
        ("for 0h", "“0h” is no length of time"),
        ("25:00..26:00", "25:00 is no time of day"),
        ("18:00..18:75", "18:75 is no time of day"),
        ("foo 18:00..19:00", "“foo” is no day"),
        ("0001-01-01 00:00..19:00", "“0001-01-01” is no day"),
        ("2026-02-30 18:00..19:00", "“2026-02-30” is no day"),
    ],
)
def test_what_is_no_time_is_told_with_an_example(text: str, words: str) -> None:
    with pytest.raises(PeriodError) as caught:
        typed(text)
    assert str(caught.value).startswith(words)


@given(st.integers(1, 5000), st.sampled_from("wdhm"))
def test_a_length_is_a_number_with_a_unit(number: int, unit: str) -> None:
    text = f"{number % 900 + 1}{unit}"
    assert length(text) == timedelta(
        **{{"w": "weeks", "d": "days", "h": "hours", "m": "minutes"}[unit]: int(text[:-1])}
    )


@given(st.text(max_size=60))
def test_whatever_is_typed_is_a_period_or_a_sentence(text: str) -> None:
    with suppress(PeriodError):
        assert typed(text).starts.tzinfo is UTC
