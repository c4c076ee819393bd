"""Who stands in: the list of them, and the word to somebody who was put in or taken out again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.slack.blocks import Block, Context, Header, Message, Mrkdwn, Section, date, join, markup
from bot.slack.messages.words import target_words

SHOWN = 15


@dataclass(frozen=True, slots=True)
class OverrideLine:
    number: int
    target: str
    """`rotation/support`, `rotation/support/primary` or `system/support-bot`."""
    name: str
    starts: datetime
    ends: datetime
    in_force: bool
    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class OverridesView:
    overrides: Sequence[OverrideLine]


@dataclass(frozen=True, slots=True)
class CoverChangedView:
    override: OverrideLine
    cancelled_by: str | None = None


def render(view: OverridesView) -> Message:
    if not view.overrides:
        text = Mrkdwn("Nobody stands in for anybody. `/badday override support me for 4h` puts you in.")
        return Message(text, [Section(text)])
    lines = [_line(one) for one in view.overrides[:SHOWN]]
    blocks: list[Block] = [Header("Who stands in"), *(Section(line) for line in lines)]
    if len(view.overrides) > SHOWN:
        blocks.append(Context((markup("{more} more, later ones", more=len(view.overrides) - SHOWN),)))
    blocks.append(Context((Mrkdwn("`/badday override cancel N` ends one."),)))
    return Message(join("\n", [Mrkdwn("Who stands in:"), *lines]), blocks)


def _line(one: OverrideLine) -> Mrkdwn:
    sign = "●" if one.in_force else "○"
    text = "{sign} *{name}* for {what} · {starts} to {ends} · by {by}{reason} · number {number}"
    return markup(
        text,
        sign=sign,
        name=one.name,
        what=target_words(one.target),
        starts=date(one.starts),
        ends=date(one.ends),
        by=one.by,
        reason=markup(": {reason}", reason=one.reason) if one.reason else Mrkdwn(""),
        number=one.number,
    )


def render_changed(view: CoverChangedView) -> Message:
    one = view.override
    what = target_words(one.target)
    if view.cancelled_by is not None:
        text = markup(
            "○ {by} took you out again: you do not stand in for {what} from {starts} to {ends}.",
            by=view.cancelled_by,
            what=what,
            starts=date(one.starts),
            ends=date(one.ends),
        )
        return Message(text, [Section(text)])
    text = markup(
        "● {by} put you on call for {what} from {starts} to {ends}.{reason}",
        by=one.by,
        what=what,
        starts=date(one.starts),
        ends=date(one.ends),
        reason=markup(" Reason: {reason}.", reason=one.reason) if one.reason else Mrkdwn(""),
    )
    hint = markup("Not possible? `/badday override cancel {number}`, and tell {by}.", number=one.number, by=one.by)
    return Message(text, [Section(text), Context((hint,))])
