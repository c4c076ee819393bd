"""Sends what was opened a moment ago, from memory: for workspaces without a pace, where everything may go out at once.

The messages are born in this sender's hands (bot.incidents.opening), so nothing has to be claimed, and what they show
need not be read. Outcomes are written down together. What does not go smoothly is settled like any other message, and
what was not begun when the process stops is given back; after a crash the leases end, and Slack is asked.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import count

import structlog
from sqlalchemy import Connection, bindparam, update
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col

from bot.catalog import Catalog
from bot.incidents.opening import Batch, Claim, Letter
from bot.slack import readback, together
from bot.slack.fresh import Fresh
from bot.slack.identity import Identities, UnreachableError
from bot.slack.messages.incident_root import CallsImpact
from bot.slack.queue import LEASE
from bot.slack.settling import Settling
from bot.slack.together import Told
from bot.slack.views import incident as incident_views
from bot.slack.web import Answer, SlackWeb, Verdict, ask
from bot.store import leases, outbox
from bot.store.database import Database
from bot.store.tables import OutboxMessage
from bot.trail.queries.impact import WINDOW, impact

log = structlog.get_logger(__name__)
AT_ONCE = 6
"""Requests to Slack under way."""
MOST_IN_HAND = 2_000
"""With more in hand, messages are left to the outbox's workers."""
SETTLED_EVERY = 0.01
"""Seconds in which outcomes gather, to be written down together."""
BRIEF = 50
"""So many outcomes are written down within some milliseconds."""
HEARTBEAT = LEASE.total_seconds() / 3
CALLS_READ = timedelta(seconds=5)
"""So long what was read of a system's calls is good for another message."""
CHANNEL_READ = timedelta(seconds=60)
PERSON = "person:"


@dataclass(frozen=True, slots=True)
class _Job:
    message: Letter
    fresh: Fresh


class FreshSender:
    """One a process; `send` returns at once."""

    def __init__(
        self,
        db: Database,
        web: SlackWeb,
        identities: Identities,
        settling: Settling,
        catalog: Callable[[], Catalog],
        clock: Callable[[], datetime],
        *,
        paged: Callable[[OutboxMessage], Awaitable[None]],
    ) -> None:
        """`paged` is called when a page is in Slack."""
        self._db = db
        self._web = web
        self._identities = identities
        self._settling = settling
        self._catalog = catalog
        self._clock = clock
        self._paged = paged
        self._owner = leases.new_owner()
        self._takes = False
        self._in_hand: dict[str, Letter] = {}
        self._jobs: asyncio.PriorityQueue[tuple[int, int, _Job]] = asyncio.PriorityQueue()
        self._numbers = count()
        self._told: list[Told] = []
        self._telling = asyncio.Event()
        self._done = asyncio.Event()
        self._calls: dict[str, tuple[datetime, CallsImpact | None]] = {}
        self._channels: dict[str, tuple[datetime, str]] = {}

    def claim(self) -> Claim | None:
        """In whose hands messages are born now; None where the outbox's workers are to find them."""
        return Claim(self._owner, LEASE) if self._takes and len(self._in_hand) < MOST_IN_HAND else None

    def send(self, batch: Batch) -> None:
        """Send the messages that were claimed, pages first."""
        fresh = Fresh.of(batch)
        for message in batch.messages:
            self._in_hand[message.key] = message
            self._jobs.put_nowait((message.priority, next(self._numbers), _Job(message, fresh)))

    async def run(self) -> None:
        """Send until it is cancelled."""
        self._takes = True
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(self._work())
                group.create_task(self._settle())
                group.create_task(self._keep_leases())
        finally:
            self._takes = False

    async def stop(self, *, within: float) -> None:
        """Take nothing new, give back what was not begun, and wait a little for the rest."""
        self._takes = False
        unbegun = []
        while not self._jobs.empty():
            unbegun.append(self._jobs.get_nowait()[2].message)
        if unbegun:
            await self._db.batch(lambda connection: _give_back(connection, unbegun))
        for message in unbegun:
            self._let_go(message)
        self._done.clear()
        self._look_whether_done()
        try:
            await asyncio.wait_for(self._done.wait(), within)
        except TimeoutError:
            log.warning("messages left to their leases", messages=len(self._in_hand))

    def _let_go(self, message: Letter) -> None:
        """It is settled, or left to its lease."""
        self._in_hand.pop(message.key, None)
        self._look_whether_done()

    def _look_whether_done(self) -> None:
        if not self._in_hand:
            self._done.set()

    async def _work(self) -> None:
        while True:
            _, _, job = await self._jobs.get()
            try:
                await self._send(job)
            except Exception:
                # The lease ends, and whoever claims the message then looks it up first.
                log.exception("message left to its lease", key=job.message.key)
                self._let_go(job.message)

    async def _send(self, job: _Job) -> None:
        message = job.message
        try:
            channel = await self._channel(message)
            shown = job.fresh.render(self._catalog(), message, await self._impact(job)).payload()
        except UnreachableError as error:
            answer = error.answer
            if answer.verdict is Verdict.UNKNOWN:
                # The address could not be found out, so nothing was sent.
                answer = Answer(Verdict.LATER, answer.error, answer.detail, answer.retry_after)
            await self._settle_alone(message, answer)
            return
        except ValueError as error:
            log.exception("message cannot be shown", key=message.key, kind=message.kind)
            await self._settling.failed(message.row(), f"it cannot be shown, which is a mistake in Badday: {error}")
            self._let_go(message)
            return
        answer = await ask(
            self._web.once.chat_postMessage(
                channel=channel,
                client_msg_id=str(message.id),
                metadata=readback.metadata(message.id, message.key, message.revision),
                unfurl_links=False,
                unfurl_media=False,
                **shown,
            )
        )
        if answer.verdict is not Verdict.DONE:
            await self._settle_alone(message, answer)
            return
        self._told.append(Told(message, answer, self._clock()))
        self._telling.set()

    async def _settle_alone(self, message: Letter, answer: Answer) -> None:
        await self._settling.posted(message.row(), answer)
        self._let_go(message)

    async def _settle(self) -> None:
        while True:
            await self._telling.wait()
            await asyncio.sleep(SETTLED_EVERY)
            self._telling.clear()
            told, self._told = self._told, []
            await self._settle_all(told)
            for one in told:
                self._let_go(one.message)
            for one in told:
                if one.message.kind == "page":
                    await self._guarded(self._paged(one.message.row()), one.message)

    async def _settle_all(self, told: list[Told]) -> None:
        now = self._clock()
        try:
            settled = await self._db.batch(partial(together.settle, told=told, now=now), brief=len(told) <= BRIEF)
        except SQLAlchemyError:
            log.exception("outcomes not written down together")
            settled = frozenset()
        # Replies may wait for their root; nothing else waits for what went well.
        self._db.wake_soon(outbox.TOPIC)
        for one in told:
            if one.message.key not in settled:
                await self._guarded(self._settling.posted(one.message.row(), one.answer), one.message)

    async def _guarded(self, work: Awaitable[None], message: Letter) -> None:
        try:
            await work
        except SQLAlchemyError:
            log.exception("message left to its lease", key=message.key)

    async def _channel(self, message: Letter) -> str:
        """Where it goes: pages are direct messages."""
        if not message.channel.startswith(PERSON):
            return message.channel
        person = message.channel.removeprefix(PERSON)
        now = self._clock()
        known = self._channels.get(person)
        if known is None or now - known[0] > CHANNEL_READ:
            self._channels[person] = known = (now, await self._identities.direct_channel(person))
        return known[1]

    async def _impact(self, job: _Job) -> CallsImpact | None:
        """What happened to the calls of a root's system lately."""
        if job.message.kind == "page":
            return None
        system, now = job.fresh.root_of(job.message).new.system, self._clock()
        known = self._calls.get(system)
        if known is None or now - known[0] > CALLS_READ:
            async with self._db.reading() as session:
                found = await impact(session, system, now - WINDOW, now)
            self._calls[system] = known = (now, incident_views.calls_impact(self._catalog(), system, found))
        return known[1]

    async def _keep_leases(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            rows = [_fence(message) for message in self._in_hand.values()]
            if not rows:
                continue
            until = self._clock() + LEASE
            try:
                await self._db.batch(lambda connection, rows=rows, until=until: _prolong(connection, rows, until))  # type: ignore[misc]
            except SQLAlchemyError:
                log.exception("leases not prolonged")


_OURS = (
    update(OutboxMessage)
    .where(col(OutboxMessage.id) == bindparam("of_id"))
    .where(
        col(OutboxMessage.lease_owner) == bindparam("of_owner"), col(OutboxMessage.attempt) == bindparam("of_attempt")
    )
)


def _fence(message: Letter) -> dict[str, object]:
    return {"of_id": message.id, "of_owner": message.lease_owner, "of_attempt": message.attempt}


def _prolong(connection: Connection, rows: list[dict[str, object]], until: datetime) -> None:
    connection.execute(_OURS.values(lease_until=until), rows)


def _give_back(connection: Connection, messages: list[Letter]) -> None:
    connection.execute(
        _OURS.values(state=outbox.State.PENDING.value, lease_owner=None, lease_until=None),
        [_fence(message) for message in messages],
    )
