"""What changed in a step is told everywhere at once: audit log, timeline, the step's message, the incident's root."""

from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.incidents import incidents, timeline
from bot.store import audit, outbox
from bot.store.tables import RunbookRun, RunbookStep


def message_key(step_id: int) -> str:
    """The key of a step's message."""
    return f"step:{step_id}"


async def tell(
    session: AsyncSession,
    step: RunbookStep,
    *,
    event: str,
    actor: str,
    text: str,
    before: Any,
    after: Any,
    now: datetime,
    urgent: bool = True,
) -> None:
    """`text` is the timeline's sentence without the actor's name; `urgent` shows the root message at once, too."""
    assert step.id is not None
    await session.execute(
        update(RunbookRun)
        .where(col(RunbookRun.id) == step.run_id)
        .values(moved=True)
        .execution_options(synchronize_session=False)
    )
    await audit.record(
        session,
        actor=actor,
        action=f"step.{event}",
        object=message_key(step.id),
        before=before,
        after=after,
        incident_id=step.incident_id,
        now=now,
    )
    await timeline.add(
        session,
        step.incident_id,
        kind="step",
        actor=actor,
        text=text,
        data={"step": step.id, "event": event},
        now=now,
    )
    await outbox.edit(session, message_key(step.id), now=now, urgent=True)
    incident = await incidents.get(session, step.incident_id)
    if incident is not None:
        await incidents.touch(session, incident, now=now, urgent=urgent)
