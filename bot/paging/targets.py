"""Whom a step's targets mean: people and channels, or nobody, with the reason."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog


@dataclass(frozen=True, slots=True)
class Target:
    person: str | None = None
    channel: str | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Nobody:
    target: str
    why: str


@dataclass
class Resolved:
    targets: list[Target] = field(default_factory=list)
    nobody: list[Nobody] = field(default_factory=list)


async def resolve(
    session: AsyncSession, catalog: Catalog, system_name: str, targets: Sequence[str], now: datetime
) -> Resolved:
    """The people and channels behind targets that need no calendar."""
    found = Resolved()
    system = catalog.systems.get(system_name)
    for target in targets:
        kind, _, name = target.partition(":")
        match kind:
            case "owner" if system is not None:
                found.targets.append(Target(person=system.owner, why="owner"))
            case "deputies" if system is not None and system.deputies:
                found.targets += [Target(person=person, why="deputy") for person in system.deputies]
            case "person":
                found.targets.append(Target(person=name, why="by hand"))
            case "group" if name in catalog.groups and catalog.groups[name].people:
                found.targets += [Target(person=person, why=f"group {name}") for person in catalog.groups[name].people]
            case "channel" if name or system is not None:
                found.targets.append(Target(channel=name or (system.channel if system else ""), why="channel"))
            case _:
                found.nobody.append(Nobody(target, "nobody is on call"))
    return found
