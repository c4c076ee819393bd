"""App Home: shown when somebody opens it, and anew when it would show them something else.

opened       the row `app_home` says who has opened it and when; a message of the outbox carries the publishing
HomeKeeper   looks whether an opened Home would show something else now, and lets its message be sent anew
Publishing   sends it: not where Slack shows the same already, and to nobody more than once in five seconds
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, literal, select, update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog
from bot.paging.life import PageState
from bot.slack.asking import Ask
from bot.slack.blocks import Home
from bot.slack.messages import home as home_message
from bot.slack.settling import Settling, pause
from bot.slack.views import home as home_views
from bot.slack.views.look import Look
from bot.slack.web import Answer, SlackWeb, Verdict, ask
from bot.store import outbox
from bot.store.database import Database
from bot.store.outbox import Priority, State
from bot.store.tables import AppHome, Escalation, Incident, OutboxMessage, Page

LOOK_EVERY = 2.0
LOOK_WHOLE_EVERY = timedelta(seconds=15)
"""Shifts, status pages and calls change without an incident; so often all that is shown is read again."""
LOOKED_AT_WITHIN = timedelta(hours=12)
"""A Home that nobody opened for so long is published again when it is opened."""
AT_MOST_EVERY = timedelta(seconds=5)


def key(user: str) -> str:
    return f"home:{user}"


async def opened(ask: Ask) -> None:
    """Publish the Home of who opened it."""
    user = ask.who.user
    row = await ask.session.get(AppHome, user)
    if row is None:
        row = AppHome(user_id=user, opened_at=ask.now)
        ask.session.add(row)
    # What was published long ago, or before the app was installed anew, may be gone: Slack is not asked.
    row.opened_at, row.mark = ask.now, None
    message = await outbox.post(
        ask.session,
        key=key(user),
        kind="home",
        subject={"user": user},
        channel=user,
        priority=Priority.ANSWER,
        now=ask.now,
    )
    if message.state == State.FAILED:
        message.state, message.failures, message.error = State.SENT, 0, None
    await ask.session.flush()
    await outbox.edit(ask.session, key(user), now=ask.now)


async def show(session: AsyncSession, user: str, *, now: datetime) -> None:
    """Let somebody's Home be looked at anew, where they have opened it lately."""
    row = await session.get(AppHome, user)
    if row is not None and row.opened_at > now - LOOKED_AT_WITHIN:
        await outbox.edit(session, key(user), now=now)


class Publishing:
    """Sends Homes to Slack; the caller has claimed the message, so each is in one pair of hands."""

    def __init__(self, db: Database, web: SlackWeb, settling: Settling, clock: Callable[[], datetime]) -> None:
        self._db = db
        self._web = web
        self._settling = settling
        self._clock = clock

    async def publish(self, message: OutboxMessage, user: str, shown: Home) -> None:
        async with self._db.reading() as session:
            row = await session.get(AppHome, user)
        if row is not None and row.mark == shown.mark:
            await self._settling.told_aside(message, Answer(Verdict.DONE, detail="Slack shows this already"))
            return
        now = self._clock()
        if row is not None and row.published_at is not None and row.published_at + AT_MOST_EVERY > now:
            await self._settling.put_off(message, row.published_at + AT_MOST_EVERY, "published a moment ago")
            return
        answer = await ask(self._web.once.views_publish(user_id=user, view=shown.view()))
        if answer.verdict in (Verdict.LATER, Verdict.UNKNOWN):
            # To publish it twice does no harm, and a Home that stays open must not stay wrong.
            wait = pause(message.failures, answer.retry_after)
            await self._settling.given_back(message, answer.error, wait=wait)
            return
        if answer.verdict is Verdict.DONE:
            async with self._db.transaction() as session:
                published = update(AppHome).where(col(AppHome.user_id) == user)
                await session.execute(published.values(mark=shown.mark, published_at=now))
        await self._settling.told_aside(message, answer)


class HomeKeeper:
    """A worker that lets opened Homes be published anew. Any number of replicas may run it: it only ever reads, and
    asks for what `Publishing` decides."""

    def __init__(
        self,
        db: Database,
        catalog: Callable[[], Catalog],
        clock: Callable[[], datetime],
        *,
        workspace_url: Callable[[], str | None],
    ) -> None:
        self._db = db
        self._catalog = catalog
        self._clock = clock
        self._workspace_url = workspace_url
        self._pulse: Any = None
        self._whole_at: datetime | None = None

    async def run(self) -> None:
        while True:
            await self.look()
            # A topic of its own that nobody wakes: the incidents' topic has its one worker.
            await self._db.woken("home", timeout=LOOK_EVERY)

    async def look(self) -> int:
        """Returns how many Homes would show something else now."""
        now = self._clock()
        if self._workspace_url() is None:
            return 0  # without it links would come and go
        async with self._db.reading() as session:
            homes = await _shown(session, now)
            if not homes:
                return 0
            pulse = await _pulse(session)
            if pulse == self._pulse and self._whole_at is not None and now < self._whole_at:
                return 0
            look = Look(session, self._catalog(), now, self._workspace_url())
            desk = await home_views.desk(look)
            changed = []
            for home in homes:
                view = await home_views.home(look, {"user": home.user_id}, desk)
                if home_message.render(view).mark != home.mark:
                    changed.append(home.user_id)
        self._pulse, self._whole_at = pulse, now + LOOK_WHOLE_EVERY
        for user in changed:
            async with self._db.transaction() as session:
                await outbox.edit(session, key(user), now=now)
        return len(changed)


async def _shown(session: AsyncSession, now: datetime) -> list[AppHome]:
    """The Homes that somebody may be looking at, but for those that are on their way anyway."""
    statement = (
        select(AppHome)
        .join(OutboxMessage, col(OutboxMessage.key) == literal(key("")) + col(AppHome.user_id))
        .where(
            col(AppHome.opened_at) > now - LOOKED_AT_WITHIN,
            col(OutboxMessage.state) != State.FAILED.value,
            col(OutboxMessage.revision) == col(OutboxMessage.sent_revision),
        )
    )
    return list((await session.execute(statement)).scalars())


async def _pulse(session: AsyncSession) -> tuple[object, ...]:
    """What is cheap to read, and different whenever an incident, a page or an escalation changed."""
    open_ = select(col(Incident.id), col(Incident.version), col(Incident.severity), col(Incident.title))
    incidents = await session.execute(open_.where(col(Incident.resolved_at).is_(None)).order_by(col(Incident.id)))
    climbing = select(func.count(), func.sum(col(Escalation.version))).where(col(Escalation.ended_at).is_(None))
    paging = (
        select(col(Page.state), func.count())
        .where(col(Page.state) != PageState.ENDED.value)
        .group_by(col(Page.state))
        .order_by(col(Page.state))
    )
    return (
        tuple(map(tuple, incidents.all())),
        tuple((await session.execute(climbing)).one()),
        tuple(map(tuple, (await session.execute(paging)).all())),
    )
