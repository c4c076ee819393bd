"""What the file says about reaching people -> the catalog's own words for it."""

from datetime import datetime
from zoneinfo import ZoneInfo

from bot.catalog.cover import Layer, Maintenance, Policy, PolicyStep, Rotation
from bot.catalog.schema_cover import LayerEntry, MaintenanceEntry, PolicyEntry, RotationEntry
from bot.catalog.times import in_zone, instant


def rotation(name: str, entry: RotationEntry) -> Rotation:
    layers = tuple(_layer(layer, each, entry.timezone) for layer, each in entry.layers.items())
    return Rotation(name, entry.timezone, layers)


def _layer(name: str, entry: LayerEntry, zone: str) -> Layer:
    every, unit = entry.every
    return Layer(
        name=name,
        people=entry.people,
        starts=entry.starts,
        every=every,
        unit=unit,
        hours=tuple(in_zone(part, zone) for part in entry.hours),
    )


def policy(name: str, entry: PolicyEntry) -> Policy:
    steps = tuple(PolicyStep(step.notify, step.wait, step.when, frozenset(step.severities)) for step in entry.steps)
    return Policy(name, steps, entry.repeat, entry.unacknowledge, entry.acknowledgements)


def maintenance(name: str, entry: MaintenanceEntry) -> Maintenance:
    zone = ZoneInfo(entry.timezone)

    def moment(local: datetime | None) -> datetime | None:
        return instant(local, zone) if local is not None else None

    return Maintenance(
        name=name,
        reason=entry.reason,
        systems=entry.systems,
        starts=moment(entry.starts),
        ends=moment(entry.ends),
        hours=tuple(in_zone(part, entry.timezone) for part in entry.hours),
    )
