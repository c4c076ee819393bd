"""Takes alerts in: what was posted while a transaction ran is written by the next one, together.

    await intake.take(said)      # returns after the commit; raises what the database raised

In one transaction stand the alerts and, for everything new, their findings, incidents, pages and messages: an answer
means that somebody will be told. What joins, returns, is held back or ends is told in a second one that follows at
once; the rows say that it waits, so where that fails, or the process dies, the AlertHandler tells later.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

import structlog

from bot.alerts import rows, telling
from bot.alerts.batch import take
from bot.alerts.rows import Change, Group
from bot.alerts.said import Said
from bot.catalog import Catalog
from bot.incidents import incidents
from bot.incidents.opening import Batch, Claim
from bot.paging import ways
from bot.store import outbox
from bot.store.database import Database, wake_after_commit

log = structlog.get_logger(__name__)
TOPIC = "alerts"
FOLLOWERS = (incidents.TOPIC, ways.TOPIC, ways.WAKES)
"""Whoever follows what is opened, beside the messages."""
MOST_AT_ONCE = 200
"""Alerts in one transaction; others who write should not wait longer than that takes. A larger post is not divided."""


BRIEF = 16
"""So many are written within some milliseconds."""


@dataclass(frozen=True, slots=True)
class _Post:
    said: Sequence[Said]
    kept: "asyncio.Future[None]"


class Sender(Protocol):
    """Who sends the messages of what was opened a moment ago."""

    def claim(self) -> Claim | None:
        """In whose hands they are to be born; None: it has enough to do, or may not send at once."""

    def send(self, batch: Batch) -> None:
        """Send them; called after the commit."""


class AlertIntake:
    """One a process; it writes while somebody waits, and rests otherwise."""

    def __init__(
        self,
        db: Database,
        catalog: Callable[[], Catalog],
        clock: Callable[[], datetime],
        sender: Sender | None = None,
    ) -> None:
        """`sender` sends what is opened without its having to be claimed; without one the outbox's workers find it."""
        self._sender = sender
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
            left = await self._open(said)
        except Exception:
            log.exception("alerts not told, kept for later", alerts=len(said))
            await self._keep_only(said)
            return
        if left:
            await self._tell(left)

    async def _open(self, said: Sequence[Said]) -> Sequence[Change]:
        """Keep everything and open what is plain; returns what is kept and still has to be told."""
        catalog, now = self._catalog(), self._clock()
        claim = self._sender.claim() if self._sender is not None else None
        brief = len(said) <= BRIEF
        work = partial(take, catalog=catalog, said=said, now=now, claim=claim)
        taken = await self._db.batch(work, brief=brief)
        if taken.opened.messages and self._sender is not None:
            self._sender.send(taken.opened)
        elif taken.opened.opened:
            self._db.wake(outbox.TOPIC)
        if taken.opened.opened:
            self._db.wake_soon(*FOLLOWERS)
        return taken.left

    async def _tell(self, left: Sequence[Change]) -> None:
        """What is kept is safe already: where telling fails, the AlertHandler does it."""
        try:
            async with self._db.transaction() as session:
                groups = [change.group for change in left]
                await rows.hold_groups(session, groups)
                waiting = [change for change in left if await rows.handle(session, change.group) is not None]
                await telling.tell(session, self._catalog(), waiting, now=self._clock())
        except Exception:
            log.exception("alerts not told, kept for later", groups=len(left))
            self._db.wake(TOPIC)

    async def _keep_only(self, said: Sequence[Said]) -> None:
        async with self._db.transaction() as session:
            await rows.hold_groups(session, {Group(one.system, one.cause) for one in said})
            await rows.keep(session, said, handled=False, now=self._clock())
            wake_after_commit(session, TOPIC)


def _answer(batch: Sequence[_Post], error: Exception | None) -> None:
    for post in batch:
        if post.kept.done():
            continue  # whoever posted has gone
        if error is None:
            post.kept.set_result(None)
        else:
            post.kept.set_exception(error)
