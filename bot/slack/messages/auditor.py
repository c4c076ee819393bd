"""Tells an owner what is stuck although it was set free: something is wrong with Badday itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.slack.blocks import Context, Header, Message, Mrkdwn, Section, clip, clock_time, join, markup
from bot.slack.messages.words import count

SHOWN = 10


@dataclass(frozen=True, slots=True)
class AuditorView:
    stuck: Sequence[tuple[str, datetime]]
    """What, and since when."""


def render(view: AuditorView) -> Message:
    title = f"▲ Badday is stuck: {count(len(view.stuck), 'thing')} overdue"
    lines = [
        markup("• since {at}: {what}", at=clock_time(since), what=clip(what, 200)) for what, since in view.stuck[:SHOWN]
    ]
    if len(view.stuck) > SHOWN:
        lines.append(markup("• and {n} more", n=len(view.stuck) - SHOWN))
    advice = "It was set free once, and that did not help. Look into Badday's log, and whether all its roles run."
    return Message(
        markup("{title}.", title=title), [Header(title), Section(join("\n", lines)), Context([Mrkdwn(advice)])]
    )
