"""What every view is read with: one transaction, the catalog in force, the time, and the names of people."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog
from bot.incidents.timeline import root_key
from bot.slack.blocks import Mrkdwn, markup
from bot.slack.messages.words import Deed
from bot.store import outbox
from bot.store.tables import SlackIdentity

BOT = "badday"


@dataclass(frozen=True, slots=True)
class Look:
    session: AsyncSession
    catalog: Catalog
    now: datetime
    workspace_url: str | None = None
    """Where links to messages lead, ending in a slash; None until Slack was asked."""
    public_url: str = ""
    """Where people and products reach Badday."""

    async def name(self, actor: str) -> str:
        """How people call an actor: somebody of the catalog, a Slack user who is not in it, or the bot."""
        if actor == BOT:
            return "Badday"
        if actor in self.catalog.people:
            return self.catalog.people[actor].name
        known = await self.session.get(SlackIdentity, actor)
        return known.name if known is not None else actor

    async def mention(self, person: str) -> Mrkdwn:
        """A person so that Slack tells them; their name where Slack was never asked for them."""
        entry = self.catalog.people.get(person)
        user = entry.slack if entry is not None else None
        if entry is not None and user is None:
            known = select(col(SlackIdentity.user_id)).where(col(SlackIdentity.email) == entry.email.casefold())
            user = (await self.session.execute(known)).scalars().first()
        return markup("<@{user}>", user=user) if user is not None else markup("{name}", name=await self.name(person))

    async def deed(self, by: str | None, at: datetime | None) -> Deed | None:
        return Deed(await self.name(by), at) if by is not None and at is not None else None

    async def thread(self, incident_id: int) -> str | None:
        """A link to an incident's thread; None while it is not in Slack yet."""
        root = await outbox.get(self.session, root_key(incident_id))
        if root is None or root.slack_ts is None or root.slack_channel is None or self.workspace_url is None:
            return None
        return f"{self.workspace_url}archives/{root.slack_channel}/p{root.slack_ts.replace('.', '')}"
