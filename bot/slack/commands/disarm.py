"""`/badday disarm SYSTEM`: from now on the steps of its runbooks only show what they would do."""

from bot.runbooks import arming
from bot.slack.asking import Ask
from bot.slack.blocks import markup
from bot.slack.commands.arming import chosen
from bot.slack.commands.command import Command


async def run(ask: Ask) -> None:
    system = await chosen(ask, "disarm")
    if system is None:
        return
    changed = await arming.disarm(ask.session, ask.catalog, system.name, actor=ask.who.actor, now=ask.now)
    if not changed:
        await ask.say(markup("{system} is not armed: every step is a dry run.", system=system.name))
        return
    await ask.say(
        markup(
            "✔ {system} is disarmed: steps only show what they would do. What was switched stays as it is.",
            system=system.name,
        )
    )


COMMAND = Command("disarm", "disarm SYSTEM", "Back to dry run (its owner or a deputy)", run)
