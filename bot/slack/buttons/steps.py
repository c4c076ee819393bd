"""The buttons of a runbook step; who may click when is decided by the step's life cycle."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from types import MappingProxyType

from bot.runbooks import approvals, runs
from bot.runbooks.clicks import Verb
from bot.slack.asking import Ask, target
from bot.slack.buttons.refusal import gone, too_late
from bot.store.tables import RunbookStep

VERBS: Mapping[str, Verb] = MappingProxyType(
    {
        "run_step": Verb.RUN,
        "skip_step": Verb.SKIP,
        "cancel_step": Verb.CANCEL,
        "keep_step": Verb.KEEP,
        "undo_step": Verb.UNDO,
        "retry_step": Verb.RETRY,
        "step_happened": Verb.HAPPENED,
        "step_did_not_happen": Verb.NOT_HAPPENED,
    }
)


async def _click(verb: Verb, ask: Ask) -> None:
    aim = target(ask.value)
    if aim is None or aim.what != "step":
        await gone(ask)
        return
    try:
        outcome = await runs.request(
            ask.session, aim.id, verb=verb, version=aim.version, actor=ask.who.actor, now=ask.now
        )
    except LookupError:
        await gone(ask)
        return
    if not outcome.applied:
        await too_late(ask, outcome.refusal, outcome.by, outcome.at)


async def _answer(approve: bool, ask: Ask) -> None:
    aim = target(ask.value)
    if aim is None or aim.what != "step":
        await gone(ask)
        return
    try:
        outcome = await approvals.answer(
            ask.session, ask.catalog, aim.id, version=aim.version, actor=ask.who.actor, approve=approve, now=ask.now
        )
    except LookupError:
        await gone(ask)
        return
    if not outcome.applied:
        await too_late(ask, outcome.refusal, outcome.by, outcome.at)


async def _undo_run(ask: Ask) -> None:
    """Everything that the run of the step changed."""
    aim = target(ask.value)
    step = await ask.session.get(RunbookStep, aim.id) if aim is not None and aim.what == "step" else None
    if step is None:
        await gone(ask)
        return
    if not await runs.undo_all(ask.session, step.run_id, actor=ask.who.actor, now=ask.now):
        await too_late(ask, "there is nothing left to undo, or it is being undone", None, None)


CLICKS: Mapping[str, Callable[[Ask], Awaitable[None]]] = MappingProxyType(
    {action_id: partial(_click, verb) for action_id, verb in VERBS.items()}
    | {"approve_step": partial(_answer, True), "refuse_step": partial(_answer, False), "undo_run": _undo_run}
)
