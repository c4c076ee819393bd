"""Members of Slack user groups that groups of the catalog name: fetched now and then (usergroups.users.list).

The scope `usergroups:read` is optional, and user groups need a paid plan. Without them the people whom the catalog
names in a group are all there is; what was fetched before goes on counting.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlmodel import col

from bot.catalog import Catalog
from bot.slack.identity import Identities
from bot.slack.refusals import sentence
from bot.slack.settling import pause
from bot.slack.web import Answer, SlackWeb, Verdict, ask
from bot.store import leases
from bot.store.database import Database
from bot.store.tables import SlackGroup

log = structlog.get_logger(__name__)
LOOK_EVERY = 5.0
FETCH_EVERY = timedelta(minutes=10)
LEASE = timedelta(minutes=2)
AT_ONCE = 10


class GroupKeeper:
    """A worker; of several replicas one fetches a group."""

    def __init__(
        self,
        db: Database,
        web: SlackWeb,
        identities: Identities,
        catalog: Callable[[], Catalog],
        clock: Callable[[], datetime],
    ) -> None:
        self._db = db
        self._web = web
        self._identities = identities
        self._catalog = catalog
        self._clock = clock
        self._owner = leases.new_owner()

    async def run(self) -> None:
        while True:
            await self.fetch()
            await asyncio.sleep(LOOK_EVERY)

    async def fetch(self) -> int:
        """Ask for the groups that are due; returns how many were."""
        wanted = sorted({group.slack for group in self._catalog().groups.values() if group.slack is not None})
        if not wanted:
            return 0
        now = self._clock()
        async with self._db.reading() as session:
            statement = select(SlackGroup).where(col(SlackGroup.id).in_(wanted))
            known = {row.id: row for row in (await session.execute(statement)).scalars()}
        if all(name in known and known[name].next_at > now for name in wanted):
            return 0
        async with self._db.transaction() as session:
            for name in wanted:
                if name not in known:
                    await session.merge(SlackGroup(id=name, next_at=now))
            await session.flush()
            due = col(SlackGroup.id).in_(wanted) & (col(SlackGroup.next_at) <= now)
            claimed = await leases.claim(
                session, SlackGroup, due, owner=self._owner, now=now, lease=LEASE, limit=AT_ONCE
            )
        for row in claimed:
            await self._fetch(row)
        return len(claimed)

    async def _fetch(self, row: SlackGroup) -> None:
        answer = await ask(self._web.again.usergroups_users_list(usergroup=row.id))
        if answer.verdict is not Verdict.DONE:
            await self._not_told(row, answer)
            return
        users = [str(user) for user in answer.data.get("users") or ()]
        for user in users:
            # So that people are found by their e-mail addresses, and strangers have names.
            await self._identities.who(user)
        now = self._clock()
        async with self._db.transaction() as session:
            told = {"members": users, "fetched_at": now, "next_at": now + FETCH_EVERY, "failures": 0, "error": None}
            await leases.finish(session, row, **told)

    async def _not_told(self, row: SlackGroup, answer: Answer) -> None:
        """Who was a member stays one; the reason is kept for the doctor."""
        refused = answer.verdict is Verdict.REFUSED
        wait = FETCH_EVERY if refused else pause(row.failures, answer.retry_after)
        if row.error != answer.error:
            why = sentence(answer.error, answer.detail)
            log.warning("Slack does not tell who is in a user group", group=row.id, why=why)
        async with self._db.transaction() as session:
            next_at = self._clock() + wait
            await leases.finish(session, row, error=answer.error, failures=row.failures + 1, next_at=next_at)
