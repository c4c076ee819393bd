"""Plays the paths through a runbook without any system: each step succeeds, fails or is skipped, and what follows from
that must be possible to decide, to fill in and to end.

Steps of which nothing later speaks cannot change what follows, so they share one outcome a path; a condition on what
is only known on the day (a reading, the incident, an input) is played both ways.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice, product
from typing import Any

from pydantic import ValidationError

from bot.actions.registry import Registry
from bot.runbooks import conducting, expressions, planning, templates
from bot.runbooks.conducting import Standing
from bot.runbooks.expressions import ExpressionError
from bot.runbooks.facts import Facts, IncidentFacts, RouteFacts, StepFacts
from bot.runbooks.life import State
from bot.runbooks.names import READING, STEPS, Path
from bot.runbooks.schema import Input, InputType, OnFail, Runbook, Step
from bot.runbooks.templates import Plain, TemplateProblemError

MOST_PATHS = 2_000
"""Paths that are played; `Rehearsal.left_out` tells how many more there are."""
OUTCOMES = (State.DONE, State.FAILED, State.SKIPPED)
_OTHERS = "others"
_INCIDENT = IncidentFacts(
    id=1,
    system="support-bot",
    title="northwind is down",
    severity="sev1",
    provider="northwind",
    kind="provider_status",
    subject="northwind",
    value=3,
    route="chat",
    feature="autoreply",
)
_ROUTE = RouteFacts("chat", "northwind", "northwind", ("cirrus",), "cirrus")
_SAMPLES: dict[InputType, Plain] = {
    InputType.TEXT: "cirrus",
    InputType.NUMBER: 1,
    InputType.MONEY: Decimal("100.00"),
    InputType.SPAN: "30m",
    InputType.YES_NO: True,
}


@dataclass(frozen=True, slots=True)
class Played:
    """One path: the outcome of each step that was run in it, and what was wrong with it."""

    path: str
    steps: Sequence[tuple[str, State]]
    problems: Sequence[str] = ()

    @property
    def ok(self) -> bool:
        return not self.problems


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """All paths that were played, and how many were not for their number."""

    played: Sequence[Played]
    left_out: int = 0


def rehearse(runbook: Runbook, actions: Registry, *, all_paths: bool) -> Rehearsal:
    """Play the runbook: every path, or only the one where all goes well and the one where everything fails."""
    choices = _choices(runbook)
    stage = _Stage(runbook, actions)
    if not all_paths:
        kept = [
            {name: outcomes[min(place, len(outcomes) - 1)] for name, outcomes in choices.items()} for place in (0, 1)
        ]
        return Rehearsal([_Play(stage, each).play() for each in kept])
    total = 1
    for outcomes in choices.values():
        total *= len(outcomes)
    ways = (dict(zip(choices, each, strict=True)) for each in product(*choices.values()))
    played: dict[str, Played] = {}
    for way in islice(ways, MOST_PATHS):
        one = _Play(stage, way).play()
        played.setdefault(one.path, one)
    return Rehearsal(list(played.values()), max(0, total - MOST_PATHS))


def _choices(runbook: Runbook) -> dict[str, Sequence[Any]]:
    """What may turn out in which way: steps of which others speak, the others together, conditions on what is open."""
    spoken = frozenset[str]().union(*(planning.dependencies(step) for step in runbook.steps))
    undoes = {step.id for step in runbook.steps if step.on_fail is OnFail.UNDO_ALL}
    found: dict[str, Sequence[Any]] = {_OTHERS: OUTCOMES}
    found |= {step.id: OUTCOMES for step in runbook.steps if step.id in spoken | undoes}
    found |= {f"if {step.id}": (True, False) for step in runbook.steps if step.condition and _is_open(step.condition)}
    return found


def _is_open(condition: str) -> bool:
    """Whether a condition depends on anything but how earlier steps ended."""
    return any(not _is_outcome(path) for path in expressions.parse(condition).paths)


def _is_outcome(path: Path) -> bool:
    return path[0] == STEPS and READING not in path


class _Stage:
    """What all paths of a runbook have in common."""

    def __init__(self, runbook: Runbook, actions: Registry) -> None:
        self.runbook = runbook
        self.actions = actions
        self.waits_for = {step.id: planning.dependencies(step) for step in runbook.steps}
        self.readings = _readings(runbook)
        self.inputs = {name: _sample(one) for name, one in runbook.inputs.items()}


@dataclass
class _Play:
    stage: _Stage
    way: dict[str, Any]
    states: dict[str, State] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def play(self) -> Played:
        for step in self.stage.runbook.steps:
            self.states[step.id] = State.PENDING if self.stage.waits_for[step.id] else State.OFFERED
        while (turn := self._next()) is not None:
            self._run(turn)
            if self.states[turn.id] is State.FAILED and turn.on_fail is OnFail.UNDO_ALL:
                self._undo_all()
                break
        left = [name for name, state in self.states.items() if state in (State.PENDING, State.OFFERED)]
        undone = State.UNDONE in self.states.values()
        if left and not undone:
            self.problems.append(f"the path does not end: {', '.join(left)} waits for ever")
        path = " ".join(f"{name}={state.value}" for name, state in self.states.items())
        return Played(path, list(self.states.items()), self.problems)

    def _next(self) -> Step | None:
        standings = [self._standing(step) for step in self.stage.runbook.steps]
        for place in conducting.decidable(standings):
            return self.stage.runbook.steps[place]
        return next((step for step in self.stage.runbook.steps if self.states[step.id] is State.OFFERED), None)

    def _standing(self, step: Step) -> Standing:
        return Standing(step.id, self.states[step.id], waits_for=self.stage.waits_for[step.id])

    def _run(self, step: Step) -> None:
        known = self._known()
        if step.condition is not None and not self._is_needed(step, known):
            self.states[step.id] = State.SKIPPED
            return
        self._fill(step, known)
        outcome: State = self.way.get(step.id, self.way[_OTHERS])
        if step.do is None and outcome is State.FAILED:
            outcome = State.DONE  # a note cannot fail
        self.states[step.id] = outcome

    def _is_needed(self, step: Step, known: dict[str, Plain]) -> bool:
        assert step.condition is not None
        if f"if {step.id}" in self.way:
            return bool(self.way[f"if {step.id}"])
        try:
            return expressions.parse(step.condition).holds(known)
        except ExpressionError as error:
            self.problems.append(f"{step.id}: if: {error}")
            return False

    def _fill(self, step: Step, known: dict[str, Plain]) -> None:
        try:
            templates.render(step.title, known)
            if step.note is not None:
                templates.render(step.note, known)
            if step.do is not None:
                self.stage.actions[step.do].With.model_validate(planning.filled(step.arguments or {}, known))
            if step.check is not None and step.check.do is not None:
                self.stage.actions[step.check.do].With.model_validate(
                    planning.filled(step.check.arguments or {}, known)
                )
        except TemplateProblemError as error:
            self.problems.append(f"{step.id}: {error}")
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            self.problems.append(f"{step.id}: with.{where}: {first['msg'].lower()}")

    def _undo_all(self) -> None:
        for step in reversed(self.stage.runbook.steps):
            if step.do is not None and step.undo != "none" and self.states[step.id] is State.DONE:
                self.states[step.id] = State.UNDONE

    def _known(self) -> dict[str, Plain]:
        read = self.stage.readings
        steps = [StepFacts(name, state, reading=read.get(name, {})) for name, state in self.states.items()]
        return Facts(_INCIDENT, (_ROUTE,), self.stage.inputs, steps).plain(_ROUTE)


def _sample(one: Input) -> Plain:
    if one.choices:
        return one.choices[0]
    if isinstance(one.default, str | int | float | bool) and not templates.is_template(one.default):
        return Decimal(str(one.default)) if one.type is InputType.MONEY else one.default
    return _SAMPLES[one.type]


def _readings(runbook: Runbook) -> dict[str, dict[str, Plain]]:
    """A value for everything that texts take from what a step read."""
    found: dict[str, dict[str, Plain]] = {}
    for path in _read_paths(runbook):
        at: Any = found.setdefault(path[1], {})
        for name in path[3:-1]:
            at = at.setdefault(name, {})
        at.setdefault(path[-1], "1")
    return found


def _read_paths(runbook: Runbook) -> Iterator[Path]:
    for step in runbook.steps:
        for _, text in step.texts():
            yield from (path for path in templates.paths(text) if path[0] == STEPS and len(path) > 3)
