"""What the calls watch saw last, as Prometheus gauges: read from the database, so any replica tells the same."""

from collections.abc import Callable
from datetime import datetime

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from bot.catalog import Catalog
from bot.store.database import Database
from bot.watches.calls_seen import SeenCalls, seen_calls

_LINE = ("system", "route", "provider")


async def calls_metrics(db: Database, catalog: Callable[[], Catalog], clock: Callable[[], datetime]) -> bytes:
    """The gauges in the text format. Raises SQLAlchemyError when the database does not answer."""
    async with db.reading() as session:
        seen = await seen_calls(session, catalog(), clock())
    registry = CollectorRegistry()
    gauges = _Gauges(registry)
    for one in seen:
        gauges.set(one)
    return generate_latest(registry)


class _Gauges:
    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, what: str, labels: tuple[str, ...] = _LINE) -> Gauge:
            return Gauge(f"badday_calls_{name}", what, labels, registry=registry)

        self._calls = gauge("window", "Calls in the window of the calls watch")
        self._failed = gauge("window_failed", "Those that failed with an error of the provider")
        self._p95 = gauge("window_p95_seconds", "95th percentile of how long they took")
        self._bad = gauge("bad", "1 while the calls watch holds the route for bad")
        self._silent = gauge("silent", "1 while calls of the system are missed", ("system",))
        self._last = gauge("last_arrival_timestamp_seconds", "When a call of the system last arrived", ("system",))

    def set(self, seen: SeenCalls) -> None:
        self._silent.labels(seen.system).set(seen.silent_since is not None)
        if seen.last_call_at is not None:
            self._last.labels(seen.system).set(seen.last_call_at.timestamp())
        for series in seen.series:
            labels = (seen.system, series.route, series.provider)
            self._calls.labels(*labels).set(series.calls)
            self._failed.labels(*labels).set(series.failed)
            self._bad.labels(*labels).set(series.state == "bad")
            if series.p95_ms is not None:
                self._p95.labels(*labels).set(series.p95_ms / 1000)
