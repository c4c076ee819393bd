"""One call whole: who, when, what it cost, how it was tried, and what was said."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.slack.blocks import (
    Block,
    Context,
    Divider,
    Literal,
    Modal,
    Mrkdwn,
    Plain,
    Preformatted,
    RichText,
    Section,
    clip,
    date,
    markup,
)
from bot.slack.messages.words import count
from bot.trail.queries.listing import conversation

ID = "call"
PART = 2900
"""Characters of one block; Slack takes 3,000."""
INPUT = 9000
OUTPUT = 12_000
"""Characters that are shown at most; a modal takes 250 KB in all."""
MESSAGES = 20
VALUE = 200


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of the same request; `this` is the one that is shown."""

    number: int
    model: str
    verdict: str
    latency: str
    this: bool = False
    final: bool = False


@dataclass(frozen=True, slots=True)
class CallWhole:
    """A call as its modal shows it."""

    id: str
    at: datetime
    verdict: str
    wrong: bool
    told: Sequence[tuple[str, str]]
    """Names and values, foreign text among them: model, tokens, cost …"""
    attempts: Sequence[Attempt] = ()
    """Empty where it was the only try."""
    error: str | None = None
    readable: bool = False
    """Whether this person may read what was said."""
    ask: str = ""
    """Whom to ask where not."""
    input: str | None = None
    output: str | None = None


def render(call: CallWhole) -> Modal:
    head = markup("{sign} *{verdict}* · {at}", sign="✖" if call.wrong else "✔", verdict=call.verdict, at=date(call.at))
    blocks: list[Block] = [Section(head), RichText(_told(call.told))]
    if call.attempts:
        blocks += [Section(markup("*{tries} of this request*", tries=count(len(call.attempts), "try", "tries")))]
        blocks.append(RichText([_attempt(one) for one in call.attempts]))
    blocks.append(Divider())
    blocks += _said(call) if call.readable else [Section(_refusal(call))]
    blocks.append(Context((Plain(f"{call.id} · whole on the command line: badday calls show {call.id}"),)))
    return Modal("Call", ID, blocks, close="Close")


def gone(call_id: str) -> Modal:
    """Where there is no such call, or not any more."""
    text = markup("There is no call {call}; calls are kept for 400 days.", call=clip(call_id, VALUE))
    return Modal("Call", ID, [Section(text)], close="Close")


def _told(told: Sequence[tuple[str, str]]) -> list[Literal]:
    parts: list[Literal] = []
    for name, value in told:
        parts += [Literal(f"{name}  ", bold=True), Literal(f"{clip(' '.join(value.split()), VALUE)}\n")]
    return parts


def _attempt(attempt: Attempt) -> Literal:
    marks = [mark for mark, true in (("this one", attempt.this), ("final", attempt.final)) if true]
    marked = f" ({', '.join(marks)})" if marks else ""
    model = clip(attempt.model, VALUE)
    return Literal(f"{attempt.number}. {model} · {attempt.verdict} · {attempt.latency}{marked}\n", bold=attempt.this)


def _refusal(call: CallWhole) -> Mrkdwn:
    if call.ask:
        return markup("What was said is for the system's owner and deputies. Ask {people}.", people=call.ask)
    return Mrkdwn("What was said is for people of the catalog. Ask somebody who is in it.")


def _said(call: CallWhole) -> list[Block]:
    blocks: list[Block] = []
    if call.error:
        blocks += [Section(Mrkdwn("*Error*")), Preformatted(clip(call.error, PART))]
    if call.input is None and call.output is None:
        return [*blocks, Section(Mrkdwn("No text is kept of this call: it was not sent, or its time is over."))]
    blocks += [Section(Mrkdwn("*Input*")), *_input(call.input)]
    return [*blocks, Section(Mrkdwn("*Output*")), *_output(call.output)]


def _input(text: str | None) -> list[Block]:
    """Messages with their roles; the last ones, where all are too long."""
    messages = conversation(text)
    if messages is None:
        return _text(text, INPUT)
    shown: list[Block] = []
    left = INPUT
    number = len(messages)
    while number and left > 0 and len(messages) - number < MESSAGES:
        number -= 1
        role, content = messages[number]
        most = min(PART, left)
        shown = [Context((Plain(clip(role, VALUE)),)), Preformatted(clip(content, most)), *shown]
        left -= len(content)
    if number:
        earlier = count(number, "earlier message is", "earlier messages are")
        shown = [Context((markup("{earlier} not shown", earlier=earlier),)), *shown]
    return shown


def _output(text: str | None) -> list[Block]:
    return _text(text, OUTPUT)


def _text(text: str | None, most: int) -> list[Block]:
    if text is None:
        return [Context((Mrkdwn("not kept"),))]
    if not text.strip():
        return [Context((Mrkdwn("empty"),))]
    shown = text[:most]
    blocks: list[Block] = [Preformatted(shown[start : start + PART]) for start in range(0, len(shown), PART)]
    if len(text) > most:
        note = markup("Cut: {shown} of {all} characters.", shown=f"{most:,}", all=f"{len(text):,}")
        blocks.append(Context((note,)))
    return blocks
