"""Who was paged, by which ways, and what came of it; and how people are called."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog
from bot.incidents.postmortem.clock import Clock
from bot.spans import span
from bot.store.tables import Page, PageAttempt, SlackIdentity

BOT = "badday"


class Names:
    """How people call an actor: a person of the catalog, a Slack user who is not in it, or the bot."""

    def __init__(self, session: AsyncSession, catalog: Catalog) -> None:
        self._session = session
        self._catalog = catalog

    async def of(self, actor: str) -> str:
        if actor == BOT:
            return "Badday"
        if actor in self._catalog.people:
            return self._catalog.people[actor].name
        known = await self._session.get(SlackIdentity, actor)
        return known.name if known is not None else actor


async def pages(session: AsyncSession, incident_id: int, names: Names, clock: Clock) -> list[dict[str, Any]]:
    """Every page with its attempts, in the order in which they were raised."""
    statement = select(Page).where(col(Page.incident_id) == incident_id).order_by(col(Page.id))
    return [await _page(session, row, names, clock) for row in (await session.execute(statement)).scalars().all()]


async def first_delivery(session: AsyncSession, incident_id: int) -> datetime | None:
    """When a page first reached somebody."""
    statement = select(func.min(col(Page.delivered_at))).where(col(Page.incident_id) == incident_id)
    found: datetime | None = (await session.execute(statement)).scalar_one_or_none()
    return found


async def _page(session: AsyncSession, row: Page, names: Names, clock: Clock) -> dict[str, Any]:
    statement = select(PageAttempt).where(col(PageAttempt.page_id) == row.id).order_by(col(PageAttempt.id))
    attempts = (await session.execute(statement)).scalars().all()
    answered = row.acknowledged_at
    return {
        "who": await names.of(row.person),
        "why": row.why,
        "at": clock.long(row.created_at),
        "state": row.state,
        "delivered_after": span(row.delivered_at - row.created_at) if row.delivered_at else "",
        "acknowledged_after": span(answered - row.created_at) if answered else "",
        "attempts": [
            {"method": one.method, "at": clock.time(one.at), "outcome": one.outcome, "detail": one.detail or ""}
            for one in attempts
        ],
    }
