"""Whom a step of a policy may name, as text: `owner`, `rotation:support/primary`, `group:leads`, `channel`."""

import re
from dataclasses import dataclass

from bot.catalog.values import nearest, shown, wrong

ALONE = ("owner", "deputies", "rotation", "channel")
NAMED = ("rotation", "channel", "person", "group")
_LISTED = "owner, deputies, rotation, rotation:NAME, rotation:NAME/LAYER, group:NAME, person:KEY, channel, channel:NAME"
_TARGET = re.compile(r"(?P<kind>[a-z]+)(?::(?P<name>#?[^\s/:]+)(?:/(?P<part>[^\s/:]+))?)?")


@dataclass(frozen=True, slots=True)
class Named:
    """A target taken apart; `part` is a rotation's layer."""

    kind: str
    name: str = ""
    part: str = ""


def parsed(text: str) -> Named | None:
    """The parts of a target; None for what is none."""
    found = _TARGET.fullmatch(text)
    if found is None:
        return None
    kind, name, part = found["kind"], (found["name"] or "").removeprefix("#"), found["part"] or ""
    usable = (kind in NAMED if name else kind in ALONE) and (not part or kind == "rotation")
    return Named(kind, name, part) if usable else None


def target(value: str) -> str:
    if parsed(value) is not None:
        return value.replace(":#", ":")
    kind, _, name = value.partition(":")
    if kind in NAMED and not name:
        raise wrong(f"{shown(value)} names no {kind}", f"write {kind}:NAME")
    guess = nearest(kind, [*ALONE, "person", "group"])
    meant = f"{guess}:{name}" if guess in NAMED and name else guess
    fix = f"did you mean {meant}?" if guess else f"write one of {_LISTED}"
    raise wrong(f"{shown(value)} is nobody whom a step can page", fix)
