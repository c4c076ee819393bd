"""A runbook step as its message shows it."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlmodel import col

from bot.runbooks import view as runbook_view
from bot.runbooks.life import UNDOES, State
from bot.slack.messages.step import Approval, ExpiryView, StepView
from bot.slack.views.look import Look
from bot.slack.views.reminder import user_of
from bot.store.tables import RunbookStep

_UNDO = UNDOES | {State.UNDONE, State.UNDO_FAILED, State.UNDO_UNKNOWN}


async def step(look: Look, subject: dict[str, Any]) -> StepView:
    row = await look.session.get_one(RunbookStep, subject["step"])
    seen = await runbook_view.view(look.session, look.catalog, subject["step"], now=look.now)
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
        approval=await _approval(look, seen.approval),
        takes_effect=seen.takes_effect,
        consent_url=seen.consent_url,
        expects=seen.expects,
        until=seen.until,
        expiring=seen.expiring,
        frozen=seen.frozen,
    )


async def _approval(look: Look, asked: runbook_view.ApprovalView | None) -> Approval | None:
    if asked is None:
        return None
    return Approval(
        people=[await look.name(person) for person in asked.people],
        count=asked.count,
        yes=[await look.name(person) for person in asked.yes],
        not_opener=asked.not_opener,
        until=asked.until,
    )


async def expiry(look: Look, subject: dict[str, Any]) -> ExpiryView:
    """The question whether a change may last longer."""
    shown = await step(look, subject)
    person = str(subject["person"])
    return ExpiryView(
        shown, await look.name(person), await user_of(look, person), datetime.fromisoformat(subject["until"])
    )
