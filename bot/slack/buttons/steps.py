"""The buttons of a runbook step; who may click when is decided by the step's life cycle."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from types import MappingProxyType

from bot.runbooks import runs
from bot.runbooks.clicks import Verb
from bot.slack.asking import Ask, target
from bot.slack.buttons.refusal import gone, too_late

VERBS: Mapping[str, Verb] = MappingProxyType(
    {
        "run_step": Verb.RUN,
        "skip_step": Verb.SKIP,
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


CLICKS: Mapping[str, Callable[[Ask], Awaitable[None]]] = MappingProxyType(
    {action_id: partial(_click, verb) for action_id, verb in VERBS.items()}
)
