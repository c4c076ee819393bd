"""Who belongs to a group: the people that the catalog names, and the members of its Slack user group.

Slack is asked by bot.slack.groups now and then; here only what it said last is read. A member counts by the person of
the catalog that the Slack user is; strangers are never paged, the doctor names them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog
from bot.catalog.cover import Group
from bot.store.tables import SlackGroup, SlackIdentity


@dataclass(frozen=True, slots=True)
class Members:
    """What Slack said last of a user group."""

    people: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()
    """Names of Slack users who are nobody of the catalog."""
    fetched_at: datetime | None = None
    """None: Slack never told."""
    error: str = ""
    """Why it did not tell the last time, as Slack's own code: `missing_scope`."""


async def members(session: AsyncSession, catalog: Catalog) -> dict[str, Members]:
    """Of every group of the catalog that has a Slack user group, by the group's name."""
    wanted = {name: group.slack for name, group in catalog.groups.items() if group.slack is not None}
    if not wanted:
        return {}
    statement = select(SlackGroup).where(col(SlackGroup.id).in_(sorted(set(wanted.values()))))
    rows = {row.id: row for row in (await session.execute(statement)).scalars()}
    users = sorted({user for row in rows.values() for user in row.members})
    known = select(SlackIdentity).where(col(SlackIdentity.user_id).in_(users))
    identities = {one.user_id: one for one in (await session.execute(known)).scalars()}
    return {name: _members(catalog, rows[group], identities) for name, group in wanted.items() if group in rows}


def people(group: Group, known: Mapping[str, Members]) -> tuple[str, ...]:
    """Everybody in the group, each once: those of the catalog first."""
    told = known.get(group.name, Members())
    return tuple(dict.fromkeys((*group.people, *told.people)))


def _members(catalog: Catalog, row: SlackGroup, identities: Mapping[str, SlackIdentity]) -> Members:
    found: list[str] = []
    strangers: list[str] = []
    for user in row.members:
        identity = identities.get(user)
        person = catalog.person_by_slack(user)
        if person is None and identity is not None and identity.email:
            person = catalog.person_by_email(identity.email)
        if person is not None:
            found.append(person.key)
        else:
            strangers.append(identity.name if identity is not None else user)
    return Members(tuple(found), tuple(strangers), row.fetched_at, row.error or "")
