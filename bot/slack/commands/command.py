"""What a command is: a word, how it is used, and what it does in one transaction."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.slack.asking import Ask


@dataclass(frozen=True, slots=True)
class Command:
    word: str
    usage: str
    summary: str
    run: Callable[[Ask], Awaitable[None]]
