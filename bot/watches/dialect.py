"""The Statuspage v2 dialect (`/api/v2/*`), which Atlassian writes and incident.io answers as well.

The endpoints are no hierarchy: a page may say `none` with an open incident beside it, and one fact may carry three
severities (page `minor`, component `degraded_performance`, incident `major`). Each is kept as it is said.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from bot.watches.fields import inside, items, text, time
from bot.watches.snapshot import Component, Maintenance, Snapshot, Status, StatusIncident

IMPACTS: Mapping[str, Status] = {
    "none": Status.OPERATIONAL,
    "minor": Status.DEGRADED,
    "major": Status.PARTIAL_OUTAGE,
    "critical": Status.MAJOR_OUTAGE,
    "maintenance": Status.MAINTENANCE,
}
"""The words of the page's indicator and of an incident's impact."""

COMPONENT_WORDS: Mapping[str, Status] = {
    "operational": Status.OPERATIONAL,
    "degraded_performance": Status.DEGRADED,
    "partial_outage": Status.PARTIAL_OUTAGE,
    "major_outage": Status.MAJOR_OUTAGE,
    "full_outage": Status.MAJOR_OUTAGE,
    "under_maintenance": Status.MAINTENANCE,
}

CLOSED = frozenset({"resolved", "postmortem", "completed"})
MAINTENANCE_IN_PROGRESS = frozenset({"in_progress", "verifying"})
MAINTENANCE_COUNTED = MAINTENANCE_IN_PROGRESS | {"scheduled"}
NO_WORD = "open"
"""The status of an incident that carries none."""


def read(engine: str, content: dict[str, Any]) -> Snapshot:
    """Any of summary, status, components, incidents and scheduled-maintenances.json; a missing part is empty."""
    return Snapshot.of(engine, _page_word(content), _components(content), _incidents(content), _maintenances(content))


def status_of(words: Mapping[str, Status], word: Any) -> Status:
    """The status that a page's word means; a word that we do not know is unknown, and the rest of the page is kept."""
    return words.get(word, Status.UNKNOWN) if isinstance(word, str) else Status.UNKNOWN


def _page_word(content: dict[str, Any]) -> Status | None:
    word = inside(content, "status", "indicator")
    return None if word is None else status_of(IMPACTS, word)


def _components(content: dict[str, Any]) -> Iterator[Component]:
    groups = {text(row.get("id")): text(row.get("name")) for row in items(content, "components") if _is_group(row)}
    for row in items(content, "components"):
        if _is_group(row):  # it repeats its worst child
            continue
        yield Component(
            id=text(row.get("id")),
            name=text(row.get("name")),
            status=status_of(COMPONENT_WORDS, row.get("status")),
            group=groups.get(text(row.get("group_id"))),
            only_if_degraded=row.get("only_show_if_degraded") is True,
        )


def _is_group(row: dict[str, Any]) -> bool:
    return row.get("group") is True


def _incidents(content: dict[str, Any]) -> Iterator[StatusIncident]:
    for row in items(content, "incidents"):
        status = text(row.get("status")) or NO_WORD
        if status in CLOSED:
            continue
        yield StatusIncident(
            id=text(row.get("id")),
            name=text(row.get("name")),
            impact=status_of(IMPACTS, row.get("impact")),
            status=status,
            started_at=time(row.get("started_at")) or time(row.get("created_at")),
            updated_at=time(row.get("updated_at")),
            components=tuple(text(component.get("name")) for component in items(row, "components")),
        )


def _maintenances(content: dict[str, Any]) -> Iterator[Maintenance]:
    for row in items(content, "scheduled_maintenances"):
        status = text(row.get("status"))
        if status not in MAINTENANCE_COUNTED:
            continue
        yield Maintenance(
            id=text(row.get("id")),
            name=text(row.get("name")),
            status=status,
            starts_at=time(row.get("scheduled_for")),
            ends_at=time(row.get("scheduled_until")),
            in_progress=status in MAINTENANCE_IN_PROGRESS,
        )
