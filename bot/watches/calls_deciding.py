"""From sums of calls to findings: runs the rule for each route and provider, and hands over what follows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Self

import structlog
from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog, System
from bot.detect.calls import HOLD, PROVIDER_ERRORS, Counts, Rule, Watched, step
from bot.detect.hysteresis import Change, State, Verdict
from bot.incidents import findings
from bot.store.tables import CallPin, Finding
from bot.trail.queries import asking as queries
from bot.trail.queries.asking import CallRecord, MinuteRow
from bot.watches import calls_words, routed
from bot.watches.routed import Line

log = structlog.get_logger(__name__)

KIND = "calls_failing"
SAMPLES = 3
_SAMPLED = 200
TOLD_AGAIN_AT = 0.2
"""How much the share of errors must change, or another error prevail, to be told again."""


@dataclass(frozen=True, slots=True)
class Series:
    """A line with what the last look saw, and what is remembered of it."""

    line: Line
    watched: Watched = field(default_factory=Watched)
    counts: Counts = field(default_factory=Counts)
    verdict: Verdict = Verdict.UNKNOWN
    finding: int | None = None
    told_share: float = 0.0
    told_class: str | None = None

    def to_json(self) -> dict[str, Any]:
        p95 = self.counts.p95
        return {
            "route": self.line.route,
            "provider": self.line.provider,
            "watched": self.watched.to_json(),
            "verdict": self.verdict.value,
            "calls": self.counts.calls,
            "failed": self.counts.failed,
            "p95_ms": round(p95 / timedelta(milliseconds=1)) if p95 is not None else None,
            "finding": self.finding,
            "told_share": self.told_share,
            "told_class": self.told_class,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """What is remembered; the counts are looked at anew."""
        return cls(
            Line(data["route"], data["provider"]),
            Watched.from_json(data.get("watched")),
            finding=data.get("finding"),
            told_share=data.get("told_share", 0.0),
            told_class=data.get("told_class"),
        )

    @property
    def is_worth_keeping(self) -> bool:
        return self.counts.calls > 0 or self.watched.memory.state is not State.CLEAR


async def decide(
    session: AsyncSession,
    catalog: Catalog,
    system: System,
    remembered: Iterable[Series],
    rows: Sequence[MinuteRow],
    *,
    now: datetime,
) -> list[Series]:
    """Take in the minutes up to the last complete one, tell what follows, and return what is to be remembered."""
    minute = routed.last_complete(now)
    known = {series.line: series for series in remembered}
    sorted_rows = routed.sort(catalog, system, rows)
    result = []
    for line in sorted(known.keys() | sorted_rows.keys()):
        series = known.get(line) or Series(line)
        series = await _look(session, catalog, system, series, sorted_rows.get(line, []), minute, now=now)
        if series.is_worth_keeping:
            result.append(series)
    return result


async def _look(
    session: AsyncSession,
    catalog: Catalog,
    system: System,
    series: Series,
    rows: Sequence[MinuteRow],
    minute: int,
    *,
    now: datetime,
) -> Series:
    rule = replace(Rule.of(system.calls), hold=_hold(catalog, series.line))
    window = routed.counts(rows, minute - routed.length(system.calls.window) + 1, minute)
    fresh = routed.counts(rows, series.watched.minute + 1, minute)
    watched, change = step(series.watched, window, fresh, minute=minute, at=now, rule=rule)
    series = replace(series, watched=watched, counts=window, verdict=rule.judge(window))
    match change:
        case Change.OPENED | Change.RELAPSED:
            return await _open(session, catalog, system, series, now=now)
        case Change.RECOVERED:
            await _recover(session, system, series, now=now, hold=rule.hold)
        case Change.CLEARED:
            return replace(series, finding=None)
        case None if watched.is_bad:
            return await _go_on(session, system, series, now=now, hold=rule.hold)
    return series


async def _open(session: AsyncSession, catalog: Catalog, system: System, series: Series, *, now: datetime) -> Series:
    finding = await _finding(session, system, series) or _new_finding(catalog, system, series, now)
    samples = await _samples(session, catalog, system, series, now)
    named = [record.call_id for record in samples]
    finding.cleared_at = None
    finding.title = calls_words.title(series.line, series.counts, Rule.of(system.calls), system.calls.window)
    finding.evidence = _evidence(system, series, named)
    session.add(finding)
    await session.flush()
    log.warning("finding", kind=KIND, subject=finding.subject, calls=series.counts.calls, failed=series.counts.failed)
    touched = await findings.opened(session, catalog, finding, now=now)
    # What is held back may become an incident later, when these calls are old.
    reasons = [f"incident:{incident.id}" for incident in touched] or [f"finding:{finding.id}"]
    await _pin(session, reasons, samples, now=now)
    return _told(replace(series, finding=finding.id))


async def _recover(session: AsyncSession, system: System, series: Series, *, now: datetime, hold: timedelta) -> None:
    finding = await _finding(session, system, series)
    if finding is None:
        return
    finding.cleared_at = now
    finding.evidence = _evidence(system, series, [], recovered=True)
    await session.flush()
    log.info("recovered", kind=KIND, subject=finding.subject)
    await findings.cleared(session, finding, now=now, hold=hold)


async def _go_on(session: AsyncSession, system: System, series: Series, *, now: datetime, hold: timedelta) -> Series:
    """An open episode: tell when it is another one by now; end it when nothing but its past speaks for it.

    That is when people resolved it, or when nothing is called there any more and everything else that the incident
    holds, such as what the status page said, is over.
    """
    finding = await _finding(session, system, series)
    if finding is None:
        return series
    if series.verdict is not Verdict.BAD:
        quiet = series.counts.calls == 0 and await findings.others_recovered(session, finding)
        if not quiet and await findings.is_attended(session, finding):
            return series
        await _recover(session, system, series, now=now, hold=hold)
        return Series(series.line, Watched(minute=series.watched.minute), series.counts, series.verdict)
    changed = abs(series.counts.share - series.told_share) >= TOLD_AGAIN_AT
    if not changed and calls_words.main_class(series.counts) == series.told_class:
        return series
    finding.severity = system.calls.severity
    finding.evidence = _evidence(system, series, (finding.evidence or {}).get("samples", []))
    await session.flush()
    await findings.changed(session, finding, now=now)
    return _told(series)


def _told(series: Series) -> Series:
    return replace(series, told_share=series.counts.share, told_class=calls_words.main_class(series.counts))


def _hold(catalog: Catalog, line: Line) -> timedelta:
    """How long a recovery must last: as long as for the status page of the provider, where one is watched."""
    holds = [watch.hold for watch in catalog.watches.values() if watch.provider == line.provider]
    return max(holds, default=HOLD)


async def _finding(session: AsyncSession, system: System, series: Series) -> Finding | None:
    """The episode's finding; where it was forgotten, the one that is still open."""
    if series.finding is not None:
        return await session.get(Finding, series.finding)
    key = f"{KIND}:{system.name}/{series.line.key}"
    statement = select(Finding).where(col(Finding.dedupe_key) == key, col(Finding.cleared_at).is_(None))
    return (await session.execute(statement)).scalar_one_or_none()


def _new_finding(catalog: Catalog, system: System, series: Series, now: datetime) -> Finding:
    provider = series.line.provider if series.line.provider in catalog.providers else None
    subject = f"{system.name}/{series.line.key}"
    return Finding(
        kind=KIND,
        subject=subject,
        system=system.name,
        provider=provider,
        # Runbooks start on this name; what they would do for an unknown provider is nothing.
        watch=f"calls.{system.name}" if provider is not None else None,
        severity=system.calls.severity,
        title="",
        dedupe_key=f"{KIND}:{subject}",
        opened_at=now,
    )


def _evidence(system: System, series: Series, samples: Sequence[str], *, recovered: bool = False) -> dict[str, Any]:
    line, counts, window = series.line, series.counts, system.calls.window
    known = (
        calls_words.recovered(line, counts, window)
        if recovered
        else calls_words.known(line, counts, Rule.of(system.calls), window, samples)
    )
    return {
        "known": known,
        "system": system.name,
        "route": line.route,
        "provider": line.provider,
        "window_minutes": routed.length(window),
        "calls": counts.calls,
        "failed": counts.failed,
        "classes": {error_class.value: count for error_class, count in sorted(counts.by_class.items()) if count},
        "p95_ms": round(counts.p95 / timedelta(milliseconds=1)) if counts.p95 is not None else None,
        "samples": list(samples),
    }


async def _samples(
    session: AsyncSession, catalog: Catalog, system: System, series: Series, now: datetime
) -> list[CallRecord]:
    """Some of the newest calls that failed."""
    wanted = queries.Filter(systems=(system.name,), errors=True, since=now - system.calls.window - 2 * routed.MINUTE)
    return [
        record
        for record in await queries.newest(session, wanted, _SAMPLED)
        if record.error_class in PROVIDER_ERRORS and routed.line_of(catalog, system, record) == series.line
    ][:SAMPLES]


async def _pin(session: AsyncSession, reasons: Sequence[str], samples: Sequence[CallRecord], *, now: datetime) -> None:
    """Keep what the sample calls said for as long as the incident may be asked about."""
    for reason in reasons:
        for record in samples:
            if await session.get(CallPin, (record.id, reason)) is None:
                session.add(CallPin(call_id=record.id, reason=reason, at=now))
    await session.flush()
