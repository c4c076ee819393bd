"""`/badday note [N] words`: a note in an incident's timeline; in its thread the number is implied."""

from bot.incidents import notes
from bot.slack.asking import Ask
from bot.slack.blocks import Mrkdwn, markup
from bot.slack.commands.command import Command
from bot.slack.commands.which import which
from bot.slack.reading import plain

USAGE = "note [N] words"


async def run(ask: Ask) -> None:
    found = await which(ask, USAGE)
    if found is None:
        return
    incident, words = found
    text = (await plain(ask.look, " ".join(words))).strip()
    if not text:
        await ask.say(Mrkdwn("What shall be noted? `/badday note 42 we raised the limit`."))
        return
    assert incident.id is not None
    await notes.write(ask.session, incident.id, text=text, actor=ask.who.actor, now=ask.now)
    await ask.say(markup("Noted in incident {n}.", n=incident.id))


COMMAND = Command("note", USAGE, "A note in the timeline; or react with :memo: to a message of the thread", run)
