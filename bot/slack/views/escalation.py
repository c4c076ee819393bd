"""How an incident climbs, as its messages show it."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from bot.paging import pages, ways
from bot.paging.life import PageState
from bot.paging.outlook import Outlook, outlook
from bot.slack.messages.escalation import ChannelPageView, EscalationView
from bot.slack.messages.incident_root import Climb, Paging
from bot.slack.views.look import Look
from bot.store.tables import Incident, Page, PageAttempt, TimelineEntry


async def step(look: Look, subject: dict[str, Any]) -> EscalationView:
    entry = await look.session.get_one(TimelineEntry, subject["entry"])
    incident = await look.session.get_one(Incident, entry.incident_id)
    data = entry.data or {}
    until = data.get("until")
    return EscalationView(
        number=entry.incident_id,
        system=incident.system,
        title=incident.title,
        severity=incident.severity,
        kind=entry.kind,
        people=[(await look.name(person), why) for person, why in data.get("people", [])],
        channels=data.get("channels", []),
        missed=[(await look.name(target), why) for target, why in data.get("missed", [])],
        step=data.get("step", 0) + 1,
        of=data.get("of", 1),
        round=data.get("round", 0) + 1,
        by="" if entry.actor == "badday" else await look.name(entry.actor),
        at=entry.at,
        until=datetime.fromisoformat(until) if until else None,
        owner=await look.name(incident.owner),
    )


async def channel_page(look: Look, subject: dict[str, Any]) -> ChannelPageView:
    row = await look.session.get_one(Page, subject["pages"][0])
    incident = await look.session.get_one(Incident, row.incident_id)
    assert incident.id is not None
    rows = await pages.of_incident(look.session, incident.id)
    beside = [one.person for one in rows if _same_step(one, row) and not one.person.startswith("#")]
    return ChannelPageView(
        number=incident.id,
        version=incident.version,
        system=incident.system,
        title=incident.title,
        severity=incident.severity,
        state=incident.state,
        since=incident.opened_at,
        known=incident.known,
        people=[await look.mention(person) for person in dict.fromkeys(beside)],
        deed=await look.deed(incident.resolved_by, incident.resolved_at)
        or await look.deed(incident.acknowledged_by, incident.acknowledged_at),
        thread=await look.thread(incident.id),
    )


async def next_of(look: Look, incident: Incident) -> Outlook | None:
    return await outlook(look.session, look.catalog, incident)


async def names(look: Look, ahead: Outlook) -> str:
    """Whom the next step pages, as a list that people read."""
    return " and ".join([await look.name(one) for one in ahead.next[:4]]) + (" and others" if ahead.next[4:] else "")


async def climb(look: Look, incident: Incident) -> Climb | None:
    ahead = await next_of(look, incident)
    if ahead is None:
        return None
    return Climb(str(ahead.state), ahead.version, ahead.next_at, await names(look, ahead))


async def paging(look: Look, incident_id: int) -> list[Paging]:
    """What became of the newest step's pages: never more than was confirmed. The newest comes first."""
    rows = list(await pages.of_incident(look.session, incident_id))
    if not rows:
        return []
    newest = rows[-1]
    found: dict[str, Page] = {}
    for one in reversed(rows):
        if one is newest or _same_step(one, newest):
            found.setdefault(one.person, one)
    return [await _paging(look, one) for one in found.values()]


async def told(look: Look, row: Page) -> list[str]:
    """What else was tried to reach the person."""
    said = []
    for one in await ways.attempts(look.session, row.id or 0):
        by = ways.name(one.method)
        if one.method in ways.IN_SLACK:
            if (one.detail or "").startswith(pages.QUIET):
                said.append(f"You are in {one.detail}, so nobody waits for you")
        elif one.outcome == "delivered":
            said.append(f"Also sent by {by}")
        elif one.outcome == "failed":
            said.append(f"Could not be sent by {by}: {one.detail}")
        elif one.outcome in ("pending", "sending", "unknown"):
            said.append(f"Also going out by {by}")
    return list(dict.fromkeys(said))


def _same_step(one: Page, other: Page) -> bool:
    return (one.escalation_id, one.step, one.round) == (other.escalation_id, other.step, other.round)


async def _paging(look: Look, row: Page) -> Paging:
    person = await look.name(row.person)
    if row.state == PageState.DECLINED:
        return Paging(person, "declined")
    if row.delivered_at is not None:
        return Paging(person, "delivered", row.delivered_at)
    statement = (
        select(col(PageAttempt.outcome))
        .where(col(PageAttempt.page_id) == row.id)
        .order_by(col(PageAttempt.id).desc())
        .limit(1)
    )
    outcome = (await look.session.execute(statement)).scalar_one_or_none()
    return Paging(person, outcome or "waiting")
