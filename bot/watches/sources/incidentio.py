"""incident.io status pages: the Statuspage dialect at /api/v2, and the native /api/v1/summary and /proxy/<host>.

Empty collections are left out, ids are ULIDs, and the native shapes have no word for the whole page.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from bot.watches import dialect
from bot.watches.dialect import COMPONENT_WORDS, NO_WORD, status_of
from bot.watches.fields import inside, items, text, time
from bot.watches.snapshot import Component, Maintenance, Snapshot, Status, StatusIncident
from bot.watches.source import Source


class IncidentIo(Source, engine="incidentio"):
    path = "api/v2/summary.json"
    shapes = frozenset({"incidentio", "statuspage"})

    def read(self, content: Any) -> Snapshot:
        summary = inside(content, "summary")
        if isinstance(summary, dict) and "ongoing_incidents" in summary:
            return _native(summary, _proxy_components(summary))
        if "ongoing_incidents" in content:
            return _native(content, _affected_components(content))
        return dialect.read(self.engine, content)


def _native(summary: dict[str, Any], components: Iterator[Component]) -> Snapshot:
    return Snapshot.of(IncidentIo.engine, None, components, _incidents(summary), _maintenances(summary))


def _affected_components(summary: dict[str, Any]) -> Iterator[Component]:
    """The widget lists only what an ongoing incident affects."""
    for incident in items(summary, "ongoing_incidents"):
        for row in items(incident, "affected_components"):
            word = row.get("current_status") or incident.get("current_worst_impact")
            yield Component(
                id=text(row.get("id")),
                name=text(row.get("name")),
                status=status_of(COMPONENT_WORDS, word),
                group=text(row.get("group_name")) or None,
                only_if_degraded=True,
            )


def _proxy_components(summary: dict[str, Any]) -> Iterator[Component]:
    """All components, healthy unless the overlay says otherwise."""
    overlay = {
        text(row.get("component_id")): status_of(COMPONENT_WORDS, row.get("status"))
        for row in items(summary, "affected_components")
    }
    groups = _groups(summary)
    for row in items(summary, "components"):
        key = text(row.get("id"))
        yield Component(key, text(row.get("name")), overlay.get(key, Status.OPERATIONAL), groups.get(key))


def _groups(summary: dict[str, Any]) -> Mapping[str, str]:
    return {
        text(member.get("component_id")): text(inside(item, "group", "name"))
        for item in items(summary, "structure", "items")
        for member in items(item, "group", "components")
    }


def _incidents(summary: dict[str, Any]) -> Iterator[StatusIncident]:
    for row in items(summary, "ongoing_incidents"):
        yield StatusIncident(
            id=text(row.get("id")),
            name=text(row.get("name")),
            impact=status_of(COMPONENT_WORDS, row.get("current_worst_impact")),
            status=text(row.get("status")) or NO_WORD,
            started_at=time(row.get("started_at")) or time(row.get("created_at")),
            updated_at=time(row.get("last_update_at")),
            components=tuple(text(component.get("name")) for component in items(row, "affected_components")),
        )


def _maintenances(summary: dict[str, Any]) -> Iterator[Maintenance]:
    for collection, in_progress in (("in_progress_maintenances", True), ("scheduled_maintenances", False)):
        for row in items(summary, collection):
            yield Maintenance(
                id=text(row.get("id")),
                name=text(row.get("name")),
                status=text(row.get("status")),
                starts_at=time(row.get("starts_at")),
                ends_at=time(row.get("ends_at")),
                in_progress=in_progress,
            )
