"""The answer to `/badday calls`: what the calls add up to, then some of them, or the sums broken down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from bot.slack.blocks import (
    Actions,
    Block,
    Button,
    Context,
    Header,
    Literal,
    Message,
    Mrkdwn,
    Plain,
    RichText,
    Section,
    clip,
    date,
    join,
    markup,
)
from bot.slack.messages.words import count
from bot.trail.queries.question import Question, Show

SHOWN = 8
LINES = 15
NAME = 80
EXCERPT = 160
VALUE = 2000
_HEADERS: Mapping[Show, str] = MappingProxyType(
    {
        Show.ERRORS: "Last calls with an error",
        Show.SLOW: "Slowest calls",
        Show.DEAR: "Dearest calls",
        Show.NEWEST: "Last calls",
        Show.FALLBACKS: "Fallbacks",
        Show.BY: "Calls",
    }
)
_BUTTONS: Mapping[Show, tuple[str, str]] = MappingProxyType(
    {
        Show.ERRORS: ("Errors", "calls_errors"),
        Show.SLOW: ("Slowest", "calls_slow"),
        Show.DEAR: ("Dearest", "calls_dear"),
        Show.NEWEST: ("Newest", "calls_newest"),
        Show.FALLBACKS: ("Fallbacks", "calls_fallbacks"),
        Show.BY: ("By model", "calls_by"),
    }
)
ACTIONS = tuple(action_id for _, action_id in _BUTTONS.values())
"""Buttons that ask for another view; their value is the question, as it would be typed."""


@dataclass(frozen=True, slots=True)
class Sums:
    """What calls add up to, as it is read."""

    calls: int
    errors: int = 0
    fallbacks: int = 0
    unpriced: int = 0
    spend: str = ""
    """Empty where nothing has a price."""
    p50: str = "–"
    p95: str = "–"


@dataclass(frozen=True, slots=True)
class CallRow:
    """One call. The excerpt of its answer is None for somebody who may not read it."""

    id: str
    at: datetime
    verdict: str
    wrong: bool
    where: str
    """Whose call, of which model, for what: foreign names, shown as they are."""
    figures: str
    """Latency, tokens, cost."""
    excerpt: str | None = None


@dataclass(frozen=True, slots=True)
class RegisterLine:
    """A dependency and a trigger: what should happen, and what did."""

    dependency: str
    trigger: str
    expected: str
    happened: str
    verdict: str


@dataclass(frozen=True, slots=True)
class CallsView:
    question: Question
    about: str
    """Which calls are meant, in words: `support-bot · model gpt-4.1-mini · last 24 h`."""
    sums: Sums | None = None
    rows: Sequence[CallRow] = ()
    parts: Sequence[tuple[str, Sums]] = ()
    register: Sequence[RegisterLine] = ()
    hidden_from: Mapping[str, str] = field(default_factory=dict)
    """Systems whose answers this person may not read, and whom to ask."""


def render(view: CallsView) -> Message:
    header = _header(view.question)
    blocks: list[Block] = [Header(header), Context((Plain(view.about),))]
    if view.sums is not None:
        blocks.append(Section(_sums(view.sums)))
    blocks += _body(view)
    if view.hidden_from:
        blocks.append(Context([_hidden(system, people) for system, people in list(view.hidden_from.items())[:5]]))
    if view.question.call is None:
        blocks.append(Actions(_switches(view.question)))
    told = view.sums.calls if view.sums is not None else len(view.rows)
    return Message(markup("{header}: {about}. {calls}.", header=header, about=view.about, calls=_count(told)), blocks)


def _header(question: Question) -> str:
    if question.call is not None:
        return "One call"
    if question.show is Show.BY:
        return f"Calls by {(question.by or 'model').replace('_', ' ')}"
    return _HEADERS[question.show]


def _body(view: CallsView) -> list[Block]:
    if view.question.call is not None:
        return _rows(view.rows) or [Section(Mrkdwn("There is no such call, or not any more."))]
    match view.question.show:
        case Show.BY:
            return _broken_down(view.parts)
        case Show.FALLBACKS if view.register:
            return [*_register(view.register), *_rows(view.rows)]
        case _ if view.rows:
            return _rows(view.rows)
        case Show.ERRORS:
            return [Section(Mrkdwn("✔ No call with an error."))]
        case Show.FALLBACKS:
            return [Section(Mrkdwn("No call fell back, and the catalog names no fallback to compare with."))]
        case _:
            return [Section(Mrkdwn("No such call."))]


def _rows(rows: Sequence[CallRow]) -> list[Block]:
    blocks: list[Block] = []
    for row in rows[:SHOWN]:
        line = markup(
            "{sign} *{verdict}* · {at} · {figures}",
            sign="✖" if row.wrong else "✔",
            verdict=row.verdict,
            at=date(row.at),
            figures=row.figures,
        )
        blocks.append(Section(line, Button("Show", "show_call", row.id[:VALUE], spoken=f"Show call {row.id}")))
        details = [Plain(clip(row.where, 3 * NAME))]
        if row.excerpt is not None:
            details.append(Plain(f"“{clip(' '.join(row.excerpt.split()), EXCERPT)}”"))
        blocks.append(Context(details))
    return blocks


def _sums(sums: Sums) -> Mrkdwn:
    if not sums.calls:
        return Mrkdwn("No calls.")
    parts = [
        markup("*{calls}*", calls=_count(sums.calls)),
        markup("{share} errors", share=share(sums.errors, sums.calls)),
        markup("{fallbacks}", fallbacks=count(sums.fallbacks, "fallback")),
        markup("spend {spend}", spend=_spend(sums)),
        markup("p50 {p50}, p95 {p95}", p50=sums.p50, p95=sums.p95),
    ]
    return join(" · ", parts)


def _spend(sums: Sums) -> str:
    if not sums.spend:
        return "unpriced"
    return f"{sums.spend} (+ {sums.unpriced:,} unpriced)" if sums.unpriced else sums.spend


def share(part: int, whole: int) -> str:
    """`0 %`, `0.4 %`, `12 %`; never 0 or 100 where it is not quite so."""
    percent = 100 * part / whole if whole else 0.0
    if percent and percent < 0.1:
        return "< 0.1 %"
    if 99.5 <= percent < 100:
        return "> 99 %"
    return f"{percent:.1f} %" if 0 < percent < 10 else f"{percent:.0f} %"


def _count(calls: int) -> str:
    return f"{calls:,} {'call' if calls == 1 else 'calls'}"


def _broken_down(parts: Sequence[tuple[str, Sums]]) -> list[Block]:
    """Names are foreign, so each line is literal."""
    if not parts:
        return [Section(Mrkdwn("No calls."))]
    lines: list[Literal] = []
    for name, sums in parts[:LINES]:
        numbers = (
            f"{_count(sums.calls)} · {share(sums.errors, sums.calls)} errors · {count(sums.fallbacks, 'fallback')} · "
            f"{_spend(sums)} · p95 {sums.p95}"
        )
        lines += [Literal(clip(name, NAME), bold=True), Literal(f"\n{numbers}\n")]
    blocks: list[Block] = [RichText(lines)]
    if len(parts) > LINES:
        blocks.append(Context((markup("{more} more with fewer calls", more=len(parts) - LINES),)))
    return blocks


def _register(register: Sequence[RegisterLine]) -> list[Block]:
    lines: list[Literal] = []
    for one in register[:LINES]:
        what = f"{clip(one.dependency, NAME)}, {one.trigger.replace('_', ' ')}"
        told = f"\nshould: {clip(one.expected, NAME)} · did: {clip(one.happened, 2 * NAME)} · {one.verdict}\n"
        lines += [Literal(what, bold=True), Literal(told)]
    return [RichText(lines)]


def _hidden(system: str, people: str) -> Plain:
    whom = f"ask {people}" if people else "ask somebody who is in the catalog"
    return Plain(f"What calls of {clip(system, NAME)} said is for its owner and deputies: {whom}.")


def _switches(question: Question) -> list[Button]:
    """The other views of the same calls."""
    buttons = []
    for show, (label, action_id) in _BUTTONS.items():
        other = question.showing(show, "model" if show is Show.BY else None)
        if other != question:
            buttons.append(Button(label, action_id, other.typed()[:VALUE]))
    return buttons
