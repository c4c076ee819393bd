"""Who must say yes before a step is run: the question is a state of the step, every answer a row, both survive a crash.

Who may answer is looked up at the moment of the answer, in the catalog and the rotations in force, so that somebody
who left the role in between cannot approve any more. Nobody answers twice; without enough answers in time it is
refused.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog
from bot.incidents.roles import LEAD
from bot.paging import cover, groups, overrides
from bot.runbooks import clicks
from bot.runbooks.clicks import TOPIC, StepOutcome
from bot.runbooks.execution import written_step
from bot.runbooks.life import Event, State, after
from bot.runbooks.schema import Approve
from bot.runbooks.telling import tell
from bot.store.database import wake_after_commit
from bot.store.tables import Incident, IncidentRole, RunbookRun, RunbookStep, StepApproval


async def answer(
    session: AsyncSession,
    catalog: Catalog,
    step_id: int,
    *,
    version: int | None,
    actor: str,
    approve: bool,
    now: datetime,
) -> StepOutcome:
    """Approve or refuse a step that waits for it. Raises LookupError where there is no such step."""
    step = await clicks.locked(session, step_id)
    if step.state != State.AWAITING_APPROVAL or (version is not None and version != step.version):
        return clicks.stale(step)
    written = written_step(await session.get_one(RunbookRun, step.run_id), step.name)
    assert written.approve is not None
    assert step.approval_round is not None
    incident = await session.get_one(Incident, step.incident_id)
    people = await eligible(session, catalog, written.approve, incident, now=now)
    if actor not in people:
        return StepOutcome(False, step, f"only {_named(written.approve)} may answer this")
    if written.approve.not_opener and actor == step.requested_by and approve:
        return StepOutcome(False, step, "whoever asks for this step cannot approve it")
    if await session.get(StepApproval, (step.id, step.approval_round, actor)) is not None:
        return StepOutcome(False, step, "you have answered already")
    assert step.id is not None
    session.add(StepApproval(step_id=step.id, round=step.approval_round, person=actor, approved=approve, at=now))
    await session.flush()
    yes = [row.person for row in await answers(session, step) if row.approved]
    if not approve:
        await _end(session, step, Event.REFUSE, actor=actor, text=f"Refused: {step.title}", now=now)
    elif len(yes) >= written.approve.count:
        await _end(session, step, Event.APPROVE, actor=actor, text=f"Approved: {step.title}", now=now)
        wake_after_commit(session, TOPIC)
    else:
        text = f"Approved, {len(yes)} of {written.approve.count}: {step.title}"
        await tell(session, step, event="approve", actor=actor, text=text, before=None, after=yes, now=now)
    return StepOutcome(True, step)


async def lapse(session: AsyncSession, step_id: int, *, now: datetime) -> bool:
    """End a question that nobody answered in time, as a refusal; False where there is none any more."""
    step = await clicks.locked(session, step_id)
    if step.state != State.AWAITING_APPROVAL or step.approval_due is None or step.approval_due > now:
        return False
    text = f"Refused, as nobody approved in time: {step.title}"
    await _end(session, step, Event.LAPSE, actor="badday", text=text, now=now)
    return True


async def answers(session: AsyncSession, step: RunbookStep) -> Sequence[StepApproval]:
    """What was answered to the question as it stands, in the order of time."""
    statement = (
        select(StepApproval)
        .where(col(StepApproval.step_id) == step.id, col(StepApproval.round) == step.approval_round)
        .order_by(col(StepApproval.at), col(StepApproval.person))
    )
    return (await session.execute(statement)).scalars().all()


async def eligible(
    session: AsyncSession, catalog: Catalog, approve: Approve, incident: Incident, *, now: datetime
) -> tuple[str, ...]:
    """Everybody who may answer now, as keys of the catalog's people; each once, in the order of the roles."""
    system = catalog.systems.get(incident.system)
    if system is None:
        return ()
    members = await groups.members(session, catalog)
    found: list[str] = []
    for role in approve.roles:
        match role:
            case "owner":
                found.append(system.owner)
            case "deputy":
                found += system.deputies
            case "on_call":
                standing = await overrides.stand_ins(session, catalog, now)
                found.append(cover.on_call_of(catalog, standing, system, now).now.person)
            case "lead":
                held = await session.get(IncidentRole, (incident.id, LEAD))
                found += [held.person] if held is not None else []
            case _ if role in catalog.groups:
                found += groups.people(catalog.groups[role], members)
    return tuple(dict.fromkeys(found))


def _named(approve: Approve) -> str:
    roles = [role.replace("_", " ") for role in approve.roles]
    return " or ".join(roles)


async def _end(session: AsyncSession, step: RunbookStep, event: Event, *, actor: str, text: str, now: datetime) -> None:
    before = State(step.state)
    state = after(before, event)
    assert state is not None
    changes: dict[str, object] = {"state": state, "version": step.version + 1, "approval_due": None}
    if event is not Event.APPROVE:
        changes |= {"error": text, "finished_at": now}
    await clicks.move(session, step, before, changes)
    await tell(session, step, event=event, actor=actor, text=text, before=before, after=state, now=now)
