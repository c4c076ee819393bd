"""A time as people type it in chat: `for 4h`, `18:00..09:00`, `fri 18:00..mon 09:00 wedding`, then a reason. Pure."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.catalog.times import DAYS, instant

_LENGTH = re.compile(r"(?:(\d{1,3})w)?(?:(\d{1,3})d)?(?:(\d{1,4})h)?(?:(\d{1,5})m)?", re.IGNORECASE)
_FOR = re.compile(r"for\s+(?P<length>\S+)(?:\s+(?P<rest>.*))?", re.IGNORECASE | re.DOTALL)
_DAY = r"\d{4}-\d{2}-\d{2}|[a-z]{3,9}"
_MOMENT = rf"now|(?:(?:{_DAY})[ T]+)?\d{{1,2}}:\d{{2}}"
_RANGE = re.compile(
    rf"(?:from\s+)?(?P<starts>{_MOMENT})\s*(?:\.\.|…|–|to\s)\s*(?P<ends>{_MOMENT})(?:\s+(?P<rest>.*))?",
    re.IGNORECASE | re.DOTALL,
)
_UNTIL = re.compile(rf"(?:until|\.\.|…)\s*(?P<ends>{_MOMENT})(?:\s+(?P<rest>.*))?", re.IGNORECASE | re.DOTALL)
_CLOCK = re.compile(r"(?:(?P<day>\S+?)[ T]+)?(?P<hour>\d{1,2}):(?P<minute>\d{2})", re.IGNORECASE)
EXAMPLES = "for 4h, 18:00..22:00, fri 18:00..mon 09:00, 2026-01-05 09:00..2026-01-12 09:00"


class PeriodError(ValueError):
    """No time can be read from what was typed; the message says which part, and what can be typed."""


@dataclass(frozen=True, slots=True)
class Period:
    starts: datetime
    """UTC, as `ends`."""
    ends: datetime
    rest: str = ""
    """What was typed behind it."""


def read(text: str, *, now: datetime, zone: ZoneInfo) -> Period:
    """The time that the text begins with; times of day are those of the zone. Raises PeriodError.

    A time of day alone is today's; as the end of a period it is the next one after its beginning.
    """
    text = text.strip()
    if found := _FOR.fullmatch(text):
        return Period(now, now + length(found["length"]), _rest(found))
    if found := _UNTIL.fullmatch(text):
        return Period(now, _moment(found["ends"], now, now, zone), _rest(found))
    found = _RANGE.fullmatch(text)
    if found is None:
        said = f"“{text[:60]}” says no time" if text else "the time is missing"
        raise PeriodError(f"{said}; for example: {EXAMPLES}")
    midnight = datetime.combine(now.astimezone(zone).date(), time(0))
    starts = _moment(found["starts"], now, instant(midnight, zone), zone)
    return Period(starts, _moment(found["ends"], now, starts, zone), _rest(found))


def length(text: str) -> timedelta:
    """`4h`, `90m`, `2d12h`, `1w`. Raises PeriodError."""
    found = _LENGTH.fullmatch(text) if text else None
    weeks, days, hours, minutes = (int(part or 0) for part in found.groups()) if found else (0, 0, 0, 0)
    span = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes)
    if not span:
        raise PeriodError(f"“{text[:60]}” is no length of time; for example: 90m, 4h, 2d, 1w")
    return span


def _rest(found: re.Match[str]) -> str:
    return (found["rest"] or "").strip()


def _moment(text: str, now: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """A moment; where its day is left open, the first such time from `after` on."""
    if text.casefold() == "now":
        return now
    found = _CLOCK.fullmatch(text)
    assert found is not None  # the pattern around it matched
    try:
        clock = time(int(found["hour"]) % 24, int(found["minute"]))
        if int(found["hour"]) > 24 or (found["hour"] == "24" and clock.minute):
            raise ValueError
    except ValueError:
        raise PeriodError(f"{found['hour']}:{found['minute']} is no time of day") from None
    late = timedelta(days=1) if int(found["hour"]) == 24 else timedelta(0)
    local = after.astimezone(zone).date()
    if found["day"] is not None:
        day, step = _day(found["day"].casefold(), local, now.astimezone(zone).date())
    else:
        day, step = local, 1
    at = instant(datetime.combine(day, clock) + late, zone)
    while step and at < after:
        day += timedelta(days=step)
        at = instant(datetime.combine(day, clock) + late, zone)
    return at.astimezone(UTC)


def _day(text: str, local: date, today: date) -> tuple[date, int]:
    """The day, and after how many days it comes again."""
    if text in ("today", "tomorrow"):
        return today + timedelta(days=text == "tomorrow"), 0
    weekday = next((number for number, name in enumerate(DAYS) if len(text) > 2 and name.startswith(text)), None)
    if weekday is not None:
        return local + timedelta(days=(weekday - local.weekday()) % 7), 7
    try:
        day = date.fromisoformat(text)
        if abs(day.year - today.year) > 10:
            raise ValueError
        return day, 0
    except ValueError:
        raise PeriodError(f"“{text}” is no day; write 2026-01-05, mon … sun, today or tomorrow") from None
