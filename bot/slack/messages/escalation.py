"""A step of the escalation: one message that names everybody it pages; and the page of a channel."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.slack.blocks import (
    Actions,
    Block,
    Button,
    Context,
    Header,
    LinkButton,
    Message,
    Mrkdwn,
    Plain,
    Section,
    Style,
    clip,
    clock_time,
    date,
    join,
    markup,
)
from bot.slack.messages.words import COLOUR, SEVERITY, STATE, Deed


@dataclass(frozen=True, slots=True)
class EscalationView:
    number: int
    system: str
    title: str
    severity: str
    kind: str
    """step_fired, escalated or exhausted"""
    people: Sequence[tuple[str, str]]
    """Name and why."""
    channels: Sequence[str]
    missed: Sequence[tuple[str, str]]
    """Whom nobody could be found for, or who cannot be reached; and why."""
    step: int
    of: int
    round: int
    """All counted from 1."""
    by: str
    """Who escalated it by hand; empty: it climbed by itself."""
    at: datetime
    until: datetime | None = None
    owner: str = ""


@dataclass(frozen=True, slots=True)
class ChannelPageView:
    """A channel is paged: everybody in it may take the incident on."""

    number: int
    version: int
    system: str
    title: str
    severity: str
    state: str
    since: datetime
    known: str
    people: Sequence[Mrkdwn]
    """Who is paged besides, as mentions."""
    deed: Deed | None = None
    thread: str | None = None


def render(view: EscalationView) -> Message:
    what = markup("Incident {number}, {system}: {title}.", number=view.number, system=view.system, title=_title(view))
    said = _exhausted(view) if view.kind == "exhausted" else _step(view)
    where = markup("step {step} of {of}", step=view.step, of=view.of)
    if view.round > 1:
        where = markup("{where}, round {round}", where=where, round=view.round)
    context = [where, markup("by {by}", by=view.by)] if view.by else [where]
    if view.kind == "exhausted":
        context = context[1:]
    sign = "✖" if view.kind == "exhausted" or not (view.people or view.channels) else "▲"
    return Message(
        markup("{sign} {said} {what}", sign=sign, said=said, what=what),
        [
            Section(markup("{sign} {said}", sign=sign, said=said)),
            Context((join(" · ", [what, *context, date(view.at)]),)),
        ],
    )


def _step(view: EscalationView) -> Mrkdwn:
    who = [markup("*{name}* ({why})", name=name, why=why) for name, why in view.people]
    who += [markup("#{name}", name=name) for name in view.channels]
    said: list[Mrkdwn] = []
    if who:
        word = "Escalated: paging" if view.kind == "escalated" else "Paging"
        said.append(markup("{word} {who}.", word=word, who=join(", ", who)))
    said += [markup("*Nobody to page* for {target}: {why}.", target=target, why=why) for target, why in view.missed]
    if not who:
        said.append(Mrkdwn("The next step comes at once."))
    elif view.until is not None:
        said.append(markup("Acknowledge by {at}.", at=clock_time(view.until)))
    return join(" ", said)


def _exhausted(view: EscalationView) -> Mrkdwn:
    return markup(
        "*Nobody acknowledged.* Every step of the policy was taken, and nobody else is paged by itself. "
        "Whoever reads this: acknowledge it, or escalate it again; the owner is {owner}.",
        owner=view.owner,
    )


def _title(view: EscalationView) -> str:
    return clip(view.title, 200)


def render_channel_page(view: ChannelPageView) -> Message:
    head = f"{SEVERITY[view.severity]} · {view.system}: {view.title}"
    blocks: list[Block] = [Header(head)]
    if view.known:
        blocks.append(Section(Plain(view.known)))
    what = markup(
        "{severity} {system}: {title}.",
        severity=view.severity.upper(),
        system=view.system,
        title=clip(view.title, 200),
    )
    if view.deed is not None:
        said = markup("{state} {deed}", state=STATE[view.state], deed=view.deed.shown())
        text = markup("{what} {said}", what=what, said=said)
    else:
        said = markup("<!channel> nobody has acknowledged since {since}. Please take it on.", since=date(view.since))
        if view.people:
            said = markup("{said} Also paged: {who}.", said=said, who=join(", ", view.people))
        text = markup("Page {what} {said}", what=what, said=said)
    blocks.append(Section(said))
    buttons: list[Button | LinkButton] = []
    if view.state == "triggered":
        spoken = f"Acknowledge incident {view.number}, {view.system}"
        value = f"inc:{view.number}:v{view.version}"
        buttons.append(Button("Acknowledge", "acknowledge", value, Style.PRIMARY, spoken=spoken))
    if view.thread is not None:
        buttons.append(LinkButton("Open thread", view.thread))
    if buttons:
        blocks.append(Actions(buttons))
    return Message(text, blocks, COLOUR[view.state])
