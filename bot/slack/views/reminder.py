"""Whom a reminder asks, and since when nothing was said."""

from typing import Any

from sqlalchemy import func, select
from sqlmodel import col

from bot.incidents.reminders import SAID
from bot.slack.messages.reminder import ReminderView
from bot.slack.views.look import Look
from bot.store.tables import Incident, SlackIdentity, TimelineEntry


async def reminder(look: Look, subject: dict[str, Any]) -> ReminderView:
    incident = await look.session.get_one(Incident, subject["incident"])
    kinds = [kind for kind in SAID if kind != "reminder"]
    statement = select(func.max(col(TimelineEntry.at))).where(
        col(TimelineEntry.incident_id) == incident.id, col(TimelineEntry.kind).in_(kinds)
    )
    last = (await look.session.execute(statement)).scalar_one_or_none()
    person = str(subject["person"])
    return ReminderView(await look.name(person), await user_of(look, person), incident.status, last)


async def user_of(look: Look, person: str) -> str | None:
    """The Slack user of a person, for a mention; None where it is not known."""
    entry = look.catalog.people.get(person)
    if entry is None:
        return person  # a Slack user who is not in the catalog
    if entry.slack is not None:
        return entry.slack
    statement = select(col(SlackIdentity.user_id)).where(col(SlackIdentity.email) == entry.email.casefold())
    found: str | None = (await look.session.execute(statement)).scalars().first()
    return found
