"""What is known of an incident, as plain data for the templates: texts, numbers, lists and dictionaries."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog
from bot.incidents import follow_ups, roles, timeline
from bot.incidents.postmortem import people, pictures, steps
from bot.incidents.postmortem.clock import Clock
from bot.spans import span
from bot.store.tables import Finding, FollowUp, Incident, IncidentFinding, TimelineEntry
from bot.trail.queries.impact import impact

Facts = dict[str, Any]


async def collect(session: AsyncSession, catalog: Catalog, incident_id: int, *, now: datetime) -> Facts:
    """Everything that a postmortem tells, as it stands now. Raises LookupError where there is no such incident."""
    incident = await session.get(Incident, incident_id)
    if incident is None:
        raise LookupError(f"there is no incident {incident_id}")
    clock = Clock.of(catalog, incident.owner)
    names = people.Names(session, catalog)
    entries = await timeline.entries(session, incident_id)
    paged = await people.pages(session, incident_id, names, clock)
    until = incident.resolved_at or now
    return {
        "number": incident_id,
        "title": incident.title,
        "system": incident.system,
        "severity": incident.severity.upper(),
        "state": incident.state,
        "status": incident.status,
        "owner": await names.of(incident.owner),
        "provider": incident.provider or "",
        "known": incident.known,
        "resolution": incident.resolution,
        "reopened": incident.reopened,
        "zone": clock.zone_name,
        "opened": clock.long(incident.opened_at),
        "opened_by": await names.of(incident.opened_by),
        "acknowledged": clock.long(incident.acknowledged_at) if incident.acknowledged_at else "",
        "acknowledged_by": await names.of(incident.acknowledged_by) if incident.acknowledged_by else "",
        "resolved": clock.long(incident.resolved_at) if incident.resolved_at else "",
        "resolved_by": await names.of(incident.resolved_by) if incident.resolved_by else "",
        "lasted": span(until - incident.opened_at),
        "to_page": _after(incident.opened_at, await people.first_delivery(session, incident_id)),
        "to_ack": _after(incident.opened_at, _first(entries, "acknowledged")),
        "to_resolve": _after(incident.opened_at, incident.resolved_at),
        "impact": await _impact(session, catalog, incident, until),
        "findings": [_finding(each, clock) for each in await _findings(session, incident_id)],
        "people": await _people(session, incident_id, entries, names),
        "timeline": await _timeline(session, incident_id, entries, names, clock),
        "pages": paged,
        "steps": await steps.told(session, incident_id, names, clock),
        "left": await steps.left(session, incident_id),
        "follow_ups": [
            await _follow_up(number, row, names)
            for number, row in enumerate(await follow_ups.of_incident(session, incident_id), start=1)
        ],
        "written": clock.long(now),
    }


def _after(since: datetime, at: datetime | None) -> str:
    return span(max(at - since, timedelta(0))) if at is not None else ""


def _first(entries: Sequence[TimelineEntry], kind: str) -> datetime | None:
    """A reopened incident is acknowledged again; what counts is how long the first took."""
    return next((entry.at for entry in entries if entry.kind == kind), None)


async def _impact(
    session: AsyncSession, catalog: Catalog, incident: Incident, until: datetime
) -> dict[str, Any] | None:
    found = await impact(session, incident.system, incident.opened_at, until)
    if found is None:
        return None
    system = catalog.systems.get(incident.system)
    fell_back: Counter[str] = Counter()
    for (provider, model), calls in found.fell_back.items():
        name = catalog.provider_of(system, provider, model) if system is not None else provider
        fell_back[name or "another provider"] += calls
    return {
        "calls": found.calls,
        "fell_back": [{"provider": name, "calls": calls} for name, calls in fell_back.most_common()],
        "users": found.users,
        "nobodys": found.nobodys,
    }


async def _findings(session: AsyncSession, incident_id: int) -> Sequence[Finding]:
    statement = (
        select(Finding)
        .join(IncidentFinding, col(IncidentFinding.finding_id) == col(Finding.id))
        .where(col(IncidentFinding.incident_id) == incident_id)
        .order_by(col(Finding.opened_at), col(Finding.id))
    )
    return (await session.execute(statement)).scalars().all()


def _finding(finding: Finding, clock: Clock) -> dict[str, str]:
    return {
        "title": finding.title,
        "severity": finding.severity.upper(),
        "known": str((finding.evidence or {}).get("known", "")),
        "opened": clock.long(finding.opened_at),
        "cleared": clock.long(finding.cleared_at) if finding.cleared_at else "",
    }


async def _people(
    session: AsyncSession, incident_id: int, entries: Sequence[TimelineEntry], names: people.Names
) -> list[dict[str, str]]:
    """Roles first, then everybody else who did something."""
    held = await roles.of_incident(session, incident_id)
    found = [{"name": await names.of(one.person), "role": one.role} for one in held]
    with_role = {one.person for one in held}
    others = dict.fromkeys(entry.actor for entry in entries if entry.actor != people.BOT)
    return found + [{"name": await names.of(actor), "role": ""} for actor in others if actor not in with_role]


async def _timeline(
    session: AsyncSession, incident_id: int, entries: Sequence[TimelineEntry], names: people.Names, clock: Clock
) -> list[dict[str, Any]]:
    shown = await pictures.by_entry(session, incident_id)
    return [
        {
            "day": clock.day(entry.at),
            "local": clock.time(entry.at),
            "utc": clock.utc(entry.at),
            "kind": entry.kind,
            "by_bot": entry.actor == people.BOT,
            "who": await names.of(entry.actor),
            "text": entry.text,
            "pictures": shown.get(entry.id or 0, []),
        }
        for entry in entries
    ]


async def _follow_up(number: int, row: FollowUp, names: people.Names) -> dict[str, Any]:
    return {
        "number": number,
        "text": row.text,
        "owner": await names.of(row.owner),
        "due": f"{row.due_at:%Y-%m-%d}" if row.due_at else "",
        "done": row.done_at is not None,
    }
