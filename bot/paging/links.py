"""Links by which one person acknowledges one page, or confirms a test: 256 random bits, of which only a hash is kept.

To look at one changes nothing, for mail scanners open links; only `answer` acts.
"""

import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select, update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.incidents import incidents
from bot.incidents.life import State
from bot.paging import contact_tests
from bot.store.tables import AckLink, ContactTest, Incident, Page

VALID_FOR = timedelta(days=3)
_BYTES = 32


class Standing(StrEnum):
    """How it stands with what a link is about."""

    UNKNOWN = "unknown"
    EXPIRED = "expired"
    WAITING = "waiting"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    TEST = "test"
    CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True)
class Look:
    """What a link is about."""

    standing: Standing
    person: str = ""
    method: str = ""
    incident: Incident | None = None
    page: Page | None = None
    by: str | None = None
    """Who acknowledged or resolved it, and when."""
    at: datetime | None = None
    applied: bool = False
    """Whether this very answer changed something."""

    @property
    def by_themselves(self) -> bool:
        return self.by is not None and self.by == self.person


async def make(session: AsyncSession, page_id: int, person: str, method: str, *, now: datetime) -> str:
    """A new link's token; its text is here and nowhere else."""
    token = new_token()
    session.add(
        AckLink(
            token_hash=token_hash(token),
            page_id=page_id,
            person=person,
            method=method,
            created_at=now,
            expires_at=now + VALID_FOR,
        )
    )
    await session.flush()
    return token


def new_token() -> str:
    return secrets.token_urlsafe(_BYTES)


def token_hash(token: str) -> str:
    """A fast hash is enough: nobody guesses 256 random bits."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


async def look(session: AsyncSession, token: str, *, now: datetime) -> Look:
    """What the link is about, and how it stands with that."""
    test = await contact_tests.by_token(session, token_hash(token))
    if test is not None:
        return _test(test, now)
    link = await session.get(AckLink, token_hash(token))
    page = await session.get(Page, link.page_id, populate_existing=True) if link is not None else None
    if link is None or page is None:
        return Look(Standing.UNKNOWN)
    incident = await session.get_one(Incident, page.incident_id, populate_existing=True)
    about = Look(Standing.WAITING, link.person, link.method, incident, page)
    if link.expires_at <= now:
        return replace(about, standing=Standing.EXPIRED)
    if incident.resolved_at is not None:
        return replace(about, standing=Standing.RESOLVED, by=incident.resolved_by, at=incident.resolved_at)
    if incident.state == State.ACKNOWLEDGED:
        return replace(about, standing=Standing.ACKNOWLEDGED, by=incident.acknowledged_by, at=incident.acknowledged_at)
    return about


async def answer(session: AsyncSession, token: str, *, now: datetime) -> Look:
    """Acknowledge, or confirm, as the person whose link it is; `applied` says whether that changed something."""
    seen = await look(session, token, now=now)
    if seen.standing is Standing.TEST:
        applied = await contact_tests.confirm(session, token_hash(token), now=now)
        return replace(await look(session, token, now=now), applied=applied)
    if seen.standing is not Standing.WAITING or seen.incident is None or seen.incident.id is None:
        return seen
    outcome = await incidents.acknowledge(
        session, seen.incident.id, version=None, actor=seen.person, how=seen.method, now=now
    )
    if outcome.applied:
        mark = update(AckLink).where(col(AckLink.token_hash) == token_hash(token)).values(used_at=now)
        await session.execute(mark)
        await session.flush()
    after = await look(session, token, now=now)
    if after.standing is Standing.WAITING:
        # The policy wants several people; this one has answered.
        after = replace(after, standing=Standing.ACKNOWLEDGED, by=seen.person, at=now)
    return replace(after, applied=outcome.applied)


def _test(test: ContactTest, now: datetime) -> Look:
    if test.confirmed_at is not None:
        return Look(Standing.CONFIRMED, test.person, test.method, by=test.person, at=test.confirmed_at)
    standing = Standing.EXPIRED if test.asked_at + VALID_FOR <= now else Standing.TEST
    return Look(standing, test.person, test.method)


async def page_of(session: AsyncSession, token: str) -> Page | None:
    """The page of a link; None for an unknown one, or a test's."""
    statement = select(Page).join(AckLink, col(AckLink.page_id) == col(Page.id))
    found: Page | None = (
        await session.execute(statement.where(col(AckLink.token_hash) == token_hash(token)))
    ).scalar_one_or_none()
    return found
