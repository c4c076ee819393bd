"""Sums of calls by minute, sorted by the route and provider of a system that they went to. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bot.catalog import Catalog, System
from bot.detect.calls import Counts
from bot.trail.calls import ErrorClass
from bot.trail.queries.asking import MinuteRow
from bot.trail.storing import histogram

SETTLE = timedelta(seconds=10)
"""A minute is looked at so long after its end: exporters hold calls back for five seconds."""
MINUTE = timedelta(minutes=1)


class Told(Protocol):
    """What a call, or a sum of calls, tells of where it went."""

    @property
    def route(self) -> str | None: ...
    @property
    def provider(self) -> str | None: ...
    @property
    def model(self) -> str | None: ...


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """What is watched: a route of a system at one provider. Unknown ones are empty."""

    route: str
    """Several names with `+` between them where the calls do not tell which of the provider's routes they took."""
    provider: str

    @property
    def key(self) -> str:
        return f"{self.route or '-'}/{self.provider or '-'}"


def line_of(catalog: Catalog, system: System, told: Told) -> Line:
    """Where a call belongs: its route if it tells one, else every route of the system that has its provider."""
    provider = catalog.provider_of(system, told.provider, told.model) or ""
    if told.route:
        return Line(told.route, provider)
    return Line("+".join(each.name for each in system.routes.values() if provider in each.providers), provider)


def sort(catalog: Catalog, system: System, rows: Iterable[MinuteRow]) -> dict[Line, list[MinuteRow]]:
    """The sums of each line."""
    lines: defaultdict[Line, list[MinuteRow]] = defaultdict(list)
    for row in rows:
        lines[line_of(catalog, system, row)].append(row)
    return dict(lines)


def counts(rows: Sequence[MinuteRow], first: int, last: int) -> Counts:
    """The sums from one minute (since 1970) to another, both included."""
    within = [row for row in rows if first <= number(row.minute) <= last]
    by_class: defaultdict[ErrorClass, int] = defaultdict(int)
    for row in within:
        for error_class, count in row.classes.items():
            by_class[error_class] += count
    slow = histogram.quantile(sum(row.latency for row in within), 0.95) if within else None
    p95 = timedelta(microseconds=slow) if slow is not None else None
    return Counts(sum(row.calls for row in within), dict(by_class), p95)


def number(at: datetime) -> int:
    """Minutes since 1970."""
    return int(at.timestamp() // 60)


def last_complete(now: datetime) -> int:
    """The last minute whose calls have had the time to arrive."""
    return number(now - SETTLE) - 1


def length(window: timedelta) -> int:
    """Minutes of a window, at least one."""
    return max(1, round(window / MINUTE))
