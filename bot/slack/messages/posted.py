"""What a step says in a channel: plain words of a runbook, shown as they are."""

from dataclasses import dataclass

from bot.slack.blocks import Context, Literal, Message, RichText, clip, markup


@dataclass(frozen=True, slots=True)
class PostedView:
    who: str
    text: str


def render(view: PostedView) -> Message:
    text = clip(view.text, 3_000)
    return Message(
        markup("{text}", text=text), [RichText((Literal(text),)), Context((markup("by {who}", who=view.who),))]
    )
