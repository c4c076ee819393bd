"""A runbook step as its message shows it."""

from typing import Any

from sqlalchemy import func, select
from sqlmodel import col

from bot.runbooks import view as runbook_view
from bot.runbooks.life import UNDOES, State
from bot.slack.messages.step import StepView
from bot.slack.views.look import Look
from bot.store.tables import RunbookStep

_UNDO = UNDOES | {State.UNDONE, State.UNDO_FAILED, State.UNDO_UNKNOWN}


async def step(look: Look, subject: dict[str, Any]) -> StepView:
    row = await look.session.get_one(RunbookStep, subject["step"])
    seen = await runbook_view.view(look.session, look.catalog, subject["step"])
    assert seen is not None
    total = select(func.count()).select_from(RunbookStep).where(col(RunbookStep.run_id) == row.run_id)
    by, at = (seen.undone_by, seen.undone_at or row.requested_at) if seen.state in _UNDO else (seen.by, seen.at)
    return StepView(
        number=seen.id,
        version=seen.version,
        position=row.position + 1,
        of=(await look.session.execute(total)).scalar_one(),
        title=seen.title,
        state=seen.state,
        system=seen.system,
        verbs=seen.verbs,
        is_action=seen.is_action,
        change=seen.change,
        undo_change=seen.undo_change,
        note=seen.note,
        dry_run=seen.dry_run,
        deed=await look.deed(by, at),
        error=seen.error,
    )
