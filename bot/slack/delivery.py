"""The outbox worker: the one place that sends messages to Slack. See bot.store.outbox for the states.

Nothing is lost and nothing doubled, whenever the process dies: a message is marked as being sent before the request
goes out, carries its own id, and one whose answer got lost is read back before it is sent again.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog
from jinja2 import TemplateError
from sqlalchemy.exc import NoResultFound, SQLAlchemyError

from bot.catalog import Catalog
from bot.incidents import timeline
from bot.incidents.postmortem import Document
from bot.paging import pages
from bot.slack import lanes, queue, readback
from bot.slack.blocks import Home, Message, Mrkdwn
from bot.slack.homes import Publishing
from bot.slack.identity import Identities, UnreachableError
from bot.slack.queue import LEASE, Task, Work
from bot.slack.quiet import Quiet
from bot.slack.refusals import sentence
from bot.slack.rendering import FILES, Shown, is_broadcast, render
from bot.slack.sender import FreshSender
from bot.slack.settling import Settling
from bot.slack.uploading import Uploading
from bot.slack.views.look import Look
from bot.slack.web import Answer, SlackWeb, Verdict, ask
from bot.store import leases, outbox
from bot.store.database import Database
from bot.store.tables import OutboxMessage

log = structlog.get_logger(__name__)
LOOK_EVERY = 0.5
AT_ONCE = 3
"""So many messages are rendered at once; more would keep the acknowledgement of a click waiting behind them."""
HEARTBEAT = LEASE.total_seconds() / 3
DRAIN_WITHIN = 3.0
PERSON = "person:"


class _CannotPostError(Exception):
    """The message can never be sent; the text says why."""


class Delivery:
    """A worker; any number of replicas may run it on one database."""

    def __init__(
        self,
        db: Database,
        web: SlackWeb,
        identities: Identities,
        catalog: Callable[[], Catalog],
        clock: Callable[[], datetime],
        *,
        pace: float | None,
        public_url: str = "",
    ) -> None:
        """`pace` is the seconds between two posts of a channel, None for no limit; `public_url` is Badday's own."""
        self.workspace_url: str | None = None
        self._db = db
        self._web = web
        self._identities = identities
        self._catalog = catalog
        self._clock = clock
        self._public_url = public_url
        self._every = timedelta(seconds=pace) if pace is not None else None
        self._quiet = Quiet(web, identities, clock)
        self._settling = Settling(db, clock, every=self._every)
        self._uploading = Uploading(db, web)
        self._homes = Publishing(db, web, self._settling, clock)
        self.fresh = FreshSender(db, web, identities, self._settling, catalog, clock, paged=self._mind_quiet)
        """Sends what this process opens without its having to be claimed, where there is no pace to be kept."""
        self._owner = leases.new_owner()
        self._working: dict[asyncio.Task[None], OutboxMessage] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Deliver until `stop`."""
        async with asyncio.TaskGroup() as group:
            beat = group.create_task(self._keep_leases())
            fresh = group.create_task(self.fresh.run()) if self._every is None else None
            while not self._stopping.is_set():
                if not await self.deliver():
                    await self._db.woken(outbox.TOPIC, timeout=await self._rest())
            beat.cancel()
            if fresh is not None:
                fresh.cancel()
        # The supervisor would start a worker that returns anew.
        await asyncio.Event().wait()

    async def stop(self) -> None:
        """Take nothing new, and wait a little for what is under way; the rest is looked up by who comes next."""
        await self.fresh.stop(within=DRAIN_WITHIN)
        self._stopping.set()
        self._db.wake(outbox.TOPIC)
        if self._working:
            await asyncio.wait(self._working, timeout=DRAIN_WITHIN)
        for task in list(self._working):
            task.cancel()

    async def deliver(self) -> int:
        """Claim what may be sent now and start sending it; returns how many messages."""
        now = self._clock()
        async with self._db.reading() as session:
            tasks = await queue.waits(session, now=now)
        if not tasks:
            return 0
        async with self._db.transaction() as session:
            claimed = await queue.claim(session, tasks, owner=self._owner, now=now, every=self._every)
        for work in claimed:
            task = asyncio.create_task(self._do(work), name=f"deliver {work.message.key}")
            self._working[task] = work.message
            task.add_done_callback(self._working.pop)
        return len(claimed)

    async def _rest(self) -> float:
        """Seconds to wait: until a channel may get its next message, at most until the next look."""
        now = self._clock()
        async with self._db.reading() as session:
            opens = await lanes.next_opening(session, now=now)
        return LOOK_EVERY if opens is None else min(LOOK_EVERY, (opens - now).total_seconds())

    async def settled(self) -> None:
        """Wait until nothing is under way."""
        while self._working:
            await asyncio.wait(self._working)

    async def _do(self, work: Work) -> None:
        message = work.message
        try:
            match work.task:
                case Task.POST:
                    await self._post(message, work.slot)
                case Task.LOOK_UP:
                    await self._look_up(message)
                case Task.EDIT:
                    await self._edit(message)
                case Task.ASIDE:
                    await self._aside(message)
        except SQLAlchemyError:
            # The lease ends, and whoever claims the message then looks it up first.
            log.exception("message left to its lease", key=message.key)

    async def _post(self, message: OutboxMessage, slot: datetime) -> None:
        try:
            channel, thread_ts = await self._address(message)
            if message.kind in FILES:
                await self._post_files(message, slot, channel, thread_ts)
                return
            shown = await self._render(message)
        except UnreachableError as error:
            answer = error.answer
            if answer.verdict is Verdict.UNKNOWN:
                # The address could not be found out, so nothing was sent.
                answer = Answer(Verdict.LATER, answer.error, answer.detail, answer.retry_after)
            await self._settling.posted(message, answer)
            return
        except _CannotPostError as error:
            await self._settling.failed(message, str(error))
            return
        except SQLAlchemyError as error:
            await self._settling.given_back(message, type(error).__name__)
            return
        assert isinstance(shown, Message)
        arguments: dict[str, Any] = shown.payload()
        if thread_ts is not None:
            arguments |= {"thread_ts": thread_ts, "reply_broadcast": is_broadcast(message)}
        await asyncio.sleep((slot - self._clock()).total_seconds())
        sent_at = self._clock()
        answer = await ask(
            self._web.once.chat_postMessage(
                channel=channel,
                client_msg_id=str(message.id),
                metadata=readback.metadata(message.id, message.key, message.revision),
                unfurl_links=False,
                unfurl_media=False,
                **arguments,
            )
        )
        await self._settling.posted(message, answer, sent_at=sent_at)
        if message.kind == "page" and answer.verdict is Verdict.DONE:
            await self._mind_quiet(message)

    async def _post_files(self, message: OutboxMessage, slot: datetime, channel: str, thread_ts: str | None) -> None:
        documents, comment = await self._files(message)
        await asyncio.sleep((slot - self._clock()).total_seconds())
        sent_at = self._clock()
        answer = await self._uploading.post(message, documents, comment, channel=channel, thread_ts=thread_ts)
        await self._settling.posted(message, answer, sent_at=sent_at)
        if answer.verdict is Verdict.REFUSED and message.incident_id is not None:
            # Whoever asked waits in the thread, so it is said there.
            text = f"The {message.kind} could not be put here: {sentence(answer.error, answer.detail)}"
            async with self._db.transaction() as session:
                await timeline.add(
                    session,
                    message.incident_id,
                    kind="delivery",
                    actor="badday",
                    text=text,
                    now=self._clock(),
                    show=True,
                )

    async def _mind_quiet(self, message: OutboxMessage) -> None:
        """A page to somebody in Do Not Disturb makes no sound: nobody waits for them."""
        until = await self._quiet.until(message.channel.removeprefix(PERSON))
        if until is None:
            return
        async with self._db.transaction() as session:
            await pages.hold_of_message(session, message)
            await pages.disturbs(session, message.key, until, now=self._clock())

    async def _look_up(self, message: OutboxMessage) -> None:
        try:
            channel, thread_ts = await self._address(message)
        except UnreachableError as error:
            await self._settling.not_found(message, error.answer)
            return
        except _CannotPostError as error:
            await self._settling.failed(message, str(error))
            return
        where = channel if message.channel.startswith(PERSON) else await readback.channel_id(self._web, channel)
        if not isinstance(where, str):
            # It is in no such channel, so nothing of ours is there either.
            await self._settling.not_found(message, where)
            return
        if message.kind in FILES:
            found = await self._uploading.find(message, where)
        else:
            found = await readback.find(
                self._web, message.id, channel=where, thread_ts=thread_ts, written_at=message.created_at
            )
        if isinstance(found, readback.Found):
            await self._settling.found(message, found, detail="read back: Slack has it already")
            if message.kind == "page":
                await self._mind_quiet(message)
        else:
            await self._settling.not_found(message, found)

    async def _edit(self, message: OutboxMessage) -> None:
        try:
            shown = await self._render(message)
        except _CannotPostError as error:
            await self._settling.edited(message, Answer(Verdict.REFUSED, "cannot_be_shown", str(error)))
            return
        assert isinstance(shown, Message)
        assert message.slack_channel is not None
        assert message.slack_ts is not None
        answer = await ask(
            self._web.once.chat_update(
                channel=message.slack_channel,
                ts=message.slack_ts,
                metadata=readback.metadata(message.id, message.key, message.revision),
                **shown.payload(),
            )
        )
        await self._settling.edited(message, answer)

    async def _aside(self, message: OutboxMessage) -> None:
        try:
            shown = await self._render(message)
        except _CannotPostError as error:
            await self._settling.failed(message, str(error))
            return
        user = str(message.subject["user"])
        if isinstance(shown, Home):
            await self._homes.publish(message, user, shown)
        else:
            await self._settling.told_aside(message, await self._whisper(message, user, shown.payload()))

    async def _whisper(self, message: OutboxMessage, user: str, payload: dict[str, Any]) -> Answer:
        """Tell one person: by the gesture's own address, else where they are, else in a direct message."""
        url = message.subject.get("response_url")
        place = {"thread_ts": message.subject["thread_ts"]} if "thread_ts" in message.subject else {}
        if url is not None:
            replace = bool(message.subject.get("replace"))
            body = {"response_type": "ephemeral", "replace_original": replace, **place, **payload}
            answer = await self._web.respond(url, body)
            if answer.verdict is not Verdict.REFUSED:
                return answer
        if message.channel != user:
            answer = await ask(
                self._web.once.chat_postEphemeral(channel=message.channel, user=user, **place, **payload)
            )
            if answer.verdict is not Verdict.REFUSED:
                return answer
        return await ask(self._web.once.chat_postMessage(channel=user, client_msg_id=str(message.id), **payload))

    async def _files(self, message: OutboxMessage) -> tuple[list[Document], Mrkdwn]:
        async with self._turns, self._db.reading() as session:
            look = Look(session, self._catalog(), self._clock(), self.workspace_url, self._public_url)
            try:
                return await FILES[message.kind](look, message.subject)
            except (LookupError, NoResultFound, ValueError, TemplateError) as error:
                log.exception("files cannot be made", key=message.key, kind=message.kind)
                raise _CannotPostError(f"it cannot be made, which is a mistake in Badday: {error}") from error

    async def _render(self, message: OutboxMessage) -> Shown:
        async with self._turns, self._db.reading() as session:
            look = Look(session, self._catalog(), self._clock(), self.workspace_url, self._public_url)
            try:
                shown = await render(look, message)
                if isinstance(shown, Message):
                    shown.payload()
            except (LookupError, NoResultFound, ValueError) as error:
                log.exception("message cannot be shown", key=message.key, kind=message.kind)
                raise _CannotPostError(f"it cannot be shown, which is a mistake in Badday: {error}") from error
        return shown

    async def _address(self, message: OutboxMessage) -> tuple[str, str | None]:
        """The channel, and the thread where it belongs to one."""
        if message.channel.startswith(PERSON):
            return await self._identities.direct_channel(message.channel.removeprefix(PERSON)), None
        if message.thread_key is None:
            return message.channel, None
        async with self._db.reading() as session:
            root = await outbox.get(session, message.thread_key)
        if root is None or root.slack_ts is None or root.slack_channel is None:
            why = root.error if root is not None else "it was never written"
            raise _CannotPostError(f"the first message of its thread could not be posted: {why}")
        return root.slack_channel, root.slack_ts

    async def _keep_leases(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            if not self._working:
                continue
            now = self._clock()
            try:
                async with self._db.transaction() as session:
                    for message in list(self._working.values()):
                        await leases.extend(session, message, now=now, lease=LEASE)
            except SQLAlchemyError:
                log.exception("leases not prolonged")
