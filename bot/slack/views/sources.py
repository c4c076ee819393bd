"""From where Badday knows of an incident, and when that source was last looked at."""

from sqlalchemy import select
from sqlmodel import col

from bot.slack.messages.words import Source
from bot.slack.views.look import Look
from bot.store.tables import CallsWatchState, Finding, Incident, IncidentFinding, WatchState

SHOWN = 3


async def sources(look: Look, incident: Incident) -> list[Source]:
    """Each once, that of the newest finding first; none for what somebody opened by hand."""
    statement = (
        select(Finding)
        .join(IncidentFinding, col(IncidentFinding.finding_id) == col(Finding.id))
        .where(col(IncidentFinding.incident_id) == incident.id)
        .order_by(col(Finding.id).desc())
        .limit(20)
    )
    found: dict[str, Source] = {}
    for finding in (await look.session.execute(statement)).scalars().all():
        source = await _source(look, incident, finding)
        found.setdefault(source.name, source)
    return list(found.values())[:SHOWN]


async def _source(look: Look, incident: Incident, finding: Finding) -> Source:
    if finding.watch is not None:
        watch = await look.session.get(WatchState, finding.watch)
        return Source(f"watch {finding.watch}", watch.observed_at if watch is not None else None)
    if finding.kind.startswith("calls_"):
        calls = await look.session.get(CallsWatchState, incident.system)
        return Source(f"calls of {incident.system}", calls.evaluated_at if calls is not None else None)
    return Source(f"{finding.kind.replace('_', ' ')} {finding.subject}")
