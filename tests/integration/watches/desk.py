"""A poller at work on a real database and a real page, with a clock that the test moves."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlmodel import col

from bot.catalog import Catalog, parse_catalog
from bot.store.database import Database
from bot.store.tables import Finding, Incident, Observation, PollTarget, WatchState
from bot.watches.http import Http
from bot.watches.poller import Poller
from bot.watches.sync import sync
from tests.integration.watches.page_server import Answer, PageServer, reply
from tests.unit.watches.pages import component, encoded, statuspage

INTERVAL = timedelta(minutes=1)
PATH = "/api/v2/summary.json"


def catalog(*watches: str) -> Catalog:
    """One system that depends on acme, with these watches (YAML flow mappings)."""
    text = "\n".join(f"  {watch}" for watch in watches)
    return parse_catalog(f"""
badday: 1
people:
  maria: {{name: Maria Ortiz, email: maria@example.com}}
providers:
  acme: {{}}
systems:
  support-bot: {{owner: maria, channel: support-bot, depends_on: [acme]}}
watches:
{text}
""")


def page(status: str = "operational", *, name: str = "Chat") -> Answer:
    """A page whose only component has this name and status."""
    return reply(body=encoded(statuspage(components=[component(name, name, status)])))


class Desk:
    """Moves the clock a slot at a time and waits until everything that is due has been recorded."""

    def __init__(self, db: Database, server: PageServer, now: datetime) -> None:
        self.db = db
        self.server = server
        self.now = now
        self.catalog = catalog(f"status.acme: {{page: '{server.url}', provider: acme, components: [Chat]}}")

    def poller(self, **options: Any) -> Poller:
        return Poller(
            self.db,
            lambda: self.catalog,
            lambda: self.now,
            http=lambda: Http(clock=lambda: self.now, whole_timeout=1.0, environ={}),
            **options,
        )

    async def sync(self) -> None:
        async with self.db.transaction() as session:
            await sync(session, self.catalog, now=self.now)

    @asynccontextmanager
    async def polling(self) -> AsyncIterator[None]:
        """A poller that runs until the end of the block; its first polls are done at the start of it."""
        await self.sync()
        task = asyncio.create_task(self.poller().run())
        try:
            await self._settled(task)
            self._task = task
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def says(self, *statuses: str) -> None:
        """The page shows one status after the other, a slot each."""
        for status in statuses:
            await self.answers(page(status))

    async def answers(self, *answers: Answer, after: timedelta = INTERVAL) -> None:
        for answer in answers:
            self.server.answers[PATH] = answer
            await self.passes(after)

    async def passes(self, duration: timedelta = INTERVAL) -> None:
        self.now += duration
        self.db.wake("watches")
        await self._settled(self._task)

    async def _settled(self, task: asyncio.Task[None]) -> None:
        waiting = select(func.count()).where(
            col(PollTarget.active), (col(PollTarget.next_due) <= self.now) | col(PollTarget.lease_owner).is_not(None)
        )
        async with asyncio.timeout(10):
            while await self._scalar(waiting):
                if task.done():
                    await task
                await asyncio.sleep(0.01)

    async def _scalar(self, statement: Any) -> Any:
        async with self.db.reading() as session:
            return (await session.execute(statement)).scalar_one()

    async def _all(self, table: Any, order: Any) -> Any:
        async with self.db.reading() as session:
            return (await session.execute(select(table).order_by(order))).scalars().all()

    async def target(self) -> PollTarget:
        (found,) = await self.targets()
        return found

    async def targets(self) -> Sequence[PollTarget]:
        found: Sequence[PollTarget] = await self._all(PollTarget, col(PollTarget.id))
        return found

    async def watch(self, name: str = "status.acme") -> WatchState:
        states: Sequence[WatchState] = await self._all(WatchState, col(WatchState.name))
        return next(state for state in states if state.name == name)

    async def observations(self) -> Sequence[Observation]:
        found: Sequence[Observation] = await self._all(Observation, col(Observation.id))
        return found

    async def verdicts(self) -> list[str]:
        return [observation.verdict for observation in await self.observations()]

    async def findings(self) -> Sequence[Finding]:
        found: Sequence[Finding] = await self._all(Finding, col(Finding.id))
        return found

    async def incidents(self) -> Sequence[Incident]:
        found: Sequence[Incident] = await self._all(Incident, col(Incident.id))
        return found
