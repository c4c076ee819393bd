"""From observations to findings: runs a watch's detector and hands over what it concludes."""

from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog, Watch
from bot.detect.hysteresis import Change, Memory, Rule, State, Verdict, observe
from bot.incidents import findings
from bot.store.tables import Finding
from bot.watches.judge import Judgement
from bot.watches.polls import Watching

log = structlog.get_logger(__name__)

FINDING_KIND = "provider_status"


async def decide(
    session: AsyncSession, catalog: Catalog, watching: Watching, judgement: Judgement, *, now: datetime
) -> dict[str, Any]:
    """Run the detector, tell what it concludes, and return what it remembers."""
    watch, before = watching.watch, Memory.from_json(watching.detector.get("memory"))
    rule = Rule(watch.hysteresis.bad, watch.hysteresis.of, watch.hysteresis.good, watch.hold)
    after, change = observe(before, judgement.verdict, watching.result.at, rule)
    finding = watching.detector.get("finding")
    if change is not None or after.state is State.OPEN:
        finding = await _tell(session, catalog, watching, judgement, change, finding, now=now)
    return {
        "memory": after.to_json(),
        "slot": watching.result.target.slot.isoformat(),
        "finding": finding,
        "hidden": list(judgement.hidden or watching.detector.get("hidden", ())),
    }


async def _tell(
    session: AsyncSession,
    catalog: Catalog,
    watching: Watching,
    judgement: Judgement,
    change: Change | None,
    finding_id: int | None,
    *,
    now: datetime,
) -> int | None:
    """Write the finding and hand it over; returns the id of the one that the episode goes on with."""
    finding = await _finding(session, watching.watch, finding_id)
    evidence = judgement.evidence(watching.result.target.url)
    match change:
        case Change.OPENED | Change.RELAPSED:
            finding = finding or _new_finding(watching.watch, now)
            finding.cleared_at = None
            finding.severity = judgement.severity
            finding.title = f"{watching.watch.provider}: {judgement.status.words} on its status page"
            finding.evidence = evidence
            session.add(finding)
            await session.flush()
            log.warning("finding", watch=watching.watch.name, change=change.value, status=judgement.status.value)
            await findings.opened(session, catalog, finding, now=now)
        case Change.RECOVERED if finding is not None:
            finding.cleared_at = now
            finding.evidence = evidence
            await session.flush()
            log.info("recovered", watch=watching.watch.name, hold=str(watching.watch.hold))
            await findings.cleared(session, finding, now=now, hold=watching.watch.hold)
        case Change.CLEARED:
            return None
        case None if finding is not None and judgement.verdict is Verdict.BAD:
            await _update(session, finding, judgement, evidence, now=now)
    return finding.id if finding is not None else None


async def _update(
    session: AsyncSession, finding: Finding, judgement: Judgement, evidence: dict[str, Any], *, now: datetime
) -> None:
    """The page says something else while the finding stays open."""
    if (finding.evidence or {}).get("known") == judgement.known:
        return
    finding.evidence = evidence
    finding.severity = judgement.severity
    await session.flush()
    await findings.changed(session, finding, now=now)


async def _finding(session: AsyncSession, watch: Watch, finding_id: int | None) -> Finding | None:
    """The episode's finding; where the detector forgot it, the one that is still open."""
    if finding_id is not None:
        return await session.get(Finding, finding_id)
    statement = select(Finding).where(col(Finding.dedupe_key) == _dedupe_key(watch), col(Finding.cleared_at).is_(None))
    return (await session.execute(statement)).scalar_one_or_none()


def _new_finding(watch: Watch, now: datetime) -> Finding:
    return Finding(
        kind=FINDING_KIND,
        subject=watch.provider,
        watch=watch.name,
        severity="",
        title="",
        dedupe_key=_dedupe_key(watch),
        opened_at=now,
    )


def _dedupe_key(watch: Watch) -> str:
    return f"{FINDING_KIND}:{watch.name}"
