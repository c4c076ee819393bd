"""App Home: shown when somebody opens it, and again while it is open to them and incidents change."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlmodel import col

from bot.incidents import incidents
from bot.slack.asking import Ask
from bot.store import outbox
from bot.store.database import Database
from bot.store.outbox import Priority, State
from bot.store.tables import OutboxMessage

LOOK_EVERY = 2.0
LOOKED_AT_WITHIN = timedelta(hours=12)
"""A Home that nobody opened for so long is published again when it is opened."""


async def opened(ask: Ask) -> None:
    """Publish the Home of who opened it."""
    key = f"home:{ask.who.user}"
    message = await outbox.post(
        ask.session,
        key=key,
        kind="home",
        subject={"user": ask.who.user},
        channel=ask.who.user,
        priority=Priority.ANSWER,
        now=ask.now,
    )
    message.created_at = ask.now  # when it was opened last
    if message.state == State.FAILED:
        message.state, message.failures, message.error = State.SENT, 0, None
    await ask.session.flush()
    await outbox.edit(ask.session, key, now=ask.now, urgent=True)


class HomeKeeper:
    """A worker that publishes opened Homes anew when an open incident changed."""

    def __init__(self, db: Database, clock: Callable[[], datetime]) -> None:
        self._db = db
        self._clock = clock
        self._shown: object = None

    async def run(self) -> None:
        while True:
            await self.look()
            # A topic of its own that nobody wakes: the incidents' topic has its one worker.
            await self._db.woken("home", timeout=LOOK_EVERY)

    async def look(self) -> int:
        """Returns how many Homes are published anew."""
        now = self._clock()
        async with self._db.reading() as session:
            found = await incidents.open_incidents(session)
            state = [(one.id, one.version, one.severity, one.title) for one in found]
            before, self._shown = self._shown, state
            if before is None or before == state:
                return 0
            statement = select(col(OutboxMessage.key)).where(
                col(OutboxMessage.kind) == "home",
                col(OutboxMessage.created_at) > now - LOOKED_AT_WITHIN,
                col(OutboxMessage.state) != State.FAILED.value,
            )
            keys = (await session.execute(statement)).scalars().all()
        for key in keys:
            async with self._db.transaction() as session:
                await outbox.edit(session, key, now=now, urgent=True)
        return len(keys)
