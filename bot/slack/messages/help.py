"""The answer to `/badday help`."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.slack.blocks import Context, Header, Message, Mrkdwn, Section, join, markup


@dataclass(frozen=True, slots=True)
class CommandLine:
    usage: str
    summary: str


@dataclass(frozen=True, slots=True)
class HelpView:
    commands: Sequence[CommandLine]


def render(view: HelpView) -> Message:
    lines = [markup("`/badday {usage}`  {summary}", usage=one.usage, summary=one.summary) for one in view.commands]
    return Message(
        join("\n", [Mrkdwn("What you can type:"), *lines]),
        [
            Header("What you can type"),
            Section(join("\n", lines)),
            Context(
                (
                    Mrkdwn("Incidents live in the thread of their system's channel; open ones are in my Home tab."),
                    Mrkdwn("A system changes nothing until its owner arms it: until then every step is a dry run."),
                )
            ),
        ],
    )
