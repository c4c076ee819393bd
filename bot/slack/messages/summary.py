"""The resolved incident in a few figures, in its thread; the whole channel sees it where it saw an escalation."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from bot.slack.blocks import (
    Actions,
    Block,
    Button,
    Fields,
    Header,
    Message,
    Mrkdwn,
    Plain,
    Section,
    clip,
    date,
    join,
    markup,
)
from bot.slack.messages.incident_root import CallsImpact, happened
from bot.slack.messages.words import COLOUR, Deed, Flapping, count, span


@dataclass(frozen=True, slots=True)
class SummaryView:
    number: int
    version: int
    system: str
    title: str
    opened_at: datetime
    opened_by: str
    resolved: Deed
    acknowledged: Deed | None = None
    steps: Sequence[str] = ()
    """What was done, one line a step that did something."""
    left: Sequence[str] = ()
    """What is still changed and can be undone in the thread."""
    resolution: str = ""
    """What it was and what ended it, as a person said."""
    flapped: Flapping | None = None
    sources: Sequence[str] = ()
    """From where it was known."""
    impact: CallsImpact | None = None
    """What happened to the system's calls in its last hour."""


def render(view: SummaryView) -> Message:
    length = span(view.resolved.at - view.opened_at)
    blocks: list[Block] = [
        Header(f"✔ Resolved · {view.system}: {view.title}"),
        Fields(
            (
                ("Duration", markup("{length}, from {at}", length=length, at=date(view.opened_at))),
                ("Resolved", view.resolved.shown()),
                ("Noticed by", _noticed(view)),
                ("Acknowledged", _acknowledged(view)),
                *_flapped(view),
            )
        ),
    ]
    if view.impact is not None:
        blocks.append(Section(happened(view.impact, ended=True)))
    if view.resolution:
        blocks += [Section(Mrkdwn("*What it was*")), Section(Plain(view.resolution))]
    if view.steps:
        blocks += [Section(Mrkdwn("*What was done*")), Section(Plain("\n".join(f"• {line}" for line in view.steps)))]
    if view.left:
        changed = "\n".join(f"• {line}" for line in view.left)
        blocks += [Section(Mrkdwn("*Still changed; undo it in this thread*")), Section(Plain(changed))]
    blocks.append(Actions((_postmortem(view),)))
    parts = [
        markup(
            "Resolved: {system}: {title}. It lasted {length}.",
            system=view.system,
            title=clip(view.title, 300),
            length=length,
        )
    ]
    if view.flapped is not None:
        parts.append(markup("It flapped {how}.", how=_often(view.flapped)))
    if view.resolution:
        parts.append(markup("{what}", what=clip(view.resolution, 600)))
    if view.left:
        parts.append(markup("Still changed: {left}.", left=clip("; ".join(view.left), 600)))
    return Message(join(" ", parts), blocks, COLOUR["resolved"])


def _flapped(view: SummaryView) -> list[tuple[LiteralString, str | Mrkdwn]]:
    return [("Flapped", _often(view.flapped))] if view.flapped is not None else []


def _often(seen: Flapping) -> Mrkdwn:
    times = count(seen.times, "time")
    if seen.until is None:
        return markup("{times} since {since}", times=times, since=date(seen.since))
    return markup("{times} from {since} to {until}", times=times, since=date(seen.since), until=date(seen.until))


def _noticed(view: SummaryView) -> str:
    return (
        f"{view.opened_by}, by {', '.join(clip(one, 120) for one in view.sources)}" if view.sources else view.opened_by
    )


def _postmortem(view: SummaryView) -> Button:
    spoken = f"Write the postmortem of incident {view.number}"
    return Button("Write postmortem", "write_postmortem", f"inc:{view.number}:v{view.version}", spoken=spoken)


def _acknowledged(view: SummaryView) -> Mrkdwn:
    if view.acknowledged is None:
        return Mrkdwn("not acknowledged")
    return markup("after {after} by {by}", after=span(view.acknowledged.at - view.opened_at), by=view.acknowledged.by)
