"""Whose turn it is in a run: which pending steps can be decided now, and which steps begin by themselves. Pure.

    a pending step             | is decided as soon as every step that it speaks of has settled
    a step with `run: auto`    | begins as soon as it is offered and every earlier action has ended
    an action that failed      | has settled; it has ended only if its `on_fail` is `continue`: else people are asked

Notes hold nothing up: nobody can know when a person has read one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.runbooks.facts import ENDED, SETTLED
from bot.runbooks.life import State


@dataclass(frozen=True, slots=True)
class Standing:
    """How a step of the run stands. `waits_for` are the ids of the steps that its condition and texts speak of."""

    id: str
    state: State
    route: str | None = None
    acts: bool = True
    """Whether it has an action; else it is a note."""
    auto: bool = False
    goes_on: bool = False
    """Whether the run goes on by itself when it fails (`on_fail: continue`)."""
    waits_for: frozenset[str] = frozenset()


def decidable(steps: Sequence[Standing]) -> list[int]:
    """The places of the pending steps of which it can be said now whether they are needed."""
    return [
        place
        for place, step in enumerate(steps)
        if step.state is State.PENDING and all(_settled(steps, each, step.route) for each in step.waits_for)
    ]


def beginning(steps: Sequence[Standing]) -> list[int]:
    """The places of the steps that begin by themselves now, in order; at most the first one of a run of autos."""
    for place, step in enumerate(steps):
        if not step.acts:
            continue
        if step.state is State.OFFERED and step.auto:
            return [place]
        if not _ended(step):
            return []
    return []


def _settled(steps: Sequence[Standing], wanted: str, route: str | None) -> bool:
    rows = [each for each in steps if each.id == wanted]
    own = [each for each in rows if route is not None and each.route == route] or rows
    return all(each.state in SETTLED for each in own)


def _ended(step: Standing) -> bool:
    return step.state in ENDED or (step.state is State.FAILED and step.goes_on)
