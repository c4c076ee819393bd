"""Who is who: a Slack user is a person of the catalog by id or e-mail, and a person has one direct message channel."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from bot.catalog import Catalog
from bot.slack.web import Answer, SlackWeb, Verdict, ask
from bot.store.database import Database, insert_of
from bot.store.tables import SlackIdentity

FRESH = timedelta(hours=24)
"""People change their names and addresses now and then; so long a known one is not asked for again."""
ASK_WITHIN = 2.0


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody who clicked or typed: the Slack user, and the person of the catalog where there is one."""

    user: str
    name: str
    person: str | None = None

    @property
    def actor(self) -> str:
        return self.person or self.user


class UnreachableError(Exception):
    """A person cannot be addressed in Slack; `answer` says why, and whether asking again may help."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.error)
        self.answer = answer


class Identities:
    """Looks people up in Slack and remembers them in the database; call it outside of transactions."""

    def __init__(
        self, db: Database, web: SlackWeb, catalog: Callable[[], Catalog], clock: Callable[[], datetime]
    ) -> None:
        self._db = db
        self._web = web
        self._catalog = catalog
        self._clock = clock

    async def who(self, user: str) -> Who:
        """The user as we know them; when Slack does not tell, somebody who is not in the catalog."""
        known = await self._known(user)
        if known is None or self._clock() - known.fetched_at > FRESH:
            # A click is not kept waiting for Slack's address book.
            answer = await ask(asyncio.wait_for(self._web.once.users_info(user=user), ASK_WITHIN))
            if answer.verdict is Verdict.DONE:
                known = await self._keep(answer)
        person = self._catalog().person_by_slack(user)
        if person is None and known is not None and known.email:
            person = self._catalog().person_by_email(known.email)
        name = person.name if person is not None else known.name if known is not None else user
        return Who(user, name, person.key if person is not None else None)

    async def user_of(self, person: str) -> str:
        """The Slack user of a person of the catalog. Raises UnreachableError."""
        entry = self._catalog().people.get(person)
        if entry is None:
            raise UnreachableError(Answer(Verdict.REFUSED, "person_not_in_catalog", person))
        if entry.slack is not None:
            return entry.slack
        async with self._db.reading() as session:
            statement = select(SlackIdentity).where(col(SlackIdentity.email) == entry.email.casefold())
            known: SlackIdentity | None = (await session.execute(statement)).scalars().first()
        if known is not None and self._clock() - known.fetched_at <= FRESH:
            return known.user_id
        answer = await ask(self._web.again.users_lookupByEmail(email=entry.email))
        if answer.verdict is Verdict.DONE:
            return (await self._keep(answer)).user_id
        if known is not None and answer.verdict is not Verdict.REFUSED:
            return known.user_id  # an old address book is better than no page
        raise UnreachableError(answer)

    async def direct_channel(self, person: str) -> str:
        """The channel of direct messages with a person, opened once. Raises UnreachableError."""
        user = await self.user_of(person)
        known = await self._known(user)
        if known is not None and known.dm_channel is not None:
            return known.dm_channel
        answer = await ask(self._web.again.conversations_open(users=[user]))
        if answer.verdict is not Verdict.DONE:
            raise UnreachableError(answer)
        channel = str(answer.data["channel"]["id"])
        # Old enough to be asked for when a name is needed.
        new = {"name": self._catalog().people[person].name, "fetched_at": self._clock() - 2 * FRESH}
        await self._write(user, new, {"dm_channel": channel})
        return channel

    async def _known(self, user: str) -> SlackIdentity | None:
        async with self._db.reading() as session:
            return await session.get(SlackIdentity, user)

    async def _keep(self, answer: Answer) -> SlackIdentity:
        user = answer.data["user"]
        profile = user.get("profile") or {}
        email = profile.get("email")
        name = profile.get("real_name") or user.get("real_name") or user.get("name") or user["id"]
        told = {
            "name": name,
            "timezone": user.get("tz"),
            "fetched_at": self._clock(),
            "email": email.casefold() if email else None,
        }
        return await self._write(user["id"], told, told)

    async def _write(self, user: str, new: dict[str, Any], changed: dict[str, Any]) -> SlackIdentity:
        """One statement: several senders may meet the same person for the first time at once."""
        async with self._db.transaction() as session:
            statement = insert_of(session)(SlackIdentity).values(user_id=user, **{**new, **changed})
            upsert = statement.on_conflict_do_update(index_elements=["user_id"], set_=changed)
            await session.execute(upsert)
            return await session.get_one(SlackIdentity, user)
