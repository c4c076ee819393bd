"""What a status page says at one moment, in the same words for every engine."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from pydantic import TypeAdapter


class Status(StrEnum):
    """How something is. Declared in the order of `rank`: `unknown` forbids green but never hides a real outage."""

    OPERATIONAL = "operational"
    MAINTENANCE = "maintenance"
    UNKNOWN = "unknown"
    DEGRADED = "degraded"
    PARTIAL_OUTAGE = "partial_outage"
    MAJOR_OUTAGE = "major_outage"

    @property
    def rank(self) -> int:
        """0 for the best; the greatest rank is the worst."""
        return _RANKS[self]

    @property
    def words(self) -> str:
        """As a person reads it: `partial outage`."""
        return self.value.replace("_", " ")


_RANKS = {status: rank for rank, status in enumerate(Status)}


def worst(statuses: Iterable[Status]) -> Status:
    """The worst of the statuses; the worst of nothing is operational."""
    return max(statuses, key=_RANKS.__getitem__, default=Status.OPERATIONAL)


@dataclass(frozen=True, slots=True)
class Component:
    """A leaf of the page: something that can fail by itself. Names may repeat, ids do not."""

    id: str
    name: str
    status: Status
    group: str | None = None
    only_if_degraded: bool = False
    """The page lists it only while it is degraded, so its absence is good news."""


@dataclass(frozen=True, slots=True)
class StatusIncident:
    """An unresolved incident; `status` is the page's own word, `components` are the names that it lists."""

    id: str
    name: str
    impact: Status
    status: str
    started_at: datetime | None = None
    updated_at: datetime | None = None
    components: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Maintenance:
    """A planned maintenance that is not over; `status` is the page's own word."""

    id: str
    name: str
    status: str
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    in_progress: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that one answer says. `indicator` is the page's word, overruled when it says green and its parts do not."""

    engine: str
    indicator: Status
    components: tuple[Component, ...] = ()
    incidents: tuple[StatusIncident, ...] = ()
    maintenances: tuple[Maintenance, ...] = ()

    @classmethod
    def of(
        cls,
        engine: str,
        word: Status | None,
        components: Iterable[Component] = (),
        incidents: Iterable[StatusIncident] = (),
        maintenances: Iterable[Maintenance] = (),
    ) -> Self:
        """Build one by rule R6: a page that says green, or says nothing, is as bad as the worst of its parts."""
        draft = cls(engine, Status.OPERATIONAL, tuple(components), tuple(incidents), tuple(maintenances))
        if word is not None and word is not Status.OPERATIONAL:
            return replace(draft, indicator=word)
        return replace(draft, indicator=draft.worst_part)

    @property
    def worst_part(self) -> Status:
        in_progress = (Status.MAINTENANCE for maintenance in self.maintenances if maintenance.in_progress)
        return worst(
            (
                *(component.status for component in self.components),
                *(incident.impact for incident in self.incidents),
                *in_progress,
            )
        )

    def to_json(self) -> dict[str, Any]:
        """As plain JSON data; `from_json` reads it."""
        data: dict[str, Any] = _ADAPTER.dump_python(self, mode="json")
        return data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Snapshot":
        """Read what `to_json` wrote; raises ValueError for anything else."""
        return _ADAPTER.validate_python(data)


_ADAPTER = TypeAdapter(Snapshot)
