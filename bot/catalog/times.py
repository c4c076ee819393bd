"""Times of people as the catalog writes them: local times, lengths of a turn, parts of the week.

Local times become instants by one rule: one that does not exist (clocks go forward) means the first instant after the
gap, one that is twice (clocks go back) means the first of the two.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, WithJsonSchema

from bot.catalog.cover import Hours, Unit
from bot.catalog.values import nearest, shown, timezone, wrong

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_LOCAL = re.compile(r"(\d{4}-\d{2}-\d{2})[ T](\d{1,2}:\d{2})")
_EVERY = re.compile(r"(\d{1,4}) *([a-z]+?)s?")
_CLOCK = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)")
_HOURS = re.compile(r"(?:(?P<days>[a-z,\- ]+?) +)?(?P<start>[\d:]+) *(?:-|–) *(?P<end>[\d:]+)(?: +(?P<zone>\S+))?")
_YEARS = range(2000, 2101)
_SECOND = timedelta(seconds=1)


def instant(local: datetime, zone: ZoneInfo) -> datetime:
    """The moment (UTC) at which the clocks of the zone first show this local time, or first show a later one."""
    before, after = local.replace(tzinfo=zone, fold=0), local.replace(tzinfo=zone, fold=1)
    first, last = before.utcoffset(), after.utcoffset()
    assert first is not None
    assert last is not None
    if first >= last:
        return before.astimezone(UTC)
    return _change((local - last).replace(tzinfo=UTC), (local - first).replace(tzinfo=UTC), zone)


def _change(early: datetime, late: datetime, zone: ZoneInfo) -> datetime:
    """When the zone's offset changes between the two; it is the one of `late` from then on."""
    wanted = late.astimezone(zone).utcoffset()
    while late - early > _SECOND:
        middle = early + (late - early) // 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == wanted:
            late = middle
        else:
            early = middle
    return late


def local_time(value: Any) -> datetime:
    """A date with a time of day, without a zone."""
    fix = "write it as 2026-01-05 09:00"
    if isinstance(value, datetime):
        return value
    found = _LOCAL.fullmatch(value.strip()) if isinstance(value, str) else None
    try:
        if found is None:
            raise ValueError
        read = datetime.combine(date.fromisoformat(found[1]), _clock(found[2]))
    except ValueError:
        raise wrong(f"{shown(value)} is not a local time", fix) from None
    if read.year not in _YEARS:
        raise wrong(f"{shown(value)} is too far away", "write a year from 2000 to 2100")
    return read


def turn(value: Any) -> tuple[int, Unit]:
    """How long a turn lasts: a number and its unit."""
    fix = "write a number with hours, days, weeks or months: 12 hours, 2 days, 1 week, 1 month"
    if isinstance(value, tuple):
        return value
    found = _EVERY.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    if found is None:
        raise wrong(f"{shown(value)} is not the length of a turn", fix)
    count, unit = int(found[1]), found[2]
    if unit not in list(Unit):
        guess = nearest(unit, list(Unit))
        meant = f"did you mean {count} {guess}? ({fix})" if guess else fix
        raise wrong(f"{shown(value)} is not the length of a turn", meant)
    if not count:
        raise wrong("is a turn of no length", fix)
    return count, Unit(unit)


def hours(value: Any) -> tuple[frozenset[int], time, time, str | None]:
    """A part of the week: days (none: all of them), from, to, and a time zone where one is named."""
    fix = "write days and times, for example mon-fri 09:00-18:00, or sat,sun 00:00-24:00"
    if isinstance(value, tuple):
        return value
    found = _HOURS.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise wrong(f"{shown(value)} is not a part of the week", fix)
    try:
        start, end = _clock(found["start"]), _clock(found["end"])
    except ValueError:
        raise wrong(f"{shown(value)} holds no time of day", fix) from None
    if found["start"].startswith("24"):
        raise wrong(f"{shown(value)} begins at 24:00", "write 00:00 of the next day")
    zone = timezone(found["zone"]) if found["zone"] else None
    return _days(found["days"]), start, end, zone


def _clock(text: str) -> time:
    """`09:00` as a time; 24:00 is 00:00, which as an end is that of the next day. Raises ValueError."""
    found = _CLOCK.fullmatch(text)
    if found is None or (found[1] == "24" and found[2] != "00"):
        raise ValueError(text)
    return time(int(found[1]) % 24, int(found[2]))


def _days(text: str | None) -> frozenset[int]:
    if text is None:
        return frozenset(range(7))
    chosen: set[int] = set()
    for part in text.replace(" ", "").split(","):
        first, _, last = part.partition("-")
        start, end = _day(first), _day(last or first)
        chosen.update(day % 7 for day in range(start, end + 1 if end >= start else end + 8))
    return frozenset(chosen)


def _day(text: str) -> int:
    meant = next((number for number, name in enumerate(DAYS) if len(text) > 2 and name.startswith(text)), None)
    if meant is not None:
        return meant
    guess = nearest(text[:3], [name[:3] for name in DAYS]) if text else None
    words = "write mon, tue, wed, thu, fri, sat or sun"
    raise wrong(f"{shown(text)} is not a day of the week", f"did you mean {guess}?" if guess else words)


def in_zone(part: tuple[frozenset[int], time, time, str | None], zone: str) -> Hours:
    """The part of the week where it names no zone of its own."""
    days, start, end, own = part
    return Hours(days, start, end, own or zone)


LocalTime = Annotated[
    datetime,
    BeforeValidator(local_time),
    WithJsonSchema(
        {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}[ T]\d{1,2}:\d{2}$", "examples": ["2026-01-05 09:00"]}
    ),
]
Turn = Annotated[
    tuple[int, Unit],
    BeforeValidator(turn),
    WithJsonSchema({"type": "string", "pattern": r"^\d{1,4} *(hour|day|week|month)s?$", "examples": ["1 week"]}),
]
WeekPart = Annotated[
    tuple[frozenset[int], time, time, str | None],
    BeforeValidator(hours),
    WithJsonSchema({"type": "string", "examples": ["mon-fri 09:00-18:00"]}),
]
