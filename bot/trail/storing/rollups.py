"""What calls add up to by day, hour and minute: what a batch adds and takes away, applied to the stored rows."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from heapq import nlargest
from typing import Any

from bot.trail.calls import ErrorClass, Facts, Outcome
from bot.trail.storing import histogram
from bot.trail.storing.histogram import EMPTY, Histogram

HOUR_US = 3_600_000_000
MINUTE_US = 60_000_000
HOURS_A_DAY = 24
KEPT = 20
"""How many of the slowest and of the dearest calls an hour of a series remembers."""

Key = tuple[int, int]
"""Start (days, hours or minutes since 1970) and series."""
Extreme = tuple[int, int]
"""A value (microseconds or billionths of a dollar) and the call that has it."""
CLASSES = tuple(error_class.value for error_class in ErrorClass)
NUMBERS = (
    "calls",
    "errors",
    "fallbacks",
    "unpriced",
    "input_tokens",
    "cached_tokens",
    "output_tokens",
    "cost_nano",
    *CLASSES,
)
"""Columns of all roll-ups that are added up, in their order."""
COLUMNS = ("start", "series_id", *NUMBERS, "latency")
HOUR_COLUMNS = (*COLUMNS, "slowest_us", "dearest_nano", "slowest", "dearest")
_PLACE = {name: place for place, name in enumerate(NUMBERS)}
_CLASS_PLACE = {error_class: _PLACE[error_class.value] for error_class in ErrorClass}
_FIRST_CLASS = _PLACE[CLASSES[0]]
_EXTREME = struct.Struct("<QQ")


@dataclass(slots=True)
class Counted:
    """A call as it is counted."""

    call_id: int
    series_id: int
    facts: Facts
    cost_nano: int | None
    fell_back: bool = False


@dataclass(slots=True)
class Cell:
    """What one stretch of one series gains and loses."""

    numbers: list[int] = field(default_factory=lambda: [0] * len(NUMBERS))
    gained: Histogram = EMPTY
    lost: Histogram = EMPTY
    slow: list[Extreme] = field(default_factory=list)
    dear: list[Extreme] = field(default_factory=list)
    gone: set[int] = field(default_factory=set)
    """Calls whose old values no longer count."""


@dataclass(slots=True)
class Delta:
    """What a batch changes in the roll-ups."""

    hours: dict[Key, Cell] = field(default_factory=dict)
    minutes: dict[Key, Cell] = field(default_factory=dict)

    def add(self, call: Counted, *, minutes_since_us: int) -> None:
        """Count a call; calls that started before `minutes_since_us` are too old for the minutes."""
        duration_us, latency = call.facts.duration_us, EMPTY
        if duration_us is not None:
            latency = histogram.one(duration_us)
        for cell in self._cells(call, minutes_since_us):
            _count(cell.numbers, call, 1)
            if duration_us is not None:
                cell.gained += latency
                cell.slow.append((duration_us, call.call_id))
            if call.cost_nano:
                cell.dear.append((call.cost_nano, call.call_id))

    def remove(self, call: Counted, *, minutes_since_us: int) -> None:
        """Take away what a call had added before it changed or was found to be another one's twin."""
        for cell in self._cells(call, minutes_since_us):
            _count(cell.numbers, call, -1)
            if call.facts.duration_us is not None:
                cell.lost += histogram.one(call.facts.duration_us)
            cell.gone.add(call.call_id)

    def days(self) -> dict[Key, Cell]:
        """What the hours add up to by day."""
        days: dict[Key, Cell] = {}
        for (hour, series_id), cell in self.hours.items():
            day = _cell(days, (hour // HOURS_A_DAY, series_id))
            day.numbers = [a + b for a, b in zip(day.numbers, cell.numbers, strict=True)]
            day.gained += cell.gained
            day.lost += cell.lost
        return days

    def _cells(self, call: Counted, minutes_since_us: int) -> list[Cell]:
        start_us, series_id = call.facts.start_us, call.series_id
        cells = [_cell(self.hours, (start_us // HOUR_US, series_id))]
        if start_us >= minutes_since_us:
            cells.append(_cell(self.minutes, (start_us // MINUTE_US, series_id)))
        return cells


def _cell(cells: dict[Key, Cell], key: Key) -> Cell:
    cell = cells.get(key)
    if cell is None:
        cell = cells[key] = Cell()
    return cell


def _count(numbers: list[int], call: Counted, by: int) -> None:
    """Add a call to the sums in the order of NUMBERS, or take it away. It runs twice for each call that comes."""
    facts, cost = call.facts, call.cost_nano
    answered = facts.outcome is Outcome.OK
    numbers[0] += by
    if not answered:
        numbers[1] += by
    if call.fell_back:
        numbers[2] += by
    if cost is not None:
        numbers[7] += by * cost
    elif answered or facts.input_tokens is not None or facts.output_tokens is not None:
        numbers[3] += by
    if facts.input_tokens:
        numbers[4] += by * facts.input_tokens
    if facts.cached_tokens:
        numbers[5] += by * facts.cached_tokens
    if facts.output_tokens:
        numbers[6] += by * facts.output_tokens
    if facts.error_class is not None:
        numbers[_CLASS_PLACE[facts.error_class]] += by


def counts_row(key: Key, stored: Sequence[Any] | None, cell: Cell) -> tuple[Any, ...]:
    """The row of COLUMNS that follows from the stored one and a change."""
    before = stored[2 : 2 + len(NUMBERS)] if stored else ()
    numbers = [max(0, a + b) for a, b in zip(before, cell.numbers, strict=True)] if before else cell.numbers
    latency = histogram.unpack(stored[2 + len(NUMBERS)]) if stored else EMPTY
    return (*key, *numbers, histogram.pack(histogram.subtract(latency + cell.gained, cell.lost)) or None)


def hour_row(key: Key, stored: Sequence[Any] | None, cell: Cell) -> tuple[Any, ...]:
    """The row of HOUR_COLUMNS that follows from the stored one and a change."""
    slow, dear = (stored[-2], stored[-1]) if stored else (None, None)
    slowest = _largest(slow, cell.slow, cell.gone)
    dearest = _largest(dear, cell.dear, cell.gone)
    return (
        *counts_row(key, stored, cell),
        slowest[0][0] if slowest else 0,
        dearest[0][0] if dearest else 0,
        pack_extremes(slowest),
        pack_extremes(dearest),
    )


def _largest(stored: bytes | None, more: list[Extreme], gone: set[int]) -> list[Extreme]:
    old = [extreme for extreme in unpack_extremes(stored) if extreme[1] not in gone] if stored else []
    return nlargest(KEPT, old + more)


def pack_extremes(extremes: Sequence[Extreme]) -> bytes | None:
    """The largest values with their calls, the largest first; None for none."""
    return b"".join(_EXTREME.pack(*extreme) for extreme in extremes) or None


def unpack_extremes(packed: bytes | None) -> list[Extreme]:
    """Read what `pack_extremes` wrote."""
    return [(value, call_id) for value, call_id in _EXTREME.iter_unpack(packed or b"")]


def is_empty(row: Sequence[Any]) -> bool:
    """Whether a row counts nothing any more and can go."""
    return not row[2]


@dataclass(slots=True)
class Totals:
    """What calls add up to. Latencies are None where no call told how long it took."""

    calls: int = 0
    errors: int = 0
    by_class: dict[ErrorClass, int] = field(default_factory=dict)
    fallbacks: int = 0
    unpriced: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    cost_nano: int = 0
    latency: Histogram = EMPTY

    @property
    def p50_ms(self) -> float | None:
        return self._milliseconds(0.5)

    @property
    def p95_ms(self) -> float | None:
        return self._milliseconds(0.95)

    def _milliseconds(self, share: float) -> float | None:
        found = histogram.quantile(self.latency, share)
        return None if found is None else found / 1000

    def add(self, numbers: Sequence[int | None]) -> None:
        """Add the NUMBERS of a row or of a sum of rows."""
        for name in _TOTALLED:
            setattr(self, name, getattr(self, name) + int(numbers[_PLACE[name]] or 0))
        for error_class, count in zip(ErrorClass, numbers[_FIRST_CLASS:], strict=True):
            if count:
                self.by_class[error_class] = self.by_class.get(error_class, 0) + int(count)

    def merge(self, other: "Totals") -> None:
        """Add what other calls add up to."""
        for name in _TOTALLED:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for error_class, count in other.by_class.items():
            self.by_class[error_class] = self.by_class.get(error_class, 0) + count
        self.latency += other.latency


_TOTALLED = [name for f in fields(Totals) if (name := f.name) in _PLACE]
