"""What does not page now and why: silences, maintenance windows, what an incident explains; and what they hold back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.slack.blocks import Block, Context, Header, Message, Mrkdwn, Section, clip, date, join, markup
from bot.slack.messages.words import count

SHOWN = 15
TITLES = 3
_HINT = Mrkdwn("`/badday silence support-bot 2h why` begins one, `/badday silence cancel N` ends it.")


@dataclass(frozen=True, slots=True)
class SilenceLine:
    number: int
    what: str
    """`support-bot`, or `support-bot/QueueFull`."""
    starts: datetime
    ends: datetime
    in_force: bool
    by: str
    reason: str
    held: Sequence[str] = ()
    """Titles of the findings that it holds back."""


@dataclass(frozen=True, slots=True)
class WindowLine:
    """A maintenance window of the catalog that is in force."""

    name: str
    systems: Sequence[str]
    """Empty: every system."""
    reason: str
    ends: datetime | None = None
    """None: it comes every week."""
    held: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ExplainedLine:
    """Findings that follow from an open incident."""

    incident: int
    title: str
    held: Sequence[str]


@dataclass(frozen=True, slots=True)
class QuietView:
    silences: Sequence[SilenceLine] = ()
    windows: Sequence[WindowLine] = ()
    explained: Sequence[ExplainedLine] = ()

    @property
    def held(self) -> int:
        """How many findings are held back."""
        lines: list[Sequence[str]] = [one.held for one in self.silences]
        lines += [one.held for one in self.windows]
        lines += [one.held for one in self.explained]
        return sum(map(len, lines))


def render(view: QuietView) -> Message:
    found = lines(view)
    if not found:
        text = Mrkdwn("Nothing is silenced.")
        return Message(join(" ", [text, _HINT]), [Section(text), Context((_HINT,))])
    blocks: list[Block] = [Header("What does not page"), *(Section(line) for line in found[:SHOWN])]
    if len(found) > SHOWN:
        blocks.append(Context((markup("{more} more", more=len(found) - SHOWN),)))
    blocks.append(Context((_HINT,)))
    return Message(join("\n", [Mrkdwn("What does not page:"), *found[:SHOWN]]), blocks)


def lines(view: QuietView) -> list[Mrkdwn]:
    """One line for each reason, with what it holds back."""
    return [
        *(_silence(one) for one in view.silences),
        *(_window(one) for one in view.windows),
        *(_explained(one) for one in view.explained),
    ]


def _silence(one: SilenceLine) -> Mrkdwn:
    return markup(
        "{sign} *{what}* silent {when} · by {by}: {reason} · number {number}{held}",
        sign="●" if one.in_force else "○",
        what=one.what,
        when=markup("until {ends}", ends=date(one.ends))
        if one.in_force
        else markup("{starts} to {ends}", starts=date(one.starts), ends=date(one.ends)),
        by=one.by,
        reason=one.reason,
        number=one.number,
        held=_held(one.held),
    )


def _window(one: WindowLine) -> Mrkdwn:
    return markup(
        "● *{systems}* in maintenance{until} · {name}: {reason}{held}",
        systems=", ".join(one.systems) or "every system",
        until=markup(" until {ends}", ends=date(one.ends)) if one.ends is not None else Mrkdwn(""),
        name=one.name,
        reason=one.reason,
        held=_held(one.held),
    )


def _explained(one: ExplainedLine) -> Mrkdwn:
    return markup(
        "● explained by incident {number}, {title}{held}",
        number=one.incident,
        title=clip(one.title, 120),
        held=_held(one.held),
    )


def _held(titles: Sequence[str]) -> Mrkdwn:
    if not titles:
        return Mrkdwn("")
    named = "; ".join(clip(title, 80) for title in titles[:TITLES])
    more = f" and {len(titles) - TITLES} more" if len(titles) > TITLES else ""
    return markup(" · *holds back {count}*: {named}{more}", count=count(len(titles), "finding"), named=named, more=more)
