"""Paging as Prometheus metrics, counted in the database: any replica tells the same, also after a restart."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from bot.paging.measures import ACK_WITHIN, PAGE_WITHIN, Distribution, Measures, measure
from bot.store.database import Database

FINAL = frozenset({"delivered", "failed", "dropped"})
"""Outcomes that stay; of the others an attempt may still move on, so they are gauges."""


async def paging_metrics(db: Database, clock: Callable[[], datetime]) -> bytes:
    """The metrics in the text format. Raises SQLAlchemyError when the database does not answer."""
    async with db.reading() as session:
        measures = await measure(session, now=clock())
    registry = CollectorRegistry()
    registry.register(_Counted(measures))
    return generate_latest(registry)


class _Counted(Collector):
    """What was counted, in the library's words."""

    def __init__(self, measures: Measures) -> None:
        self._measures = measures

    def collect(self) -> Iterator[Metric]:
        yield from self._times()
        yield from self._outbox()
        yield from self._deliveries()
        missed = CounterMetricFamily(
            "badday_watch_missed_slots", "Times at which a watch should have polled and did not", labels=["watch"]
        )
        for watch, slots in self._measures.missed_slots:
            missed.add_metric([watch], slots)
        yield missed
        yield from self._auditor()

    def _times(self) -> Iterator[Metric]:
        labels = ["system", "severity"]
        to_page = HistogramMetricFamily(
            "badday_time_to_page_seconds",
            "From the finding to the first page that was confirmed as delivered, once an incident",
            labels=labels,
        )
        to_ack = HistogramMetricFamily(
            "badday_time_to_ack_seconds",
            "From the first page to the first acknowledgement, once an incident",
            labels=labels,
        )
        for one in self._measures.times:
            to_page.add_metric([one.system, one.severity], *_buckets(one.to_page, PAGE_WITHIN))
            to_ack.add_metric([one.system, one.severity], *_buckets(one.to_ack, ACK_WITHIN))
        yield to_page
        yield to_ack

    def _outbox(self) -> Iterator[Metric]:
        depth = GaugeMetricFamily("badday_outbox_messages", "Messages to Slack that wait", labels=["priority"])
        oldest = GaugeMetricFamily(
            "badday_outbox_oldest_seconds", "Since when the oldest of them waits", labels=["priority"]
        )
        for one in self._measures.waiting:
            depth.add_metric([one.priority], one.messages)
            oldest.add_metric([one.priority], one.oldest)
        yield depth
        yield oldest

    def _auditor(self) -> Iterator[Metric]:
        stuck = GaugeMetricFamily(
            "badday_stuck", "What was overdue when the auditor last looked, at most 20 of a kind", labels=["kind"]
        )
        for kind, things in self._measures.stuck:
            stuck.add_metric([kind], things)
        yield stuck
        looked_at = self._measures.looked_at
        if looked_at is not None:
            yield GaugeMetricFamily(
                "badday_auditor_last_look_timestamp_seconds", "When the auditor last looked", looked_at.timestamp()
            )

    def _deliveries(self) -> Iterator[Metric]:
        labels = ["method", "outcome"]
        final = CounterMetricFamily("badday_page_attempts", "Attempts to deliver a page that ended so", labels=labels)
        still = GaugeMetricFamily(
            "badday_page_attempts_unsettled", "Attempts that wait, run, or of which nobody knows", labels=labels
        )
        for one in self._measures.deliveries:
            (final if one.outcome in FINAL else still).add_metric([one.method, one.outcome], one.attempts)
        yield final
        yield still


def _buckets(told: Distribution, bounds: Sequence[float]) -> tuple[list[tuple[str, float]], float]:
    counted = [*zip(map(str, bounds), told.counts, strict=True), ("+Inf", told.total)]
    return [(bound, float(count)) for bound, count in counted], told.seconds
