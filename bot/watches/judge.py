"""What a snapshot means for one watch: its status, whether that is bad, and the sentence that says so. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from bot.catalog import Watch
from bot.detect.hysteresis import Verdict
from bot.watches.snapshot import Component, Snapshot, Status, StatusIncident, worst

SEVERITIES = {Status.MAJOR_OUTAGE: "sev1", Status.PARTIAL_OUTAGE: "sev2", Status.DEGRADED: "sev2"}
LISTED = 5
"""How many components or incidents a sentence names."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """`known` is a sentence for people (it quotes the page's words), `problem` why the watch cannot be trusted."""

    status: Status
    verdict: Verdict
    known: str
    problem: str | None = None
    components: tuple[Component, ...] = ()
    incidents: tuple[StatusIncident, ...] = ()
    hidden: tuple[str, ...] = ()
    """Watched components that the page lists only while they are degraded."""

    @property
    def severity(self) -> str:
        """Maintenance, where somebody counts it as bad, tells the thread and wakes nobody."""
        return SEVERITIES.get(self.status, "sev3")

    def evidence(self, url: str) -> dict[str, Any]:
        """As plain JSON data."""
        return {
            "known": self.known,
            "url": url,
            "status": self.status.value,
            "components": [{"id": one.id, "name": one.name, "status": one.status.value} for one in self.components],
            "incidents": [
                {"id": one.id, "name": one.name, "impact": one.impact.value, "status": one.status}
                for one in self.incidents
            ],
        }


def judge(snapshot: Snapshot, watch: Watch, *, hidden: Collection[str] = ()) -> Judgement:
    """Decide on the watched components alone, or on the whole page where none are named.

    The page's indicator is useless for a large provider (some have been `minor` for years), and an incident may name
    no component; so with components named, neither decides. A component that vanished is unknown, never green, unless
    it is one of `hidden`: those that the page showed only while they were degraded.
    """
    if not watch.components:
        return _verdict(watch, snapshot, snapshot.indicator, snapshot.components, None, ())
    found: list[Component] = []
    statuses: list[Status] = []
    lost: list[str] = []
    shy: list[str] = []
    for wanted in watch.components:
        matches = _matches(snapshot, wanted)
        found += matches
        statuses += [component.status for component in matches]
        if wanted in hidden or any(component.only_if_degraded for component in matches):
            shy.append(wanted)
        elif not matches:
            lost.append(wanted)
            statuses.append(Status.UNKNOWN)
    return _verdict(watch, snapshot, worst(statuses), found, _lost(lost, snapshot), tuple(shy))


def unreadable(watch: Watch, reason: str) -> Judgement:
    """What a failed poll means: nothing is known."""
    return Judgement(Status.UNKNOWN, Verdict.UNKNOWN, f"{watch.provider}'s status page cannot be read: {reason}")


def _matches(snapshot: Snapshot, wanted: str) -> list[Component]:
    by_id = [component for component in snapshot.components if component.id == wanted]
    name = wanted.strip().casefold()
    return by_id or [component for component in snapshot.components if component.name.casefold() == name]


def _lost(lost: list[str], snapshot: Snapshot) -> str | None:
    if not lost:
        return None
    listed = ", ".join(component.name for component in snapshot.components[:LISTED]) or "none"
    return (
        f"not on the status page: {', '.join(lost)}; it was renamed or removed. "
        f"Correct `components` (the page lists: {listed}{', …' if len(snapshot.components) > LISTED else ''})"
    )


def _verdict(
    watch: Watch,
    snapshot: Snapshot,
    status: Status,
    components: Collection[Component],
    problem: str | None,
    hidden: tuple[str, ...],
) -> Judgement:
    if status.value in watch.bad:
        verdict = Verdict.BAD
    elif status is Status.UNKNOWN:
        verdict = Verdict.UNKNOWN
    else:
        verdict = Verdict.GOOD
    affected = tuple(component for component in components if component.status is not Status.OPERATIONAL)
    affected = tuple(sorted(affected, key=lambda component: -component.status.rank)[:LISTED])
    incidents = snapshot.incidents[:LISTED]
    return Judgement(
        status, verdict, _sentence(watch, status, affected, incidents), problem, affected, incidents, hidden
    )


def _sentence(
    watch: Watch, status: Status, components: Collection[Component], incidents: Collection[StatusIncident]
) -> str:
    parts = [f"{watch.provider}'s status page says {status.words}"]
    if status is Status.OPERATIONAL:
        return parts[0]
    if components:
        parts.append(", ".join(f"{component.name} ({component.status.words})" for component in components))
    if incidents:
        parts.append("; ".join(f"“{incident.name}” ({incident.status})" for incident in incidents))
    return ": ".join(parts[:2]) + "".join(f". {part}" for part in parts[2:])
