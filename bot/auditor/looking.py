"""What counts as stuck: everything that should have happened some minutes ago and did not.

kind        | due by                                             | overdue after
escalation  | the time of its next step                          | 2 min
page        | the time of its next way                           | 2 min
attempt     | when a way beside Slack was to be tried            | 2 min
hold        | the end of the silence that kept a finding back    | 2 min
step        | the click on a step, or its dead worker's lease    | 2 min, 15 min for one that is being run
alert       | its arrival or last change                         | 2 min
click       | a click or command that was accepted               | 2 min
message     | a message to Slack that may go, or its first try   | 3 min, 15 min for replies and refreshes
poll        | the slot of a watch's page                         | 5 min, and two slots

Nothing counts before its own time: a snooze, a silence or a pause moves that time. A message whose turn has not come
in a channel that others use is not stuck, nor is one that Slack refused: that is told where it happened. Of a role that
never ran on this database nothing is expected.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVarTuple

from sqlalchemy import ColumnElement, Select, String, and_, cast, exists, func, literal, or_, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog
from bot.paging import ways
from bot.runbooks.life import REQUESTED, WORKING
from bot.store.outbox import Priority, State
from bot.store.tables import (
    Alert,
    DeliveryAttempt,
    Escalation,
    Finding,
    Hold,
    InboxItem,
    Incident,
    Leased,
    OutboxLane,
    OutboxMessage,
    Page,
    PageAttempt,
    PollTarget,
    RunbookStep,
    Silence,
    SlackWorkspace,
)

_Row = TypeVarTuple("_Row")
OVERDUE = timedelta(minutes=2)
UNSENT = timedelta(minutes=3)
UNSENT_REPLY = timedelta(minutes=15)
UNPOLLED = timedelta(minutes=5)
RUN_FOR = timedelta(minutes=15)
"""Each part of an action has half a minute; a step that is run for so long is run again and again."""
MOVES = timedelta(minutes=1)
"""A channel in which a post went out so lately moves on: what waits there for its turn is not stuck."""
LONGEST_LEASE = timedelta(minutes=2)
"""No worker takes a lease for so long: one that ends later comes from a clock that was wrong."""
REPORT = "auditor"
"""The outbox messages that tell of what is stuck; they do not count themselves."""
EDITS = "method:chat.update"
"""The lane of edits: bot.slack.lanes."""
AT_MOST = 20
"""Of a kind, the longest overdue: where hundreds wait, they wait for the same thing."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Something overdue. `table` and `id` are its row, `incident` the one that it belongs to."""

    kind: str
    table: type[Leased] | type[Hold]
    id: Any
    since: datetime
    text: str
    """What it is, as the end of the sentence `since 06:43 UTC …`."""
    system: str | None = None
    incident: int | None = None

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.id}"


async def overdue(session: AsyncSession, catalog: Catalog, *, now: datetime) -> list[Seen]:
    """Everything that is stuck now, the gravest kinds first; of each kind the longest overdue."""
    return [seen for look in LOOKS for seen in await look(session, catalog, now)]


async def _escalations(session: AsyncSession, _catalog: Catalog, now: datetime) -> list[Seen]:
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


async def _pages(session: AsyncSession, catalog: Catalog, now: datetime) -> list[Seen]:
    statement = (
        select(Page, col(Incident.system))
        .join(Incident, col(Incident.id) == col(Page.incident_id))
        .where(col(Page.next_at) < now - OVERDUE)
    )
    return [
        Seen(
            "page",
            Page,
            row.id,
            row.next_at,
            f"the page to {_name(catalog, row.person)} waits to go on",
            system,
            row.incident_id,
        )
        for row, system in await _oldest(session, statement, col(Page.next_at))
    ]


async def _attempts(session: AsyncSession, catalog: Catalog, now: datetime) -> list[Seen]:
    statement = (
        select(PageAttempt, col(Page.person), col(Page.incident_id), col(Incident.system))
        .join(Page, col(Page.id) == col(PageAttempt.page_id))
        .join(Incident, col(Incident.id) == col(Page.incident_id))
        .where(
            col(PageAttempt.outcome).in_(("pending", "sending")),
            col(PageAttempt.not_before) < now - OVERDUE,
        )
    )
    return [
        Seen(
            "attempt",
            PageAttempt,
            row.id,
            row.not_before,
            f"{_name(catalog, person)} is not tried by {ways.name(row.method)}",
            system,
            incident,
        )
        for row, person, incident, system in await _oldest(session, statement, col(PageAttempt.not_before))
    ]


async def _holds(session: AsyncSession, _catalog: Catalog, now: datetime) -> list[Seen]:
    """A page that waits for the end of a silence is as overdue as one that waits for its next way."""
    over = func.coalesce(col(Silence.cancelled_at), col(Silence.ends_at))
    statement = (
        select(Hold, col(Finding.title), over)
        .join(Finding, col(Finding.id) == col(Hold.finding_id))
        .join(Silence, col(Hold.held_by) == literal("silence:") + cast(col(Silence.id), String))
        .where(col(Hold.released_at).is_(None), col(Finding.cleared_at).is_(None), over < now - OVERDUE)
    )
    return [
        Seen("hold", Hold, row.id, ended, f"{title} is held back by a silence that is over", row.system)
        for row, title, ended in await _oldest(session, statement, over)
    ]


async def _steps(session: AsyncSession, _catalog: Catalog, now: datetime) -> list[Seen]:
    """Asked for and not begun, left by a dead worker, or begun again and again."""
    late = now - OVERDUE
    asked, lease = col(RunbookStep.requested_at), col(RunbookStep.lease_until)
    waits = and_(col(RunbookStep.state).in_(sorted(REQUESTED)), asked < late)
    held_by_nobody = or_(lease.is_(None), lease < late, lease > now + LONGEST_LEASE)
    left = and_(col(RunbookStep.state).in_(sorted(WORKING)), asked < late, held_by_nobody)
    runs_for_ever = and_(col(RunbookStep.state).in_(sorted(WORKING)), asked < now - RUN_FOR)
    statement = (
        select(RunbookStep, col(Incident.system))
        .join(Incident, col(Incident.id) == col(RunbookStep.incident_id))
        .where(or_(waits, left, runs_for_ever))
    )
    return [
        Seen(
            "step",
            RunbookStep,
            row.id,
            row.requested_at,
            f"step {row.position + 1} ({row.title}) does not come to an end",
            system,
            row.incident_id,
        )
        for row, system in await _oldest(session, statement, asked)
    ]


async def _alerts(session: AsyncSession, _catalog: Catalog, now: datetime) -> list[Seen]:
    statement = select(Alert).where(
        col(Alert.handled_revision) < col(Alert.revision), col(Alert.changed_at) < now - OVERDUE
    )
    return [
        Seen("alert", Alert, row.id, row.changed_at, f"the alert {row.cause} is not told to an incident", row.system)
        for (row,) in await _oldest(session, statement, col(Alert.changed_at))
    ]


async def _clicks(session: AsyncSession, _catalog: Catalog, now: datetime) -> list[Seen]:
    statement = select(InboxItem).where(col(InboxItem.state) == "pending", col(InboxItem.received_at) < now - OVERDUE)
    return [
        Seen("click", InboxItem, row.id, row.received_at, f"what came from Slack ({row.kind}) is not worked off")
        for (row,) in await _oldest(session, statement, col(InboxItem.received_at))
    ]


async def _messages(session: AsyncSession, _catalog: Catalog, now: datetime) -> list[Seen]:
    tried = _first_tried()
    quick = col(OutboxMessage.priority) <= Priority.ROOT
    late = [
        and_(
            is_of,
            col(OutboxMessage.changed_at) < now - after,
            or_(col(OutboxMessage.not_before) < now - after, tried < now - after),
        )
        for is_of, after in ((quick, UNSENT), (~quick, UNSENT_REPLY))
    ]
    statement = (
        select(OutboxMessage, col(Incident.system), tried.label("tried"))
        .outerjoin(Incident, col(Incident.id) == col(OutboxMessage.incident_id))
        .where(
            col(OutboxMessage.revision) > col(OutboxMessage.sent_revision),
            col(OutboxMessage.state) != State.FAILED,
            col(OutboxMessage.kind) != REPORT,
            or_(*late),
            or_(tried.is_not(None), ~_waits_its_turn(now)),
            or_(col(OutboxMessage.attempt) > 0, exists(select(col(SlackWorkspace.id)))),
        )
    )
    return [
        Seen(
            "message",
            OutboxMessage,
            row.id,
            max(row.changed_at, first or row.not_before),
            f"the message {row.key} is not sent to Slack",
            system,
            row.incident_id,
        )
        for row, system, first in await _oldest(session, statement, col(OutboxMessage.changed_at))
    ]


def _first_tried() -> Any:
    """When the message was first tried as it is now: each failure moves `not_before`, and this stays."""
    return (
        select(func.min(col(DeliveryAttempt.at)))
        .where(
            col(DeliveryAttempt.message_id) == col(OutboxMessage.id),
            col(DeliveryAttempt.revision) == col(OutboxMessage.revision),
        )
        .correlate(OutboxMessage)
        .scalar_subquery()
    )


def _waits_its_turn(now: datetime) -> ColumnElement[bool]:
    """Whether others go out where it wants to: Slack takes one message a second in a channel, and 50 edits a minute."""
    posts = and_(col(OutboxMessage.slack_ts).is_(None), col(OutboxLane.channel) == col(OutboxMessage.channel))
    edits = and_(col(OutboxMessage.slack_ts).is_not(None), col(OutboxLane.channel) == EDITS)
    return exists(
        select(col(OutboxLane.channel))
        .where(or_(posts, edits), col(OutboxLane.next_at) > now - MOVES)
        .correlate(OutboxMessage)
    )


async def _polls(session: AsyncSession, _catalog: Catalog, now: datetime) -> list[Seen]:
    statement = select(PollTarget).where(
        col(PollTarget.active).is_(True), col(PollTarget.attempt) > 0, col(PollTarget.next_due) < now - UNPOLLED
    )
    return [
        Seen("poll", PollTarget, row.id, row.next_due, f"{row.url} is not polled")
        for (row,) in await _oldest(session, statement, col(PollTarget.next_due))
        if row.next_due < now - 2 * timedelta(seconds=row.interval_seconds)
    ]


LOOKS: Sequence[Callable[[AsyncSession, Catalog, datetime], Awaitable[list[Seen]]]] = (
    _escalations,
    _pages,
    _attempts,
    _holds,
    _steps,
    _alerts,
    _clicks,
    _messages,
    _polls,
)


async def _oldest(session: AsyncSession, statement: Select[*_Row], since: Any) -> Sequence[Any]:
    return (await session.execute(statement.order_by(since).limit(AT_MOST))).all()


def _name(catalog: Catalog, person: str) -> str:
    """How people call whoever is paged: `#name` for a channel."""
    known = catalog.people.get(person)
    return known.name if known is not None else person
