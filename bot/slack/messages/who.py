"""The answer to `/badday who`: who is on call for each system now and next; of one system also how a page climbs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.slack.blocks import Block, Context, Divider, Header, Message, Mrkdwn, Section, date, join, markup
from bot.slack.messages.words import count, span

SHOWN = 20


@dataclass(frozen=True, slots=True)
class ShiftLine:
    name: str
    why: str
    starts: datetime | None = None
    ends: datetime | None = None
    """None: nobody else is to be seen."""


@dataclass(frozen=True, slots=True)
class StepLine:
    """One step of the policy as it would be taken if a page began now."""

    after: timedelta | None
    """After how long; None: it is passed over now."""
    people: Sequence[tuple[str, str]]
    """Name and why."""
    channels: Sequence[str] = ()
    missed: Sequence[tuple[str, str]] = ()
    """Targets behind which there is nobody, and the reason."""
    condition: str = ""
    """When it counts, where that is not always."""


@dataclass(frozen=True, slots=True)
class ClimbLines:
    policy: str
    steps: Sequence[StepLine]
    repeat: int
    acknowledgements: int = 1
    unacknowledge: timedelta | None = None


@dataclass(frozen=True, slots=True)
class SystemCover:
    system: str
    now: ShiftLine
    next: ShiftLine | None
    owner: str
    deputies: Sequence[str] = ()
    climb: ClimbLines | None = None


@dataclass(frozen=True, slots=True)
class WhoView:
    systems: Sequence[SystemCover]


def render(view: WhoView) -> Message:
    if not view.systems:
        nothing = Mrkdwn("The catalog has no such system any more.")
        return Message(nothing, [Section(nothing)])
    blocks: list[Block] = [Header("Who is on call")]
    for one in view.systems[:SHOWN]:
        blocks.append(Section(_system(one)))
        if one.climb is not None:
            blocks += _climb(one.climb)
    if len(view.systems) > SHOWN:
        more = len(view.systems) - SHOWN
        blocks.append(Context((markup("{more} more: `/badday who SYSTEM`", more=more),)))
    if view.systems[0].climb is None:
        blocks.append(Context((Mrkdwn("`/badday who SYSTEM` shows how a page climbs."),)))
    said = [markup("{system}: {name}", system=one.system, name=one.now.name) for one in view.systems[:SHOWN]]
    return Message(markup("On call now: {who}.", who=join(", ", said)), blocks)


def _system(one: SystemCover) -> Mrkdwn:
    now = markup("*{system}*: *{name}* ({why})", system=one.system, name=one.now.name, why=one.now.why)
    if one.now.ends is not None:
        now = markup("{now} until {ends}", now=now, ends=date(one.now.ends))
    lines = [now]
    if one.next is not None:
        lines.append(_next(one.next))
    backing = markup("Owner {owner}", owner=one.owner)
    if one.deputies:
        names = ", ".join(one.deputies)
        backing = markup("{owner} · deputies {names}", owner=backing, names=names)
    else:
        backing = markup("{owner} · no deputies", owner=backing)
    return join("\n", [*lines, backing])


def _next(shift: ShiftLine) -> Mrkdwn:
    said = markup("Next: {name} ({why})", name=shift.name, why=shift.why)
    return markup("{said} from {starts}", said=said, starts=date(shift.starts)) if shift.starts is not None else said


def _climb(climb: ClimbLines) -> list[Block]:
    named = "the default policy" if climb.policy == "default" else f"policy {climb.policy}"
    lines = [markup("*How a page climbs* ({named})", named=named)]
    lines += [_step(number, step) for number, step in enumerate(climb.steps, 1)]
    notes = []
    if climb.repeat:
        notes.append(markup("then anew, {times}", times=count(climb.repeat, "time")))
    if climb.acknowledgements > 1:
        notes.append(markup("{people} must acknowledge", people=count(climb.acknowledgements, "person", "people")))
    if climb.unacknowledge is not None:
        notes.append(markup("pages again after {length} of silence", length=span(climb.unacknowledge)))
    blocks: list[Block] = [Divider(), Section(join("\n", lines))]
    return [*blocks, Context((join(" · ", notes),))] if notes else blocks


def _step(number: int, step: StepLine) -> Mrkdwn:
    who = [markup("{name} ({why})", name=name, why=why) for name, why in step.people]
    who += [markup("#{name}", name=name) for name in step.channels]
    who += [markup("✖ nobody for {target}: {why}", target=target, why=why) for target, why in step.missed]
    if step.after is None:
        when = "passed over now"
    else:
        when = f"after {span(step.after)}" if step.after else "at once"
    line = markup("{number}. {when}: {who}", number=number, when=when, who=join(", ", who))
    return markup("{line} · _{condition}_", line=line, condition=step.condition) if step.condition else line
