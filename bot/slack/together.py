"""Writes down together that many messages are in Slack, to the same rows as bot.slack.settling does one by one.

For root messages and pages; a fixed number of statements, however many there are.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, bindparam, case, insert, or_, select, update
from sqlmodel import col

from bot.incidents.opening import Letter
from bot.incidents.timeline import root_key
from bot.paging import ways
from bot.paging.life import PageState
from bot.slack.web import Answer
from bot.store.outbox import REFRESH_AFTER, Priority, State
from bot.store.tables import DeliveryAttempt, Escalation, Incident, OutboxMessage, Page, PageAttempt, TimelineEntry

_M = OutboxMessage


@dataclass(frozen=True, slots=True)
class Told:
    """A message that Slack has taken, with its answer."""

    message: Letter
    answer: Answer
    at: datetime


def settle(connection: Connection, told: Sequence[Told], *, now: datetime) -> frozenset[str]:
    """Write down what is still in the sender's hands; returns the keys of these messages.

    A message that another worker took over meanwhile is left alone.
    """
    letters = [one.message.key for one in told if one.message.kind == "page"]
    pages = _pages(connection, letters) if letters else []
    ids = [one.message.id for one in told]
    owners = {row.id: (row.lease_owner, row.attempt) for row in connection.execute(_HELD, {"ids": ids})}
    ours = [one for one in told if owners.get(one.message.id) == (one.message.lease_owner, one.message.attempt)]
    if not ours:
        return frozenset()
    connection.execute(_SENT, [_sent(one) for one in ours])
    connection.execute(insert(DeliveryAttempt), [_attempt(one, now=now) for one in ours])
    keys = frozenset(one.message.key for one in ours)
    _delivered(connection, [page for page in pages if page.message_key in keys], now=now)
    return keys


_HELD = (
    select(col(_M.id), col(_M.lease_owner), col(_M.attempt))
    .where(col(_M.id).in_(bindparam("ids", expanding=True)))
    .order_by(col(_M.id))
    .with_for_update()
)
_SENT = (
    update(_M)
    .where(col(_M.id) == bindparam("of_id"))
    .values(state=State.SENT.value, failures=0, error=None, lease_owner=None, lease_until=None)
    .values({name: bindparam(name) for name in ("sent_revision", "sent_at", "slack_channel", "slack_ts")})
)


def _sent(one: Told) -> dict[str, Any]:
    return {
        "of_id": one.message.id,
        "sent_revision": one.message.revision,
        "sent_at": one.at,
        "slack_channel": str(one.answer.data["channel"]),
        "slack_ts": str(one.answer.data["ts"]),
    }


def _attempt(one: Told, *, now: datetime) -> dict[str, Any]:
    return {"message_id": one.message.id, "revision": one.message.revision, "at": now, "outcome": "sent"}


def _pages(connection: Connection, keys: Collection[str]) -> Sequence[Any]:
    """The pages of messages with their last attempt in Slack; locks their incidents first, see bot.paging.pages."""
    held = connection.execute(_INCIDENTS, {"keys": list(keys)}).scalars().all()
    if not held:
        return []
    rows = connection.execute(_PAGES, {"keys": list(keys)}).all()
    return list({row.id: row for row in rows}.values())


_INCIDENTS = (
    select(col(Incident.id))
    .where(
        col(Incident.id).in_(
            select(col(Page.incident_id)).where(col(Page.message_key).in_(bindparam("keys", expanding=True)))
        )
    )
    .order_by(col(Incident.id))
    .with_for_update()
)
_PAGES = (
    select(
        *(
            col(getattr(Page, name))
            for name in ("id", "incident_id", "escalation_id", "person", "state", "methods", "method", "created_at")
        ),
        col(Page.message_key),
        col(PageAttempt.id).label("attempt"),
        col(PageAttempt.outcome),
    )
    .join(PageAttempt, col(PageAttempt.page_id) == col(Page.id))
    .where(
        col(Page.message_key).in_(bindparam("keys", expanding=True)),
        col(PageAttempt.method).in_(sorted(ways.IN_SLACK)),
    )
    .order_by(col(Page.id), col(PageAttempt.id))
)


def _delivered(connection: Connection, pages: Sequence[Any], *, now: datetime) -> None:
    pages = [page for page in pages if page.outcome != "delivered"]
    if not pages:
        return
    connection.execute(_TAKEN, [{"of_id": page.attempt, "settled_at": now} for page in pages])
    connection.execute(_REACHED, [{"of_id": page.id, "at": now, "next_at": _next(page)} for page in pages])
    escalations = [page.escalation_id for page in pages if page.escalation_id is not None]
    connection.execute(_FIRST_REACHED, {"escalations": escalations, "at": now})
    connection.execute(insert(TimelineEntry), [_entry(page, now=now) for page in pages])
    roots = [root_key(page.incident_id) for page in pages]
    connection.execute(_SHOW, {"roots": roots, "at": now, "later": now + REFRESH_AFTER})


_TAKEN = (
    update(PageAttempt)
    .where(col(PageAttempt.id) == bindparam("of_id"))
    .values(outcome="delivered", detail=None, settled_at=bindparam("settled_at"))
)
_REACHED = (
    update(Page)
    .where(col(Page.id) == bindparam("of_id"))
    .values(
        delivered_at=case((col(Page.delivered_at).is_(None), bindparam("at")), else_=col(Page.delivered_at)),
        next_at=bindparam("next_at"),
    )
)
_FIRST_REACHED = (
    update(Escalation)
    .where(col(Escalation.id).in_(bindparam("escalations", expanding=True)), col(Escalation.reached_at).is_(None))
    .values(reached_at=bindparam("at"))
)


def _next(page: Any) -> datetime | None:
    """When its next way is due; see ways.plan."""
    if page.state != PageState.PAGING or page.method >= len(page.methods):
        return None
    due: datetime = page.created_at + timedelta(seconds=page.methods[page.method]["after"])
    return due


def _entry(page: Any, *, now: datetime) -> dict[str, Any]:
    return {
        "incident_id": page.incident_id,
        "at": now,
        "kind": "delivery",
        "actor": "badday",
        "text": f"{page.person} paged by Slack direct message",
        "data": {"page": page.id, "outcome": "delivered"},
    }


# As outbox.edit for what is not urgent: an edit that waits already keeps its time.
_WAITS = and_(
    col(_M.revision) > col(_M.sent_revision),
    or_(col(_M.priority) == Priority.ANSWER.value, col(_M.state) != State.SENDING.value),
)
_SHOW = (
    update(_M)
    .where(
        col(_M.key).in_(bindparam("roots", expanding=True)),
        col(_M.state) != State.FAILED.value,
        or_(col(_M.sent_revision) > 0, col(_M.state) != State.PENDING.value),
    )
    .values(
        revision=col(_M.revision) + 1,
        changed_at=bindparam("at"),
        not_before=case((_WAITS, col(_M.not_before)), else_=bindparam("later")),
        priority=case((_WAITS, col(_M.priority)), else_=Priority.REFRESH.value),
    )
)
