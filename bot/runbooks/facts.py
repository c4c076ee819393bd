"""What a runbook may know when its texts are filled in and its conditions are decided. Pure: data in, data out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.runbooks.life import State
from bot.runbooks.templates import Plain

ENDED = frozenset({State.DONE, State.SKIPPED, State.DRY_RUN, State.UNDONE})
SETTLED = ENDED | {State.FAILED}
"""States in which conditions of later steps can be decided. A failed step may still be tried again; what its failure
led to stays offered then."""


@dataclass(frozen=True, slots=True)
class IncidentFacts:
    """What texts may say about the incident. `kind`, `subject` and `value` are those of its first finding."""

    id: int
    system: str
    title: str
    severity: str
    provider: str | None
    kind: str | None = None
    subject: str | None = None
    value: Plain = None
    route: str | None = None
    feature: str | None = None

    def plain(self) -> dict[str, Plain]:
        return {
            "id": self.id,
            "system": self.system,
            "title": self.title,
            "severity": self.severity,
            "provider": self.provider or "",
            "kind": self.kind or "",
            "subject": self.subject or "",
            "value": self.value if self.value is not None else "",
            "route": self.route or "",
            "feature": self.feature or "",
        }


@dataclass(frozen=True, slots=True)
class RouteFacts:
    """A route that the incident is about; `standby` is where it would be switched to, None where there is no such."""

    name: str
    value: str
    primary: str
    standbys: tuple[str, ...]
    standby: str | None

    def plain(self) -> dict[str, Plain]:
        known: dict[str, Plain] = {
            "name": self.name,
            "value": self.value,
            "primary": self.primary,
            "standbys": list(self.standbys),
        }
        return known | ({"standby": self.standby} if self.standby is not None else {})


@dataclass(frozen=True, slots=True)
class StepFacts:
    """How a step stands: offered for `route` where there is one of it for each route."""

    id: str
    state: State
    route: str | None = None
    reading: Mapping[str, Any] = field(default_factory=dict)
    """What its action read last."""


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known at one moment."""

    incident: IncidentFacts
    routes: Sequence[RouteFacts] = ()
    inputs: Mapping[str, Plain] = field(default_factory=dict)
    steps: Sequence[StepFacts] = ()

    def plain(self, route: RouteFacts | None = None) -> dict[str, Plain]:
        """As texts and conditions see it; for one route where the step is offered once for each."""
        known: dict[str, Plain] = {"incident": self.incident.plain(), "inputs": dict(self.inputs)}
        if route is not None:
            known["route"] = route.plain()
        name = None if route is None else route.name
        known["steps"] = {each.id: _outcome(self.of(each.id, name)) for each in self.steps}
        return known

    def of(self, step: str, route: str | None) -> list[StepFacts]:
        """The rows of a step that count for the route: its own, else all of them."""
        rows = [each for each in self.steps if each.id == step]
        own = [each for each in rows if route is not None and each.route == route]
        return own or rows

    def settled(self, steps: Iterable[str], route: str | None) -> bool:
        """Whether every one of the steps has got so far that conditions about it can be decided."""
        return all(
            rows and all(each.state in SETTLED for each in rows) for rows in (self.of(step, route) for step in steps)
        )


def _outcome(rows: Sequence[StepFacts]) -> dict[str, Plain]:
    """Several rows of one step: it succeeded where all did, it failed where one did."""
    states = [each.state for each in rows]
    reading: dict[str, Plain] = {}
    for each in rows:
        reading |= each.reading
    return {
        "state": states[-1].value,
        # What was only shown counts as done: a dry run goes the way that the real one would.
        "succeeded": all(state in (State.DONE, State.DRY_RUN) for state in states),
        "failed": any(state is State.FAILED for state in states),
        "skipped": all(state is State.SKIPPED for state in states),
        "dry_run": any(state is State.DRY_RUN for state in states),
        "undone": all(state is State.UNDONE for state in states),
        "reading": reading,
    }
