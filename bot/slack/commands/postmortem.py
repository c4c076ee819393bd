"""`/badday postmortem [N]`: writes the postmortem of an incident into its thread, as a page and as Markdown."""

from bot.incidents.timeline import root_key
from bot.slack.asking import Ask
from bot.slack.blocks import markup
from bot.slack.commands.command import Command
from bot.slack.commands.which import which
from bot.store import outbox
from bot.store.outbox import Priority
from bot.store.tables import Incident

USAGE = "postmortem [N]"


async def run(ask: Ask) -> None:
    found = await which(ask, USAGE)
    if found is None:
        return
    await write(ask, found[0])


async def write(ask: Ask, incident: Incident) -> None:
    """Let it be written, and say so."""
    assert incident.id is not None
    await outbox.post(
        ask.session,
        key=f"postmortem:{incident.id}:{ask.item}",
        kind="postmortem",
        subject={"incident": incident.id, "asked_by": ask.who.actor},
        channel=incident.channel,
        thread_key=root_key(incident.id),
        incident_id=incident.id,
        priority=Priority.REPLY,
        now=ask.now,
    )
    await ask.say(markup("The postmortem of incident {n} comes into its thread.", n=incident.id))


COMMAND = Command("postmortem", USAGE, "The postmortem of an incident, into its thread", run)
