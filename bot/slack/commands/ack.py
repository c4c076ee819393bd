"""`/badday ack [N]`: takes an incident on; without a number the one of the thread, or the only one that waits."""

from bot.incidents import incidents
from bot.incidents.life import State
from bot.slack.asking import Ask
from bot.slack.blocks import Mrkdwn, markup
from bot.slack.buttons.refusal import too_late
from bot.slack.commands.command import Command
from bot.slack.threads import incident_of


async def run(ask: Ask) -> None:
    number = await _number(ask)
    if number is None:
        return
    try:
        outcome = await incidents.acknowledge(
            ask.session, number, version=None, actor=ask.who.actor, how="command", now=ask.now
        )
    except LookupError:
        await ask.say(markup("There is no incident {number}. Open ones: `/badday status`.", number=number))
        return
    if not outcome.applied:
        await too_late(ask, outcome.refusal, outcome.by, outcome.at)
        return
    await ask.say(
        markup(
            "You acknowledged incident {number}, {system}: {title}.",
            number=number,
            system=outcome.incident.system,
            title=outcome.incident.title,
        )
    )


async def _number(ask: Ask) -> int | None:
    """The incident that is meant; None when it was said what is missing."""
    typed = ask.words[0].lstrip("#") if ask.words else ""
    if typed:
        if typed.isdecimal():
            return int(typed)
        await ask.say(markup("“{typed}” is no incident's number. Type `/badday ack 42`.", typed=typed))
        return None
    here = await incident_of(ask.session, ask.channel, ask.thread_ts)
    if here is not None:
        return here
    waiting = [one for one in await incidents.open_incidents(ask.session) if one.state == State.TRIGGERED]
    if len(waiting) == 1:
        return waiting[0].id
    if not waiting:
        await ask.say(Mrkdwn("No incident waits to be acknowledged."))
        return None
    which = ", ".join(f"{one.id} ({one.system})" for one in waiting[:10])
    await ask.say(markup("Which one? {which}. Type `/badday ack {first}`.", which=which, first=waiting[0].id or 0))
    return None


COMMAND = Command("ack", "ack [NUMBER]", "Acknowledge an incident", run)
