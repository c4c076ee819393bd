"""The inbox worker: does what people asked for by command, click and form, each in one transaction with its answer."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import structlog
from sqlalchemy import bindparam, or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog
from bot.runbooks.library import Library
from bot.slack import commands, homes, intake, keeping
from bot.slack.asking import Ask
from bot.slack.blocks import Modal, Mrkdwn, markup
from bot.slack.buttons import BUTTONS
from bot.slack.identity import Identities, Who
from bot.slack.intake import Body, Request, Wants
from bot.slack.modals import FORMS, WINDOWS
from bot.slack.refusals import sentence
from bot.slack.views.look import Look
from bot.slack.web import Answer, SlackWeb, Verdict, ask
from bot.store import inbox, leases
from bot.store.database import Database
from bot.store.tables import InboxItem

log = structlog.get_logger(__name__)
LOOK_EVERY = 0.5
AT_ONCE = 3
"""So many requests are fulfilled at once; more would keep the acknowledgement of the next click waiting."""
DRAIN_WITHIN = 3.0
# Built once: building a statement costs more than running it.
_WAITING = (
    select(col(InboxItem.id))
    .where(
        col(InboxItem.state) == "pending",
        or_(col(InboxItem.lease_until).is_(None), col(InboxItem.lease_until) <= bindparam("now")),
    )
    .limit(1)
)
SORRY = Mrkdwn("That did not work because of a mistake in Badday; its log has the details. Nothing was changed.")
TOO_LATE = Mrkdwn("It took too long to open (Slack allows three seconds). Please try once more.")


class _TakenOverError(Exception):
    """Another worker has the item now; what was done here is rolled back."""


class InboxWorker:
    """Any number of replicas may run it on one database. An error of one item never stops the others."""

    def __init__(
        self,
        db: Database,
        web: SlackWeb,
        identities: Identities,
        catalog: Callable[[], Catalog],
        clock: Callable[[], datetime],
        library: Callable[[], Library] = Library,
    ) -> None:
        self._library = library
        self._db = db
        self._web = web
        self._identities = identities
        self._catalog = catalog
        self._clock = clock
        self._owner = leases.new_owner()
        self._working: set[asyncio.Task[None]] = set()
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Work until `stop`."""
        while not self._stopping.is_set():
            if not await self.work():
                await self._db.woken(inbox.TOPIC, timeout=LOOK_EVERY)
        # The supervisor would start a worker that returns anew.
        await asyncio.Event().wait()

    async def stop(self) -> None:
        """Take nothing new and wait a little for what is under way; the rest is taken over when its lease ends."""
        self._stopping.set()
        self._db.wake(inbox.TOPIC)
        if self._working:
            await asyncio.wait(self._working, timeout=DRAIN_WITHIN)
        for task in list(self._working):
            task.cancel()

    async def work(self) -> int:
        """Claim what waits and start on it; returns how many items."""
        now = self._clock()
        async with self._db.reading() as session:
            if (await session.execute(_WAITING, {"now": now})).first() is None:
                return 0
        async with self._db.transaction() as session:
            items = await inbox.claim(session, owner=self._owner, now=now)
        for item in items:
            task = asyncio.create_task(self._do(item), name=f"inbox {item.id}")
            self._working.add(task)
            task.add_done_callback(self._working.discard)
        return len(items)

    async def settled(self) -> None:
        """Wait until nothing is under way."""
        while self._working:
            await asyncio.wait(self._working)

    async def _do(self, item: InboxItem) -> None:
        request: Request | None = None
        try:
            request = intake.read(item.kind, item.payload)
            if request is None:
                async with self._db.transaction() as session:
                    await inbox.done(session, item, now=self._clock())
                return
            who = await self._identities.who(request.user)
            if request.wants is Wants.FORM:
                await self._show_modal(item, request, who)
            elif request.wants is Wants.KEEP:
                await self._keep(item, request, who)
            else:
                await self._fulfil(item, request, who)
        except _TakenOverError:
            log.info("another worker took the item over", item=item.id)
        except SQLAlchemyError as error:
            if item.attempt < inbox.MAX_ATTEMPTS:
                log.warning("item left to its lease", item=item.id, error=type(error).__name__)
                return
            await self._give_up(item, request)
        except Exception:
            log.exception("item failed", item=item.id, kind=item.kind)
            await self._give_up(item, request)

    async def _fulfil(self, item: InboxItem, request: Request, who: Who) -> None:
        """The effect, its answer and the end of the item, all or nothing."""
        async with self._turns, self._db.transaction() as session:
            # First, so that a worker which lost the item holds no locks and does no work.
            if not await inbox.done(session, item, now=self._clock()):
                raise _TakenOverError
            asked = self._asked(session, item, request, who)
            await _dispatch(request, asked)
            if request.channel is None:
                # Whoever clicked in App Home sees there what came of it.
                await homes.show(session, request.user, now=self._clock())

    async def _keep(self, item: InboxItem, request: Request, who: Who) -> None:
        """What is to be kept is read first; a message of a place that is not ours asks nothing."""
        channel = request.channel or ""
        message: Body | Answer | None = request.message
        if message is None:
            async with self._db.reading() as session:
                ours = await keeping.is_ours(session, channel)
            message = await keeping.read(self._web, channel, request.message_ts or "") if ours else None
        if message is not None and not isinstance(message, Answer) and message.get("user"):
            await self._identities.who(str(message["user"]))  # so that the author has a name
        async with self._turns, self._db.transaction() as session:
            if not await inbox.done(session, item, now=self._clock()):
                raise _TakenOverError
            asked = self._asked(session, item, request, who)
            if isinstance(message, Answer):
                log.warning("message not read", channel=channel, error=message.error)
                await asked.say(markup("Slack did not show me that message: {why}.", why=sentence(message.error)))
            elif message is not None:
                thread = message.get("thread_ts")
                await keeping.keep(replace(asked, thread_ts=thread), channel, message, by_reaction=not request.message)

    async def _show_modal(self, item: InboxItem, request: Request, who: Who) -> None:
        """At once, since the trigger lives for three seconds; after a crash it is too late, and the person is told."""
        view = (await self._modal(request, who)).view()
        answer = await ask(self._web.once.views_open(trigger_id=request.trigger_id or "", view=view))
        shown = answer.verdict is Verdict.DONE or answer.error == "exchanged_trigger_id"
        async with self._db.transaction() as session:
            if not await inbox.done(session, item, now=self._clock()):
                raise _TakenOverError
            if shown:
                return
            log.warning("modal not shown", modal=request.name, error=answer.error)
            late = answer.error in ("expired_trigger_id", "invalid_trigger_id", "no_answer", "no_connection")
            text = TOO_LATE if late else markup("Slack did not show it ({error}).", error=answer.error)
            await self._asked(session, item, request, who).say(text)

    async def _modal(self, request: Request, who: Who) -> Modal:
        form = FORMS.get(request.name)
        if form is not None and form.build is not None:
            return form.build(self._catalog(), request.channel or "")
        async with self._db.reading() as session:
            look = Look(session, self._catalog(), self._clock())
            return await WINDOWS[request.name](look, who, request.value)

    async def _give_up(self, item: InboxItem, request: Request | None) -> None:
        try:
            async with self._db.transaction() as session:
                kept = await inbox.failed(session, item, error="see the log of this time", now=self._clock())
                if kept and request is not None:
                    await self._asked(session, item, request, Who(request.user, request.user)).say(SORRY)
        except SQLAlchemyError:
            log.exception("item left to its lease", item=item.id)

    def _asked(self, session: AsyncSession, item: InboxItem, request: Request, who: Who) -> Ask:
        assert item.id is not None
        return Ask(
            session=session,
            catalog=self._catalog(),
            who=who,
            now=self._clock(),
            item=item.id,
            words=request.words,
            value=request.value,
            form=request.form,
            channel=request.channel,
            thread_ts=request.thread_ts,
            response_url=request.response_url,
            library=self._library,
        )


async def _dispatch(request: Request, asked: Ask) -> None:
    match request.wants:
        case Wants.COMMAND:
            await commands.run(request.name, asked)
        case Wants.HOME:
            await homes.opened(asked)
        case Wants.CLICK if request.name in BUTTONS:
            await BUTTONS[request.name](asked)
        case Wants.SUBMIT if request.name in FORMS:
            await FORMS[request.name].submit(asked)
        case _:
            log.warning("nobody handles this", wants=request.wants, name=request.name)
            await asked.say(Mrkdwn("This belongs to an older version of Badday. Nothing was changed."))
