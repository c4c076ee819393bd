"""`/badday arm SYSTEM`: from now on the steps of its runbooks really change things."""

from bot.runbooks import arming
from bot.slack.asking import Ask
from bot.slack.blocks import markup
from bot.slack.commands.arming import chosen
from bot.slack.commands.command import Command


async def run(ask: Ask) -> None:
    system = await chosen(ask, "arm")
    if system is None:
        return
    changed = await arming.arm(ask.session, ask.catalog, system.name, actor=ask.who.actor, now=ask.now)
    if not changed:
        await ask.say(markup("{system} is armed already: steps change things when clicked.", system=system.name))
        return
    await ask.say(
        markup(
            "✔ {system} is armed: from now on a clicked step changes things, after it asked. "
            "Back to dry run: `/badday disarm {system}`",
            system=system.name,
        )
    )


COMMAND = Command("arm", "arm SYSTEM", "Let runbook steps of a system change things (its owner or a deputy)", run)
