"""Tests of a person's ways to be reached: the test in Slack itself, and the message that tells how all of them went."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from bot.slack.blocks import (
    Actions,
    Block,
    Button,
    Context,
    Header,
    Message,
    Mrkdwn,
    Plain,
    Section,
    Style,
    clip,
    date,
    markup,
)

SIGN: Mapping[str, str] = MappingProxyType(
    {"pending": "○", "sending": "○", "delivered": "◐", "failed": "✖", "unknown": "?", "confirmed": "✔"}
)
WORDS: Mapping[str, str] = MappingProxyType(
    {
        "pending": "waits to be sent",
        "sending": "on its way",
        "delivered": "delivered; not confirmed yet",
        "failed": "failed",
        "unknown": "not known whether it arrived",
        "confirmed": "confirmed",
    }
)


@dataclass(frozen=True, slots=True)
class SlackTestView:
    """The direct message that is the test of Slack."""

    test: int
    asked_by: str
    confirmed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class WayTested:
    """One way, and how its test went."""

    name: str
    where: str
    """Never an address in full."""
    state: str
    """An outcome, or `confirmed`."""
    detail: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReportView:
    """How the tests of a person's ways went."""

    person: str
    asked_by: str
    asked_at: datetime
    ways: Sequence[WayTested]


def render_test(view: SlackTestView) -> Message:
    title = markup("Test: Badday can reach you by Slack. Nothing is wrong; {by} asked for it.", by=view.asked_by)
    blocks: list[Block] = [Section(title)]
    if view.confirmed_at is not None:
        blocks.append(Context((markup("✔ You confirmed it {at}", at=date(view.confirmed_at)),)))
    else:
        value = f"test:{view.test}:v1"
        spoken = "Confirm that the test of Slack reached you"
        blocks.append(Actions([Button("Yes, it reached me", "confirm_test", value, Style.PRIMARY, spoken=spoken)]))
    return Message(title, blocks)


def render_report(view: ReportView) -> Message:
    waiting = sum(1 for way in view.ways if way.state in ("pending", "sending"))
    confirmed = sum(1 for way in view.ways if way.state == "confirmed")
    failed = sum(1 for way in view.ways if way.state in ("failed", "unknown"))
    text = markup(
        "Test of how {person} is reached: {confirmed} of {all} confirmed, {failed} failed, {waiting} on the way.",
        person=view.person,
        confirmed=confirmed,
        all=len(view.ways),
        failed=failed,
        waiting=waiting,
    )
    blocks: list[Block] = [Header(f"How {view.person} is reached")]
    for way in view.ways:
        blocks.append(Section(_line(way)))
        if way.detail and way.state not in ("confirmed", "pending"):
            blocks.append(Context((Plain(clip(way.detail, 300)),)))
    asked = markup("Asked for by {by} {at}", by=view.asked_by, at=date(view.asked_at))
    blocks.append(Context((asked,)))
    return Message(text, blocks)


def _line(way: WayTested) -> Mrkdwn:
    where = markup(" ({where})", where=way.where) if way.where else Mrkdwn("")
    when = markup(" {at}", at=date(way.at)) if way.at is not None else Mrkdwn("")
    return markup(
        "{sign} *{name}*{where}: {words}{when}",
        sign=SIGN[way.state],
        name=way.name,
        where=where,
        words=WORDS[way.state],
        when=when,
    )
