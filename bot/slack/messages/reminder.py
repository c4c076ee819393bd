"""Asks whoever leads an incident how it stands, when nothing was said for a while."""

from dataclasses import dataclass
from datetime import datetime

from bot.slack.blocks import Message, Mrkdwn, Section, clock_time, markup


@dataclass(frozen=True, slots=True)
class ReminderView:
    who: str
    user: str | None
    """Their Slack user, who is mentioned; None where it is not known."""
    status: str
    last: datetime | None
    """When somebody said something for the timeline."""


def render(view: ReminderView) -> Message:
    who = Mrkdwn(f"<@{view.user}>") if view.user else markup("{who}", who=view.who)
    since = markup(" since {at}", at=clock_time(view.last)) if view.last is not None else Mrkdwn("")
    text = markup(
        "{who}, how does it stand? Nothing was said{since} (status: {status}). Answer here with `@Badday note …` or "
        "`@Badday incident status identified …`, or react with :memo: to what was said.",
        who=who,
        since=since,
        status=view.status,
    )
    return Message(text, [Section(text)])
