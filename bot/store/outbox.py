"""The outbox: a message is a row, written with the fact it tells and rendered when it is sent.

    state    | claim   | delivered | refused for good | no answer | crash (lease ends)
    pending  | sending |           |                  |           |
    sending  |         | sent      | failed           | unknown   | unknown
    unknown  | sending (Slack is asked whether it has the message, before anything is sent again)
    sent     | sending, when an edit waits

`revision > sent_revision` means that something waits. Edits that wait for the same message are one edit, since the
message is rendered from the database at the moment it is sent.
"""

from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import delete, select, update
from sqlalchemy.engine import CursorResult
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store.database import wake_after_commit
from bot.store.tables import OutboxMessage

TOPIC = "outbox"
REFRESH_AFTER = timedelta(seconds=10)
"""An edit that tells no change of state waits so long, so that several become one."""
_NAMESPACE = UUID("7a1d4c57-44a0-4d4e-9a2b-0d5b1c5d2c11")


class Priority(IntEnum):
    """Who goes first in a channel."""

    PAGE = 0
    ANSWER = 1
    """An answer to somebody's click or command."""
    ROOT = 2
    REPLY = 3
    REFRESH = 4


class State(StrEnum):
    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    UNKNOWN = "unknown"
    FAILED = "failed"


def message_id(key: str) -> UUID:
    """The id of the message with this key; it travels as `client_msg_id` and in the message's metadata."""
    return uuid5(_NAMESPACE, key)


async def post(
    session: AsyncSession,
    *,
    key: str,
    kind: str,
    subject: dict[str, Any],
    channel: str,
    priority: Priority,
    now: datetime,
    thread_key: str | None = None,
    incident_id: int | None = None,
    after: timedelta = timedelta(),
) -> OutboxMessage:
    """Write a new message, to be sent `after` so long; one with the same key that exists is returned as it is."""
    existing = await get(session, key)
    if existing is not None:
        return existing
    message = OutboxMessage(
        id=message_id(key),
        key=key,
        kind=kind,
        subject=subject,
        channel=channel,
        thread_key=thread_key,
        incident_id=incident_id,
        priority=priority,
        not_before=now + after,
        created_at=now,
        changed_at=now,
    )
    session.add(message)
    await session.flush()
    wake_after_commit(session, TOPIC)
    return message


async def get(session: AsyncSession, key: str) -> OutboxMessage | None:
    """The message with this key."""
    return (await session.execute(select(OutboxMessage).where(col(OutboxMessage.key) == key))).scalar_one_or_none()


async def withdraw(session: AsyncSession, key: str) -> bool:
    """Drop a message that nobody has tried to send yet; False where that is too late, or there is none."""
    statement = delete(OutboxMessage).where(
        col(OutboxMessage.key) == key,
        col(OutboxMessage.state) == State.PENDING,
        col(OutboxMessage.attempt) == 0,
    )
    await session.flush()
    result = await session.execute(statement.execution_options(synchronize_session="fetch"))
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


async def edit(session: AsyncSession, key: str, *, now: datetime, urgent: bool = True) -> None:
    """Let the message be shown anew: at once for a change of state, else together with what else comes soon.

    A message that was not sent yet needs nothing: it will be rendered as things stand then.
    """
    message = await get(session, key)
    if message is None or message.state == State.FAILED:
        return
    if message.sent_revision == 0 and message.state == State.PENDING:
        return
    changes: dict[str, Any] = {"revision": OutboxMessage.revision + 1, "changed_at": now}
    if urgent:
        # One that failed a moment ago keeps its pause: Slack asked for it.
        changes["not_before"] = max(now, message.not_before) if message.failures else now
        changes["priority"] = Priority.ANSWER
    elif not _urgent_edit_waits(message) and not _refresh_waits(message):
        changes["not_before"] = now + REFRESH_AFTER
        changes["priority"] = Priority.REFRESH
    await session.execute(
        update(OutboxMessage)
        .where(col(OutboxMessage.id) == message.id)
        .values(**changes)
        .execution_options(synchronize_session=False)
    )
    await session.refresh(message)
    wake_after_commit(session, TOPIC)


def _urgent_edit_waits(message: OutboxMessage) -> bool:
    """Whether a change of state is still to be shown, or is being sent: a refresh must not push it back."""
    return message.priority == Priority.ANSWER and message.revision > message.sent_revision


def _refresh_waits(message: OutboxMessage) -> bool:
    return message.revision > message.sent_revision and message.state != State.SENDING
