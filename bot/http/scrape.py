"""What /metrics reads of the database: as it is now where it answers in time, else as it last was, and it says so.

A scrape never waits long and never fails for a database that is locked, slow or gone: a monitoring system that loses
its metrics exactly then is of no use.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from sqlalchemy.exc import SQLAlchemyError

from bot.catalog import Catalog
from bot.http.gauges import calls_metrics
from bot.http.paging_metrics import paging_metrics
from bot.store.database import Database

log = structlog.get_logger(__name__)
WITHIN = 2.0
"""Seconds; Prometheus itself gives up after ten."""


class Scrape:
    """One read at a time, whoever asks: one that is slow is finished for the next scrape, not begun again by it."""

    def __init__(self, db: Database, catalog: Callable[[], Catalog], clock: Callable[[], datetime]) -> None:
        self._db = db
        self._catalog = catalog
        self._clock = clock
        self._last = b""
        self._read_at: datetime | None = None
        self._reading: asyncio.Task[bytes] | None = None

    async def read(self) -> bytes:
        """The metrics in the text format, with two that tell how old they are."""
        if self._reading is None:
            self._reading = asyncio.create_task(self._fresh(), name="metrics")
        await asyncio.wait({self._reading}, timeout=WITHIN)
        is_old = True
        if self._reading.done():
            finished, self._reading = self._reading, None
            is_old = not self._keep(finished)
        else:
            log.warning("the database is slow; metrics are those of the last scrape", waited=WITHIN)
        return self._last + self._about(is_old=is_old)

    async def close(self) -> None:
        """Give up a read that is under way."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait({self._reading})

    def _keep(self, finished: asyncio.Task[bytes]) -> bool:
        try:
            self._last = finished.result()
        except (SQLAlchemyError, OSError) as error:
            log.warning(
                "the database does not answer; metrics are those of the last scrape", error=type(error).__name__
            )
            return False
        self._read_at = self._clock()
        return True

    async def _fresh(self) -> bytes:
        return await calls_metrics(self._db, self._catalog, self._clock) + await paging_metrics(self._db, self._clock)

    def _about(self, *, is_old: bool) -> bytes:
        registry = CollectorRegistry()
        what = "1 while metrics that are counted in the database are those of an earlier scrape"
        Gauge("badday_metrics_old", what, registry=registry).set(is_old)
        if self._read_at is not None:
            what = "When metrics that are counted in the database were last read"
            Gauge("badday_metrics_read_timestamp_seconds", what, registry=registry).set(self._read_at.timestamp())
        return generate_latest(registry)
