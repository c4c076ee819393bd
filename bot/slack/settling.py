"""What came of a request is written down: the message's new state, the attempt, and the outcome of a page, together."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.paging import contact_tests, pages
from bot.slack import lanes
from bot.slack.readback import Found
from bot.slack.refusals import sentence
from bot.slack.web import Answer, Verdict
from bot.store import leases
from bot.store.database import Database, wake_after_commit
from bot.store.outbox import TOPIC, State
from bot.store.tables import DeliveryAttempt, OutboxMessage

log = structlog.get_logger(__name__)
Closed = Sequence[tuple[str, datetime]]
"""Lanes to be kept closed, and until when."""
LONGEST_PAUSE = 60.0
AT_ONCE = 3
"""So many outcomes queue for the database at once; more would keep the acknowledgement of a click waiting."""
ASIDE_TRIES = 5
"""An answer that nobody got after so many tries is of no use any more."""


def pause(failures: int, at_least: float = 0.0) -> timedelta:
    """The wait before the next try: what Slack asked for, else doubled from one second to a minute."""
    return timedelta(seconds=max(at_least, min(LONGEST_PAUSE, 2.0 ** min(failures, 6))))


class Settling:
    """Each method is one transaction; it does nothing when another worker took the message over meanwhile."""

    def __init__(self, db: Database, clock: Callable[[], datetime], *, every: timedelta | None = None) -> None:
        """`every` is the time between two posts of a channel, None for no limit."""
        self._db = db
        self._clock = clock
        self._every = every
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def posted(self, message: OutboxMessage, answer: Answer, *, sent_at: datetime | None = None) -> None:
        """`sent_at` is when the request went out, None when it never did."""
        now = self._clock()
        # The next post keeps its distance from when this one really went out.
        closed = [(message.channel, sent_at + self._every - lanes.LATE)] if sent_at and self._every else []
        match answer.verdict:
            case Verdict.DONE:
                found = Found(str(answer.data["channel"]), str(answer.data["ts"]), message.revision)
                await self.found(message, found, closed=closed)
            case Verdict.LATER:
                wait = timedelta(seconds=answer.retry_after) if answer.limited else pause(message.failures)
                await self._settle(
                    message,
                    "retry",
                    answer,
                    closed=[*closed, (lanes.POSTS, now + wait)] if answer.limited else closed,
                    state=State.PENDING,
                    not_before=now + wait,
                    failures=message.failures + 1,
                )
            case Verdict.UNKNOWN:
                await self._settle(
                    message,
                    "unknown",
                    answer,
                    page="unknown",
                    closed=closed,
                    state=State.UNKNOWN,
                    not_before=now + pause(0, answer.retry_after),
                    error=f"no answer from Slack ({answer.error})",
                )
            case Verdict.REFUSED:
                await self.failed(message, sentence(answer.error, answer.detail))

    async def found(self, message: OutboxMessage, found: Found, *, detail: str = "", closed: Closed = ()) -> None:
        """Slack has it: because it said so, or because it was read back."""
        await self._settle(
            message,
            "sent",
            Answer(Verdict.DONE, detail=detail),
            page="delivered",
            closed=closed,
            state=State.SENT,
            sent_revision=min(found.revision, message.revision),
            sent_at=self._clock(),
            slack_channel=found.channel,
            slack_ts=found.ts,
            failures=0,
            error=None,
        )

    async def failed(self, message: OutboxMessage, why: str) -> None:
        log.error("message not delivered", key=message.key, why=why)
        await self._settle(
            message, "failed", Answer(Verdict.REFUSED, detail=why), page="failed", state=State.FAILED, error=why
        )

    async def not_found(self, message: OutboxMessage, answer: Answer | None) -> None:
        """It was looked up: Slack has it not (None), or could not tell (the answer), or never will."""
        now = self._clock()
        if answer is None or answer.verdict is Verdict.REFUSED:
            # Where the channel cannot be read, sending says why; the id on the message keeps it from doubling.
            told = answer or Answer(Verdict.LATER, detail="read back: Slack does not have it")
            await self._settle(message, "retry", told, state=State.PENDING, not_before=now, error=None)
            return
        await self._settle(
            message,
            "unknown",
            answer,
            state=State.UNKNOWN,
            not_before=now + pause(message.failures, answer.retry_after),
            failures=message.failures + 1,
            error=f"cannot be looked up ({answer.error})",
        )

    async def edited(self, message: OutboxMessage, answer: Answer) -> None:
        now = self._clock()
        match answer.verdict:
            case Verdict.DONE:
                done: dict[str, Any] = {"sent_revision": message.revision, "sent_at": now, "failures": 0}
                await self._settle(message, "sent", answer, state=State.SENT, error=None, **done)
            case Verdict.REFUSED:
                why = sentence(answer.error, answer.detail)
                log.warning("message not edited", key=message.key, why=why)
                told = Answer(Verdict.REFUSED, detail=why)
                await self._settle(message, "failed", told, state=State.SENT, sent_revision=message.revision, error=why)
            case _:
                # An edit may be repeated: it says how things stand then.
                wait = timedelta(seconds=answer.retry_after) if answer.limited else pause(message.failures)
                full = (lanes.EDIT_PACE.burst - 1) * lanes.EDIT_PACE.every
                await self._settle(
                    message,
                    "retry",
                    answer,
                    closed=[(lanes.EDITS, now + wait + full)] if answer.limited else (),
                    state=State.SENT,
                    not_before=now + wait,
                    failures=message.failures + 1,
                )

    async def told_aside(self, message: OutboxMessage, answer: Answer) -> None:
        now = self._clock()
        if answer.verdict is Verdict.DONE:
            await self._settle(
                message, "sent", answer, state=State.SENT, sent_revision=message.revision, sent_at=now, error=None
            )
        elif answer.verdict is Verdict.REFUSED or message.failures + 1 >= ASIDE_TRIES:
            await self.failed(message, sentence(answer.error, answer.detail))
        else:
            wait = pause(message.failures, answer.retry_after)
            state, failures = State.PENDING, message.failures + 1
            await self._settle(message, "retry", answer, state=state, not_before=now + wait, failures=failures)

    async def put_off(self, message: OutboxMessage, until: datetime, why: str) -> None:
        """Nothing was sent, and nothing went wrong: it is its turn later."""
        await self._settle(message, "retry", Answer(Verdict.LATER, detail=why), state=State.PENDING, not_before=until)

    async def given_back(self, message: OutboxMessage, why: str, *, wait: timedelta | None = None) -> None:
        """It could not be prepared, so nothing was sent, or to send it again does no harm: later again."""
        state = State.PENDING if message.slack_ts is None else State.SENT
        wait = wait if wait is not None else pause(message.failures)
        await self._settle(
            message,
            "retry",
            Answer(Verdict.LATER, detail=why),
            state=state,
            not_before=self._clock() + wait,
            failures=message.failures + 1,
        )

    async def _settle(
        self,
        message: OutboxMessage,
        outcome: str,
        answer: Answer,
        *,
        page: str | None = None,
        closed: Closed = (),
        **changes: Any,
    ) -> None:
        now = self._clock()
        detail = ": ".join(part for part in (answer.error, answer.detail) if part) or None
        async with self._turns, self._db.transaction() as session:
            if page is not None and message.kind in pages.KINDS:
                await pages.hold_of_message(session, message)
            if not await leases.finish(session, message, **changes):
                log.warning("another worker took the message over", key=message.key)
                return
            session.add(
                DeliveryAttempt(
                    message_id=message.id, revision=message.revision, at=now, outcome=outcome, detail=detail
                )
            )
            if page is not None and message.kind in pages.KINDS:
                await pages.delivered(session, message.key, outcome=page, detail=detail, now=now)
            if page is not None and message.kind == contact_tests.MESSAGE:
                await contact_tests.in_slack(session, message.key, outcome=page, detail=detail, now=now)
            for lane, until in closed:
                await lanes.close_until(session, lane, until, now=now)
            wake_after_commit(session, TOPIC)
