"""Who of a rotation is on duty, and until when: pure, of a rotation, a time and the overrides that are in force.

    layer      its people take turns: hand-over k is at `starts` + k x `every` by the calendar of the rotation's zone
               (hours are real ones); with `hours` it is on duty only then, and turns are counted through its pauses
    rotation   the first layer that has somebody; before a layer's first hand-over it has nobody
    override   whoever stands in for a layer, or for the rotation as a whole and so for its first layer; the newest
               counts, also where the layer is not on duty

Everything is answered by spans in which nothing changes: a layer's is the part that its turn, its hours and its
overrides have in common, a rotation's the part that its layers' have in common.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta  # type: ignore[import-untyped]

from bot.catalog.cover import Hours, Layer, Rotation, Unit
from bot.catalog.times import instant

EVER = datetime.min.replace(tzinfo=UTC)
NEVER = datetime.max.replace(tzinfo=UTC)
_DAY = timedelta(days=1)
_AROUND = 10
"""Days on either side of a week in which parts of the week are laid out: each comes back within seven."""


@dataclass(frozen=True, slots=True)
class Override:
    """Somebody stands in from `starts` to `ends` (UTC); of several the one with the highest id counts."""

    id: int
    target_layer: str | None
    """None: the rotation as a whole."""
    person: str
    starts: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Duty:
    """Somebody is on duty from `starts` to `ends` (UTC), when somebody else's turn or a pause begins."""

    person: str
    layer: str
    """Empty where somebody stands in for the rotation as a whole."""
    starts: datetime
    ends: datetime
    override: int | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which the same person is on duty, or nobody."""

    starts: datetime
    ends: datetime
    person: str | None = None
    layer: str = ""
    override: int | None = None

    def within(self, starts: datetime, ends: datetime) -> "Span":
        return Span(max(self.starts, starts), min(self.ends, ends), self.person, self.layer, self.override)


def on_duty(
    rotation: Rotation, at: datetime, overrides: Sequence[Override] = (), *, layer: str | None = None
) -> Duty | None:
    """Who is on duty then, in one layer or in the rotation; None: nobody. Raises LookupError for an unknown layer."""
    return _duty(_span(rotation, at, overrides, layer))


def turns(
    rotation: Rotation,
    since: datetime,
    until: datetime,
    overrides: Sequence[Override] = (),
    *,
    layer: str | None = None,
) -> Iterator[Duty]:
    """Everybody who is on duty at some time from `since` to `until`, one after the other; pauses are left out.

    The first and the last duty are told whole, beyond `since` and `until`.
    """
    for span in spans(rotation, since, until, overrides, layer=layer):
        duty = _duty(span)
        if duty is not None:
            yield duty


def gaps(
    rotation: Rotation, since: datetime, until: datetime, overrides: Sequence[Override] = ()
) -> list[tuple[datetime, datetime]]:
    """The times from `since` to `until` in which nobody is on duty."""
    found: list[tuple[datetime, datetime]] = []
    for span in spans(rotation, since, until, overrides):
        if span.person is not None:
            continue
        starts, ends = max(span.starts, since), min(span.ends, until)
        if found and found[-1][1] == starts:
            starts = found.pop()[0]
        found.append((starts, ends))
    return found


def spans(
    rotation: Rotation,
    since: datetime,
    until: datetime,
    overrides: Sequence[Override] = (),
    *,
    layer: str | None = None,
) -> Iterator[Span]:
    """The time from `since` to `until` without a gap, cut where something changes."""
    at = since
    while at < until:
        span = _span(rotation, at, overrides, layer)
        yield span
        at = span.ends


def _duty(span: Span) -> Duty | None:
    if span.person is None:
        return None
    return Duty(span.person, span.layer, span.starts, span.ends, span.override)


def _span(rotation: Rotation, at: datetime, overrides: Sequence[Override], layer: str | None) -> Span:
    at = at.astimezone(UTC)
    if layer is not None:
        chosen = next((one for one in rotation.layers if one.name == layer), None)
        if chosen is None:
            raise LookupError(f"rotation {rotation.name} has no layer {layer}")
        return _layer_span(rotation, chosen, at, overrides)
    whole = standing_in([one for one in overrides if one.target_layer is None], at)
    starts, ends = whole.starts, whole.ends
    if whole.person is not None:
        return whole
    for one in rotation.layers:
        span = _layer_span(rotation, one, at, overrides)
        starts, ends = max(starts, span.starts), min(ends, span.ends)
        if span.person is not None:
            return span.within(starts, ends)
    return Span(starts, ends)


def _layer_span(rotation: Rotation, layer: Layer, at: datetime, overrides: Sequence[Override]) -> Span:
    first = layer is rotation.layers[0]
    own = [one for one in overrides if one.target_layer == layer.name or (first and one.target_layer is None)]
    instead = standing_in(own, at)
    if instead.person is not None:
        return Span(instead.starts, instead.ends, instead.person, layer.name, instead.override)
    turn = _turn(layer, ZoneInfo(rotation.timezone), at)
    open_, starts, ends = _hours(layer.hours, at)
    person = turn.person if open_ else None
    span = Span(turn.starts, turn.ends, person, layer.name if person else "")
    return span.within(max(starts, instead.starts), min(ends, instead.ends))


def standing_in(overrides: Sequence[Override], at: datetime) -> Span:
    """Who stands in then, of overrides that are about the same thing, and the span in which that stays so."""
    chosen: Override | None = None
    for one in overrides:
        if one.starts <= at < one.ends and (chosen is None or one.id > chosen.id):
            chosen = one
    starts, ends = (chosen.starts, chosen.ends) if chosen is not None else (EVER, NEVER)
    for one in overrides:
        if one.starts >= one.ends or (chosen is not None and one.id <= chosen.id):
            continue
        if one.ends <= at:
            starts = max(starts, one.ends)
        else:
            ends = min(ends, one.starts)
    if chosen is None:
        return Span(starts, ends)
    return Span(starts, ends, chosen.person, "", chosen.id)


def _turn(layer: Layer, zone: ZoneInfo, at: datetime) -> Span:
    """Whose turn it is, whatever the layer's hours say."""
    begun = _hand_over(layer, zone, 0)
    if at < begun:
        return Span(EVER, begun)
    number = _estimate(layer, zone, begun, at)
    while _hand_over(layer, zone, number) > at:
        number -= 1
    while _hand_over(layer, zone, number + 1) <= at:
        number += 1
    person = layer.people[number % len(layer.people)]
    return Span(_hand_over(layer, zone, number), _hand_over(layer, zone, number + 1), person)


def _estimate(layer: Layer, zone: ZoneInfo, begun: datetime, at: datetime) -> int:
    """The number of the turn, right or off by one or two."""
    if layer.unit is Unit.HOUR:
        return (at - begun) // timedelta(hours=layer.every)
    local = at.astimezone(zone).replace(tzinfo=None)
    if layer.unit is Unit.MONTH:
        months = (local.year - layer.starts.year) * 12 + local.month - layer.starts.month
        return max(0, months // layer.every)
    days = layer.every * (7 if layer.unit is Unit.WEEK else 1)
    return max(0, (local - layer.starts).days // days)


@lru_cache(maxsize=4096)
def _hand_over(layer: Layer, zone: ZoneInfo, number: int) -> datetime:
    """When turn `number` begins; the first is 0."""
    count = number * layer.every
    match layer.unit:
        case Unit.HOUR:
            return instant(layer.starts, zone) + timedelta(hours=count)
        case Unit.DAY:
            return instant(layer.starts + timedelta(days=count), zone)
        case Unit.WEEK:
            return instant(layer.starts + timedelta(weeks=count), zone)
        case _:
            # Always counted from the first, so that a turn that began on a 31st does not stay at the 28th.
            return instant(layer.starts + relativedelta(months=count), zone)


def _hours(hours: tuple[Hours, ...], at: datetime) -> tuple[bool, datetime, datetime]:
    """Whether one of these parts of the week is now, and the span in which that stays so."""
    if not hours:
        return True, EVER, NEVER
    starts, ends, first, last = _laid_out(hours, at.toordinal() // 7)
    place = bisect_right(starts, at) - 1
    if place >= 0 and at < ends[place]:
        if ends[place] - starts[place] > 8 * _DAY:  # what comes back every week and lasts longer never ends
            return True, EVER, NEVER
        return True, starts[place], ends[place]
    earlier = ends[place] if place >= 0 else first
    later = starts[place + 1] if place + 1 < len(starts) else last
    return False, earlier, later


@lru_cache(maxsize=1024)
def _laid_out(hours: tuple[Hours, ...], week: int) -> tuple[list[datetime], list[datetime], datetime, datetime]:
    """The parts of the week around a week as spans that neither overlap nor touch: their starts, their ends.

    Also how far they were laid out on either side.
    """
    first = date.fromordinal(week * 7) - _AROUND * _DAY
    found: list[tuple[datetime, datetime]] = []
    for part in hours:
        zone = ZoneInfo(part.timezone)
        for offset in range(7 + 2 * _AROUND):
            day = first + offset * _DAY
            if day.weekday() in part.days:
                closing = day if part.end > part.start else day + _DAY
                opens = instant(datetime.combine(day, part.start), zone)
                closes = instant(datetime.combine(closing, part.end), zone)
                if opens < closes:
                    found.append((opens, closes))
    starts: list[datetime] = []
    ends: list[datetime] = []
    for opens, closes in sorted(found):
        if ends and opens <= ends[-1]:
            ends[-1] = max(ends[-1], closes)
        else:
            starts.append(opens)
            ends.append(closes)
    edge = datetime.combine(first, datetime.min.time(), UTC)
    return starts, ends, edge, edge + (7 + 2 * _AROUND) * _DAY
