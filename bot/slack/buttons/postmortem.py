"""The button that writes the postmortem of a resolved incident into its thread, as `/badday postmortem` does."""

from bot.incidents import incidents
from bot.slack.asking import Ask, target
from bot.slack.buttons.refusal import gone
from bot.slack.commands import postmortem


async def click(ask: Ask) -> None:
    aim = target(ask.value)
    incident = await incidents.get(ask.session, aim.id) if aim is not None and aim.what == "inc" else None
    if incident is None:
        await gone(ask)
        return
    await postmortem.write(ask, incident)
