"""What is still switched: the answer to `/badday changes`, the same in App Home, and at the end of a runbook."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.slack.blocks import (
    Actions,
    Block,
    Button,
    Confirm,
    Context,
    Header,
    Message,
    Mrkdwn,
    Section,
    Style,
    clip,
    date,
    join,
    markup,
)
from bot.slack.messages.words import Deed

SHOWN = 10


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """One change in force."""

    step: int
    version: int
    incident: int
    system: str
    what: str
    deed: Deed | None
    until: datetime | None = None
    can_undo: bool = True


@dataclass(frozen=True, slots=True)
class Frozen:
    """Who froze all changes, when and why."""

    deed: Deed
    reason: str


@dataclass(frozen=True, slots=True)
class ChangesView:
    lines: Sequence[ChangeLine]
    about: str = ""
    """A system, where only its changes are meant."""
    frozen: Frozen | None = None
    ending: str | None = None
    """The runbook whose end this is."""


def render(view: ChangesView) -> Message:
    if view.ending is not None:
        head = markup("The end of runbook {name} has come. Still changed:", name=view.ending)
    else:
        about = markup(" of {system}", system=view.about) if view.about else Mrkdwn("")
        nothing = markup("✔ Nothing{about} is switched.", about=about)
        head = markup("What{about} is still switched:", about=about) if view.lines else nothing
    blocks: list[Block] = [Section(head), *blocks_of(view.lines)]
    if view.frozen is not None:
        blocks.insert(0, Section(frozen_line(view.frozen)))
    texts = [markup("{what} ({system})", what=clip(one.what, 200), system=one.system) for one in view.lines[:SHOWN]]
    return Message(join(" ", [head, join("; ", texts)]), blocks)


def home_blocks(lines: Sequence[ChangeLine], frozen: Frozen | None) -> list[Block]:
    """Nothing where nothing is switched and nothing frozen."""
    if not lines and frozen is None:
        return []
    stopped: list[Block] = [Section(frozen_line(frozen))] if frozen is not None else []
    return [Header("Still switched"), *stopped, *blocks_of(lines)]


def frozen_line(frozen: Frozen) -> Mrkdwn:
    why = markup(": {reason}", reason=frozen.reason) if frozen.reason else Mrkdwn("")
    return markup("❄ *All changes are frozen* {deed}{why}. `/badday freeze off`", deed=frozen.deed.shown(), why=why)


def blocks_of(lines: Sequence[ChangeLine]) -> list[Block]:
    """A line and its button each; the rest is counted."""
    blocks: list[Block] = []
    for one in lines[:SHOWN]:
        blocks.append(Section(_line(one)))
        if one.can_undo:
            blocks.append(Actions((_undo(one),)))
    if len(lines) > SHOWN:
        blocks.append(Context((markup("and {count} more", count=len(lines) - SHOWN),)))
    return blocks


def _line(one: ChangeLine) -> Mrkdwn:
    parts = [markup("{system}, incident {number}", system=one.system, number=one.incident)]
    if one.deed is not None:
        parts.append(one.deed.shown())
    parts.append(markup("until {at}", at=date(one.until)) if one.until is not None else Mrkdwn("until it is undone"))
    return markup("*{what}*\n{more}", what=clip(one.what, 300), more=join(" · ", parts))


def _undo(one: ChangeLine) -> Button:
    what = clip(one.what, 180)
    confirm = Confirm("Undo this change?", f"{what} ({one.system}): what was there before is set again, now.", "Undo")
    value = f"step:{one.step}:v{one.version}"
    return Button("Undo", "undo_step", value, Style.DANGER, confirm, f"Undo: {clip(one.what, 60)}")
