"""`/badday freeze [REASON|off]`: nothing is changed any more, whoever clicks, until it is taken off."""

from bot.runbooks import freeze
from bot.slack.asking import Ask
from bot.slack.blocks import Mrkdwn
from bot.slack.commands.command import Command
from bot.slack.messages.changes import frozen_line
from bot.slack.views import changes as views

OFF = frozenset({"off", "thaw", "end"})


async def run(ask: Ask) -> None:
    words = ask.words[1:] if ask.words[:1] == ("on",) else ask.words
    if not ask.words:
        await _tell(ask)
        return
    if not _may(ask):
        await ask.say(Mrkdwn("Only owners and deputies of systems can freeze changes. Nothing was changed."))
        return
    if words and words[0].casefold() in OFF:
        thawed = await freeze.thaw(ask.session, actor=ask.who.actor, now=ask.now)
        done = "✔ Changes are possible again." if thawed else "Nothing is frozen."
        await ask.say(Mrkdwn(done))
        return
    if await freeze.freeze(ask.session, reason=" ".join(words), actor=ask.who.actor, now=ask.now):
        await ask.say(
            Mrkdwn(
                "❄ All changes are frozen: no step and no undo changes anything, of any system. "
                "What only reads goes on. Back: `/badday freeze off`"
            )
        )
        return
    await _tell(ask)


async def _tell(ask: Ask) -> None:
    found = await views.frozen(ask.look)
    if found is not None:
        await ask.say(frozen_line(found))
        return
    await ask.say(Mrkdwn("Nothing is frozen. `/badday freeze a release is out` stops all changes, everywhere."))


def _may(ask: Ask) -> bool:
    systems = ask.catalog.systems.values()
    return any(ask.who.person in (system.owner, *system.deputies) for system in systems)


COMMAND = Command("freeze", "freeze [REASON|off]", "Stop all changes by runbooks (owners and deputies)", run)
