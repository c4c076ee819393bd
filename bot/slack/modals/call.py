"""The window that shows one call whole; whether its texts are shown is asked again at each click."""

from bot.slack.blocks import Modal
from bot.slack.identity import Who
from bot.slack.messages import call
from bot.slack.views import calls
from bot.slack.views.look import Look

ID = call.ID


async def show(look: Look, who: Who, value: str) -> Modal:
    """`value` is the call's id."""
    seen = await calls.whole(look, who.person, value)
    return call.gone(value) if seen is None else call.render(seen)
