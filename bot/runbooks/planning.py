"""A runbook and what is known -> the steps, with every text filled in that can be. Pure: data in, data out.

A step that speaks of an earlier one (`steps.switch.failed`) is not decided before that one has settled: until then it
is planned as `pending`, and `planned_again` decides it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from bot.actions.contract import ActionError
from bot.actions.registry import Registry
from bot.catalog import Catalog, System
from bot.runbooks import expressions, templates
from bot.runbooks.expressions import ExpressionError
from bot.runbooks.facts import Facts, IncidentFacts, RouteFacts
from bot.runbooks.names import INPUTS, Path, steps_named
from bot.runbooks.schema import Runbook, Step
from bot.runbooks.templates import Plain, TemplateProblemError

__all__ = ["Facts", "IncidentFacts", "PlannedStep", "RouteFacts", "filled", "plan", "planned_again", "standby"]


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step as it is offered. Without an action it is a note; `moot` when there is nothing to do, which the note
    says; `waits_for` names the steps without whose outcome it cannot be decided."""

    name: str
    title: str
    note: str | None = None
    action: str | None = None
    arguments: dict[str, Any] | None = field(default=None)
    moot: bool = False
    route: str | None = None
    """The route that it was planned for, where there is one of it for each route."""
    waits_for: frozenset[str] = frozenset()
    check_arguments: dict[str, Any] | None = field(default=None)
    """What the action of its check needs."""

    @property
    def pending(self) -> bool:
        return bool(self.waits_for)


def standby(providers: Sequence[str], value: str, troubled: frozenset[str]) -> str | None:
    """Where to switch to: the first other provider of the route that has no incident, else the first other one."""
    others = [provider for provider in providers if provider != value]
    sound = [provider for provider in others if provider not in troubled]
    return next(iter(sound or others), None)


def plan(runbook: Runbook, *, catalog: Catalog, system: System, facts: Facts, actions: Registry) -> list[PlannedStep]:
    """The steps in order; one that speaks of the route is offered once for each route that the incident is about."""
    planner = _Planner(runbook.name, catalog, system, facts, actions)
    return [planned for step in runbook.steps for planned in planner.planned(step)]


def planned_again(
    runbook: Runbook, name: str, route: str | None, *, catalog: Catalog, system: System, facts: Facts, actions: Registry
) -> PlannedStep:
    """A pending step, now that what it waited for has settled; `route` is the one that it was planned for."""
    planner = _Planner(runbook.name, catalog, system, facts, actions)
    step = next(each for each in runbook.steps if each.id == name)
    of = next((each for each in facts.routes if each.name == route), None)
    if route is not None and of is None:
        return replace(_moot(step, f"{system.name} has no route {route} any more."), route=route)
    return planner.one(step, of)


@dataclass(frozen=True)
class _Planner:
    runbook: str
    catalog: Catalog
    system: System
    facts: Facts
    actions: Registry

    def planned(self, step: Step) -> Iterator[PlannedStep]:
        names = frozenset[str]().union(*(templates.check(text) for _, text in step.texts()))
        if step.condition is not None:
            names |= {path[0] for path in expressions.parse(step.condition).paths}
        if "route" not in names:
            yield self.one(step, None)
            return
        if not self.facts.routes:
            provider = self.facts.incident.provider
            about = f"uses {provider} now" if provider else "is what this incident is about"
            yield _moot(step, f"No route of {self.system.name} {about}: there is nothing to switch.")
        for route in self.facts.routes:
            yield self.one(step, route)

    def one(self, step: Step, route: RouteFacts | None) -> PlannedStep:
        """The step for one route, or for none in particular."""
        name = None if route is None else route.name
        waits_for = frozenset(each for each in dependencies(step) if not self.facts.settled([each], name))
        if waits_for:
            return PlannedStep(step.id, self._title(step, route), _text_of(step.note), route=name, waits_for=waits_for)
        return replace(self._decided(step, route), route=name)

    def _decided(self, step: Step, route: RouteFacts | None) -> PlannedStep:
        known = self.facts.plain(route)
        if step.condition is not None:
            try:
                wanted = expressions.parse(step.condition).holds(known)
            except ExpressionError as error:
                return _moot(step, f"Whether this step is needed cannot be decided: {error.message}.")
            if not wanted:
                return replace(
                    _moot(step, f"Not needed: {step.condition} does not hold."), title=self._title(step, route)
                )
        missing = sorted(_inputs(step) - self.facts.inputs.keys())
        if missing:
            chosen = " ".join(f"{name}=…" for name in missing)
            return _moot(step, f"Nobody chose {', '.join(missing)} yet. Type here: /badday run {self.runbook} {chosen}")
        if route is not None and route.standby is None and any("route.standby" in text for _, text in step.texts()):
            why = f"Route {route.name} has no other provider to switch to. Add `standbys` to it in badday.yaml."
            return _moot(step, why)
        return self._filled(step, known)

    def _filled(self, step: Step, known: Mapping[str, Plain]) -> PlannedStep:
        """The step with its texts filled in; one that is impossible here becomes a note that says why."""
        try:
            title = templates.render(step.title, known)
            note = templates.render(step.note, known) if step.note is not None else None
            if step.do is None:
                return PlannedStep(step.id, title, note)
            arguments = filled(step.arguments or {}, known)
            action = self.actions[step.do]
            action.check(self.catalog, self.system, action.With.model_validate(arguments))
            check = filled(step.check.arguments or {}, known) if step.check is not None and step.check.do else None
        except (TemplateProblemError, ActionError) as error:
            return _moot(step, f"This step is not possible here: {error}")
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            field_ = ".".join(str(part) for part in first["loc"])
            return _moot(step, f"This step is not possible here: with.{field_}: {first['msg'].lower()}")
        return PlannedStep(step.id, title, note, step.do, arguments, check_arguments=check)

    def _title(self, step: Step, route: RouteFacts | None) -> str:
        """The title as far as it can be told now."""
        try:
            return templates.render(step.title, self.facts.plain(route))
        except TemplateProblemError:
            return step.id


def dependencies(step: Step) -> frozenset[str]:
    """The earlier steps that a step's condition and texts speak of."""
    return steps_named(_paths(step))


def _paths(step: Step) -> frozenset[Path]:
    """Every name that a step's texts and condition use."""
    found = frozenset[Path]().union(*(templates.paths(text) for _, text in step.texts()))
    return found if step.condition is None else found | expressions.parse(step.condition).paths


def _inputs(step: Step) -> frozenset[str]:
    return frozenset(path[1] for path in _paths(step) if path[0] == INPUTS and len(path) > 1)


def filled(value: Any, known: Mapping[str, Plain]) -> Any:
    """Arguments with every text in them filled in. Raises TemplateProblemError."""
    if isinstance(value, str):
        return templates.render(value, known)
    if isinstance(value, dict):
        return {key: filled(each, known) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [filled(each, known) for each in value]
    return value


def _moot(step: Step, why: str) -> PlannedStep:
    title = step.id if templates.is_template(step.title) else step.title
    return PlannedStep(step.id, title, why, moot=True)


def _text_of(note: str | None) -> str | None:
    """A note that may be shown before it can be filled in."""
    return None if note is None or templates.is_template(note) else note
