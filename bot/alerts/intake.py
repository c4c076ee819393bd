"""Takes alerts in: what was posted while a transaction ran is written by the next one, together.

    await intake.take(said)      # returns after the commit; raises what the database raised

In one transaction stand the alerts, their findings, incidents, pages and messages: an answer means that somebody will
be told. Where telling fails, the alerts alone are kept, and the AlertHandler tells later.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from bot.alerts import rows, telling
from bot.alerts.rows import Group
from bot.alerts.said import Said
from bot.catalog import Catalog
from bot.store.database import Database, wake_after_commit

log = structlog.get_logger(__name__)
TOPIC = "alerts"
MOST_AT_ONCE = 200
"""Alerts in one transaction; others who write should not wait longer than that takes. A larger post is not divided."""


@dataclass(frozen=True, slots=True)
class _Post:
    said: Sequence[Said]
    kept: "asyncio.Future[None]"


class AlertIntake:
    """One a process; it writes while somebody waits, and rests otherwise."""

    def __init__(self, db: Database, catalog: Callable[[], Catalog], clock: Callable[[], datetime]) -> None:
        self._db = db
        self._catalog = catalog
        self._clock = clock
        self._posts: list[_Post] = []
        self._writing: asyncio.Task[None] | None = None

    async def take(self, said: Sequence[Said]) -> None:
        """Keep the alerts; returns once they are on disk. Raises SQLAlchemyError or OSError where that failed."""
        if not said:
            return
        post = _Post(said, asyncio.get_running_loop().create_future())
        self._posts.append(post)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write(), name="alert intake")
        await post.kept

    async def _write(self) -> None:
        while self._posts:
            batch = self._next()
            try:
                await self._keep([one for post in batch for one in post.said])
            except Exception as error:  # noqa: BLE001 - whoever posted gets it
                _answer(batch, error)
            except BaseException:
                _answer(batch, ConnectionError("Badday is stopping"))
                raise
            else:
                _answer(batch, None)

    def _next(self) -> list[_Post]:
        batch = [self._posts.pop(0)]
        alerts = len(batch[0].said)
        while self._posts and alerts + len(self._posts[0].said) <= MOST_AT_ONCE:
            alerts += len(self._posts[0].said)
            batch.append(self._posts.pop(0))
        return batch

    async def _keep(self, said: Sequence[Said]) -> None:
        try:
            await self._keep_and_tell(said)
        except Exception:
            log.exception("alerts not told, kept for later", alerts=len(said))
            await self._keep_only(said)

    async def _keep_and_tell(self, said: Sequence[Said]) -> None:
        async with self._db.transaction() as session:
            now = self._clock()
            await rows.hold_groups(session, _groups(said))
            changes = await rows.keep(session, said, handled=True, now=now)
            if changes:
                await telling.tell(session, self._catalog(), changes, now=now)

    async def _keep_only(self, said: Sequence[Said]) -> None:
        async with self._db.transaction() as session:
            await rows.hold_groups(session, _groups(said))
            await rows.keep(session, said, handled=False, now=self._clock())
            wake_after_commit(session, TOPIC)


def _groups(said: Sequence[Said]) -> set[Group]:
    return {Group(one.system, one.cause) for one in said}


def _answer(batch: Sequence[_Post], error: Exception | None) -> None:
    for post in batch:
        if post.kept.done():
            continue  # whoever posted has gone
        if error is None:
            post.kept.set_result(None)
        else:
            post.kept.set_exception(error)
