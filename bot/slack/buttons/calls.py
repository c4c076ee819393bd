"""The buttons under a list of calls: the same calls, seen another way."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from bot.slack.asking import Ask
from bot.slack.commands import calls as command
from bot.slack.messages.calls import ACTIONS


async def click(ask: Ask) -> None:
    """The button's value is what could be typed."""
    await command.answer(ask, ask.value.split(), replace=True)


CLICKS: Mapping[str, Callable[[Ask], Awaitable[None]]] = MappingProxyType(dict.fromkeys(ACTIONS, click))
