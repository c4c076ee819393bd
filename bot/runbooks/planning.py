"""A runbook and an incident -> the steps to offer, with every text filled in. Pure: data in, data out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from bot.actions.contract import ActionError
from bot.actions.registry import Registry
from bot.catalog import Catalog, System
from bot.runbooks import templates
from bot.runbooks.schema import Runbook, Step
from bot.runbooks.templates import Plain, TemplateProblemError


@dataclass(frozen=True, slots=True)
class IncidentFacts:
    """What texts may say about the incident."""

    id: int
    system: str
    title: str
    severity: str
    provider: str | None

    def plain(self) -> Plain:
        return {
            "id": self.id,
            "system": self.system,
            "title": self.title,
            "severity": self.severity,
            "provider": self.provider or "",
        }


@dataclass(frozen=True, slots=True)
class RouteFacts:
    """A route that the incident is about; `standby` is where it would be switched to, None where there is no such."""

    name: str
    value: str
    primary: str
    standbys: tuple[str, ...]
    standby: str | None

    def plain(self) -> Plain:
        known: dict[str, Plain] = {
            "name": self.name,
            "value": self.value,
            "primary": self.primary,
            "standbys": list(self.standbys),
        }
        return known | ({"standby": self.standby} if self.standby is not None else {})


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step to offer. Without an action it is a note; `moot` when there is nothing to do, which the note says."""

    name: str
    title: str
    note: str | None = None
    action: str | None = None
    arguments: dict[str, Any] | None = field(default=None)
    moot: bool = False


def standby(providers: Sequence[str], value: str, troubled: frozenset[str]) -> str | None:
    """Where to switch to: the first other provider of the route that has no incident, else the first other one."""
    others = [provider for provider in providers if provider != value]
    sound = [provider for provider in others if provider not in troubled]
    return next(iter(sound or others), None)


def plan(
    runbook: Runbook,
    *,
    catalog: Catalog,
    system: System,
    incident: IncidentFacts,
    routes: Sequence[RouteFacts],
    actions: Registry,
) -> list[PlannedStep]:
    """The steps in order; one that speaks of the route is offered once for each route that the incident is about."""
    return [
        planned
        for step in runbook.steps
        for planned in _offered(step, catalog=catalog, system=system, incident=incident, routes=routes, actions=actions)
    ]


def _offered(
    step: Step,
    *,
    catalog: Catalog,
    system: System,
    incident: IncidentFacts,
    routes: Sequence[RouteFacts],
    actions: Registry,
) -> Iterator[PlannedStep]:
    names = frozenset[str]().union(*(templates.check(text) for _, text in step.texts()))
    if "route" not in names:
        yield _filled(step, {"incident": incident.plain()}, catalog=catalog, system=system, actions=actions)
        return
    if not routes:
        about = f"uses {incident.provider} now" if incident.provider else "is what this incident is about"
        yield _moot(step, f"No route of {system.name} {about}: there is nothing to switch.")
    for route in routes:
        if route.standby is None and any("route.standby" in text for _, text in step.texts()):
            yield _moot(
                step,
                f"Route {route.name} has no other provider to switch to. Add `standbys` to it in badday.yaml.",
            )
            continue
        context = {"incident": incident.plain(), "route": route.plain()}
        yield _filled(step, context, catalog=catalog, system=system, actions=actions)


def _filled(
    step: Step, context: dict[str, Plain], *, catalog: Catalog, system: System, actions: Registry
) -> PlannedStep:
    """The step with its texts filled in; one that is impossible here becomes a note that says why."""
    try:
        title = templates.render(step.title, context)
        note = templates.render(step.note, context) if step.note is not None else None
        if step.do is None:
            return PlannedStep(step.id, title, note)
        arguments = {
            key: templates.render(value, context) if isinstance(value, str) else value
            for key, value in (step.arguments or {}).items()
        }
        action = actions[step.do]
        action.check(catalog, system, action.With.model_validate(arguments))
    except (TemplateProblemError, ActionError) as error:
        return _moot(step, f"This step is not possible here: {error}")
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field_ = ".".join(str(part) for part in first["loc"])
        return _moot(step, f"This step is not possible here: with.{field_}: {first['msg'].lower()}")
    return PlannedStep(step.id, title, note, step.do, arguments)


def _moot(step: Step, why: str) -> PlannedStep:
    title = step.id if templates.is_template(step.title) else step.title
    return PlannedStep(step.id, title, why, moot=True)
