"""What counts as stuck: everything that should have happened some minutes ago and did not.

kind        | due by                                      | overdue after
escalation  | the time of its next step                   | 2 min
page        | the time of its next way                    | 2 min
attempt     | when a way beside Slack was to be tried     | 2 min
step        | the click on a step, or its worker's lease  | 2 min
alert       | its arrival or last change                  | 2 min
click       | a click or command that was accepted        | 2 min
message     | a message to Slack that may go              | 3 min, 15 min for replies and refreshes
poll        | the slot of a watch's page                  | 5 min, and two slots
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, func, or_, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.runbooks.life import WAITING, WORKING
from bot.store.outbox import Priority, State
from bot.store.tables import (
    Alert,
    Escalation,
    Incident,
    InboxItem,
    Leased,
    OutboxMessage,
    Page,
    PageAttempt,
    PollTarget,
    RunbookStep,
)

OVERDUE = timedelta(minutes=2)
UNSENT = timedelta(minutes=3)
UNSENT_REPLY = timedelta(minutes=15)
UNPOLLED = timedelta(minutes=5)
REPORT = "auditor"
"""The outbox messages that tell of what is stuck; they do not count themselves."""
AT_MOST = 20
"""Of a kind, the longest overdue: where hundreds wait, they wait for the same thing."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Something overdue. `table` and `id` are its row, `incident` the one that it belongs to."""

    kind: str
    table: type[Leased]
    id: Any
    since: datetime
    text: str
    """What it is, as the end of the sentence `since 06:43 UTC …`."""
    system: str | None = None
    incident: int | None = None

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.id}"


async def overdue(session: AsyncSession, *, now: datetime) -> list[Seen]:
    """Everything that is stuck now, the gravest kinds first."""
    return [seen for look in LOOKS for seen in await look(session, now)]


async def _escalations(session: AsyncSession, now: datetime) -> list[Seen]:
    statement = (
        select(Escalation, col(Incident.system))
        .join(Incident, col(Incident.id) == col(Escalation.incident_id))
        .where(col(Escalation.ended_at).is_(None), col(Escalation.next_at) < now - OVERDUE)
    )
    return [
        Seen(
            "escalation",
            Escalation,
            row.id,
            row.next_at,
            "an escalation waits for its next step",
            system,
            row.incident_id,
        )
        for row, system in await _oldest(session, statement, col(Escalation.next_at))
    ]


async def _pages(session: AsyncSession, now: datetime) -> list[Seen]:
    statement = (
        select(Page, col(Incident.system))
        .join(Incident, col(Incident.id) == col(Page.incident_id))
        .where(col(Page.next_at) < now - OVERDUE)
    )
    return [
        Seen("page", Page, row.id, row.next_at, f"the page to {row.person} waits to go on", system, row.incident_id)
        for row, system in await _oldest(session, statement, col(Page.next_at))
    ]


async def _attempts(session: AsyncSession, now: datetime) -> list[Seen]:
    late = now - OVERDUE
    statement = (
        select(PageAttempt, col(Page.person), col(Page.incident_id), col(Incident.system))
        .join(Page, col(Page.id) == col(PageAttempt.page_id))
        .join(Incident, col(Incident.id) == col(Page.incident_id))
        .where(
            col(PageAttempt.outcome).in_(("pending", "sending")),
            col(PageAttempt.not_before) < late,
            or_(col(PageAttempt.lease_until).is_(None), col(PageAttempt.lease_until) < late),
        )
    )
    return [
        Seen("attempt", PageAttempt, row.id, row.not_before, f"{person} is not tried by {row.method}", system, incident)
        for row, person, incident, system in await _oldest(session, statement, col(PageAttempt.not_before))
    ]


async def _steps(session: AsyncSession, now: datetime) -> list[Seen]:
    since = func.coalesce(col(RunbookStep.lease_until), col(RunbookStep.requested_at))
    statement = (
        select(RunbookStep, col(Incident.system))
        .join(Incident, col(Incident.id) == col(RunbookStep.incident_id))
        .where(col(RunbookStep.state).in_(sorted(WAITING | WORKING)), since < now - OVERDUE)
    )
    return [
        Seen(
            "step",
            RunbookStep,
            row.id,
            _since(row.lease_until, row.requested_at, now),
            f"step {row.position + 1} ({row.title}) is not run",
            system,
            row.incident_id,
        )
        for row, system in await _oldest(session, statement, since)
    ]


async def _alerts(session: AsyncSession, now: datetime) -> list[Seen]:
    statement = select(Alert).where(
        col(Alert.handled_revision) < col(Alert.revision), col(Alert.changed_at) < now - OVERDUE
    )
    return [
        Seen("alert", Alert, row.id, row.changed_at, f"the alert {row.cause} is not told to an incident", row.system)
        for (row,) in await _oldest(session, statement, col(Alert.changed_at))
    ]


async def _clicks(session: AsyncSession, now: datetime) -> list[Seen]:
    late = now - OVERDUE
    statement = select(InboxItem).where(
        col(InboxItem.state) == "pending",
        col(InboxItem.received_at) < late,
        or_(col(InboxItem.lease_until).is_(None), col(InboxItem.lease_until) < late),
    )
    return [
        Seen("click", InboxItem, row.id, row.received_at, f"what came from Slack ({row.kind}) is not worked off")
        for (row,) in await _oldest(session, statement, col(InboxItem.received_at))
    ]


async def _messages(session: AsyncSession, now: datetime) -> list[Seen]:
    quick = col(OutboxMessage.priority) <= Priority.ROOT
    late = [
        and_(is_of, col(OutboxMessage.not_before) < now - after, col(OutboxMessage.changed_at) < now - after)
        for is_of, after in ((quick, UNSENT), (~quick, UNSENT_REPLY))
    ]
    statement = (
        select(OutboxMessage, col(Incident.system))
        .outerjoin(Incident, col(Incident.id) == col(OutboxMessage.incident_id))
        .where(
            col(OutboxMessage.revision) > col(OutboxMessage.sent_revision),
            col(OutboxMessage.state) != State.FAILED,
            col(OutboxMessage.kind) != REPORT,
            or_(*late),
        )
    )
    return [
        Seen(
            "message",
            OutboxMessage,
            row.id,
            max(row.changed_at, row.not_before),
            f"the message {row.key} is not sent to Slack",
            system,
            row.incident_id,
        )
        for row, system in await _oldest(session, statement, col(OutboxMessage.changed_at))
    ]


async def _polls(session: AsyncSession, now: datetime) -> list[Seen]:
    statement = select(PollTarget).where(col(PollTarget.active).is_(True), col(PollTarget.next_due) < now - UNPOLLED)
    return [
        Seen("poll", PollTarget, row.id, row.next_due, f"{row.url} is not polled")
        for (row,) in await _oldest(session, statement, col(PollTarget.next_due))
        if row.next_due < now - 2 * timedelta(seconds=row.interval_seconds)
    ]


LOOKS: Sequence[Callable[[AsyncSession, datetime], Awaitable[list[Seen]]]] = (
    _escalations,
    _pages,
    _attempts,
    _steps,
    _alerts,
    _clicks,
    _messages,
    _polls,
)


async def _oldest(session: AsyncSession, statement: Select[Any], since: Any) -> Sequence[Any]:
    return (await session.execute(statement.order_by(since).limit(AT_MOST))).all()


def _since(*times: datetime | None) -> datetime:
    """The first that is known; one always is."""
    return next(time for time in times if time is not None)
