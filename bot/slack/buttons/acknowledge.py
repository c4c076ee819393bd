"""Acknowledge: anybody may take an incident on; the first click wins."""

from bot.incidents import incidents
from bot.slack.asking import Ask, target
from bot.slack.buttons.refusal import gone, too_late


async def click(ask: Ask) -> None:
    aim = target(ask.value)
    if aim is None or aim.what != "inc":
        await gone(ask)
        return
    try:
        outcome = await incidents.acknowledge(
            ask.session, aim.id, version=aim.version, actor=ask.who.actor, now=ask.now
        )
    except LookupError:
        await gone(ask)
        return
    if not outcome.applied:
        await too_late(ask, outcome.refusal, outcome.by, outcome.at)
