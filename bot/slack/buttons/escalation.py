"""The buttons of an escalation: whoever is paged cannot take it, snoozes it, or anybody lets it climb now."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from types import MappingProxyType

from bot.incidents.races import Outcome
from bot.paging import escalation
from bot.slack.asking import Ask, Target, target
from bot.slack.buttons.refusal import gone, too_late


async def _cannot_take_it(ask: Ask, aim: Target) -> Outcome:
    return await escalation.hand_over(
        ask.session, ask.catalog, aim.id, actor=ask.who.actor, version=aim.version, now=ask.now
    )


async def _escalate_now(ask: Ask, aim: Target) -> Outcome:
    return await escalation.escalate_now(
        ask.session, ask.catalog, aim.id, actor=ask.who.actor, version=aim.version, now=ask.now
    )


async def _snooze(ask: Ask, aim: Target) -> Outcome:
    until = ask.now + timedelta(minutes=int(aim.choice))
    return await escalation.snooze(
        ask.session, aim.id, until=until, actor=ask.who.actor, version=aim.version, now=ask.now
    )


def _click(verb: Callable[[Ask, Target], Awaitable[Outcome]]) -> Callable[[Ask], Awaitable[None]]:
    async def click(ask: Ask) -> None:
        aim = target(ask.value)
        if aim is None or aim.what != "esc" or (verb is _snooze and not aim.choice.isdecimal()):
            await gone(ask)
            return
        try:
            outcome = await verb(ask, aim)
        except LookupError:
            await gone(ask)
            return
        if not outcome.applied:
            await too_late(ask, outcome.refusal, outcome.by, outcome.at)

    return click


CLICKS: Mapping[str, Callable[[Ask], Awaitable[None]]] = MappingProxyType(
    {
        "cannot_take_it": _click(_cannot_take_it),
        "escalate_now": _click(_escalate_now),
        "snooze": _click(_snooze),
    }
)
