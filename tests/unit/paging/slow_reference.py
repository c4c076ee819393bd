"""Who is on duty in every single minute of a year, found by watching the clock on the wall.

It shares nothing with bot.paging.rotations and never turns a local time into an instant: it writes down what the clock
shows at each minute, and a hand-over is at the first minute at which the clock shows its time or a later one. Then it
paints the year minute by minute: the last layer first, the first one over it, whoever stands in over all.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import accumulate, takewhile
from zoneinfo import ZoneInfo

from bot.catalog.cover import Hours, Layer, Rotation, Unit
from bot.paging.rotations import Override

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
MINUTES = 365 * 24 * 60
BEFORE = 40 * 24 * 60
"""The wall is watched from so many minutes before the year on, when the first turns begin."""
NOBODY = 0
_EPOCH = datetime.fromisoformat("2020-01-01")
"""On the wall, in no zone."""

Part = tuple[int, int]
"""From one minute to another, both counted from SINCE."""


def minute_of(at: datetime) -> int:
    return (at - SINCE) // timedelta(minutes=1)


@cache
def latest_shown(zone: str) -> list[int]:
    """The latest time that the zone's clock has shown by each minute, in minutes since 2020, from BEFORE on."""
    where = ZoneInfo(zone)
    return list(accumulate((_shown(minute, where) for minute in range(-BEFORE, MINUTES)), max))


def _shown(minute: int, where: ZoneInfo) -> int:
    local = (SINCE + timedelta(minutes=minute)).astimezone(where)
    return _wall(local.replace(tzinfo=None))


def _wall(local: datetime) -> int:
    return (local - _EPOCH) // timedelta(minutes=1)


def _minute(zone: str, wall: int) -> int:
    """The first minute at which the clock of the zone has shown this time."""
    return bisect_left(latest_shown(zone), wall) - BEFORE


def people_by_minute(rotation: Rotation, overrides: Sequence[Override], layer: str | None = None) -> bytearray:
    """Whoever is on duty at each minute of the year, as the number of their letter; NOBODY where nobody is."""
    year = bytearray(MINUTES)
    first = rotation.layers[0]
    for one in reversed([one for one in rotation.layers if layer in (None, one.name)]):
        open_parts = sorted(part for hours in one.hours for part in _open(hours)) if one.hours else [(-BEFORE, MINUTES)]
        open_minutes = bytearray(MINUTES)
        for part in open_parts:
            _paint(open_minutes, part, 1)
        for part, person in _turns(one, rotation.timezone):
            _paint_where(year, part, person, open_minutes)
        for each in sorted(overrides, key=lambda each: each.id):
            if each.target_layer == one.name or (each.target_layer is None and one is first):
                _paint(year, (minute_of(each.starts), minute_of(each.ends)), number_of(each.person))
    if layer is None:
        for each in sorted(overrides, key=lambda each: each.id):
            if each.target_layer is None:
                _paint(year, (minute_of(each.starts), minute_of(each.ends)), number_of(each.person))
    return year


def number_of(person: str | None) -> int:
    return NOBODY if person is None else ord(person)


def _turns(layer: Layer, zone: str) -> Iterator[tuple[Part, int]]:
    minutes = list(takewhile(lambda minute: minute < MINUTES, _hand_overs(layer, zone)))
    for number, (begins, ends) in enumerate(zip(minutes, [*minutes[1:], MINUTES], strict=True)):
        yield (begins, ends), number_of(layer.people[number % len(layer.people)])


def _hand_overs(layer: Layer, zone: str) -> Iterator[int]:
    """The minute of each hand-over."""
    first = _minute(zone, _wall(layer.starts))
    number = 0
    while True:
        count = number * layer.every
        match layer.unit:
            case Unit.HOUR:
                yield first + 60 * count
            case Unit.DAY:
                yield _minute(zone, _wall(layer.starts) + 1440 * count)
            case Unit.WEEK:
                yield _minute(zone, _wall(layer.starts) + 7 * 1440 * count)
            case Unit.MONTH:
                yield _minute(zone, _wall(_months_later(layer.starts, count)))
        number += 1


def _months_later(local: datetime, count: int) -> datetime:
    """The same day of a later month, or its last one."""
    months = local.month - 1 + count
    for day in range(local.day, 0, -1):
        try:
            return local.replace(year=local.year + months // 12, month=months % 12 + 1, day=day)
        except ValueError:
            continue
    raise AssertionError("every month has a first day")


def _open(hours: Hours) -> Iterator[Part]:
    first_day = (SINCE - timedelta(days=3)).date()
    for day in range(370):
        date = first_day + timedelta(days=day)
        if date.weekday() not in hours.days:
            continue
        midnight = _wall(datetime.combine(date, datetime.min.time()))
        opens = midnight + hours.start.hour * 60 + hours.start.minute
        closes = midnight + hours.end.hour * 60 + hours.end.minute
        closes += 1440 if hours.end <= hours.start else 0
        yield _minute(hours.timezone, opens), _minute(hours.timezone, closes)


def _paint(year: bytearray, part: Part, colour: int) -> None:
    begins, ends = max(0, part[0]), min(MINUTES, part[1])
    if begins < ends:
        year[begins:ends] = bytes([colour]) * (ends - begins)


def _paint_where(year: bytearray, part: Part, colour: int, allowed: bytearray) -> None:
    """Only those minutes that are allowed."""
    begins, ends = max(0, part[0]), min(MINUTES, part[1])
    while begins < ends:
        begins = allowed.find(1, begins, ends)
        if begins < 0:
            return
        stops = allowed.find(0, begins, ends)
        stops = ends if stops < 0 else stops
        _paint(year, (begins, stops), colour)
        begins = stops
