"""A sentence for one person alone: the answer to their click or command."""

from dataclasses import dataclass

from bot.slack.blocks import Message, Mrkdwn, Section


@dataclass(frozen=True, slots=True)
class EphemeralView:
    text: Mrkdwn
    """Built by `markup()` where the sentence was made, so foreign parts are escaped already."""


def render(view: EphemeralView) -> Message:
    return Message(view.text, [Section(view.text)])
