"""The effect of a change as its message shows it."""

from datetime import timedelta
from typing import Any

from bot.effects.figures import Figures
from bot.runbooks.clicks import Verb, verbs
from bot.runbooks.leftovers import change
from bot.runbooks.life import State
from bot.slack.messages.effect import EffectView, Minute
from bot.slack.views.look import Look
from bot.store.tables import Effect, Finding, Incident, RunbookStep
from bot.trail.identity import EPOCH


async def effect(look: Look, subject: dict[str, Any]) -> EffectView:
    row = await look.session.get_one(Effect, subject["effect"])
    step = await look.session.get_one(RunbookStep, row.step_id)
    incident = await look.session.get_one(Incident, row.incident_id)
    finding = await look.session.get(Finding, row.finding_id) if row.finding_id is not None else None
    after = Figures.from_json(row.after)
    possible = await verbs(look.session, step, incident)
    return EffectView(
        step=row.step_id,
        version=step.version,
        system=row.system,
        change=change(step),
        changed_at=row.changed_at,
        before=Figures.from_json(row.before),
        after=after,
        length=timedelta(minutes=after.minutes),
        minutes=[
            Minute(EPOCH + timedelta(minutes=one["minute"]), one["calls"], one["failed"]) for one in row.series or ()
        ],
        undone=step.state != State.DONE or step.finished_at != row.changed_at,
        no_effect=finding is not None and finding.cleared_at is None,
        can_undo=Verb.UNDO in possible,
    )
