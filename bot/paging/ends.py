"""Tells other pagers that somebody acknowledged, or that the incident is over, so that they stop ringing.

What an attempt's other side knows stands in `told`: open, acknowledged, resolved. The worker looks for those that know
less than the page does. Telling it twice does no harm, so a crash in the middle needs no care.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, and_, or_, select
from sqlmodel import col

from bot.paging import ways
from bot.paging.contact import ContactError, Ended
from bot.paging.courier import Desk, way
from bot.paging.life import PageState
from bot.store import leases
from bot.store.tables import Page, PageAttempt

log = structlog.get_logger(__name__)
LOOK_EVERY = 1.0
LEASE = timedelta(seconds=20)
AGAIN_AFTER = timedelta(seconds=30)
GIVE_UP_AFTER = timedelta(hours=1)
AT_ONCE = 10
TOPIC = "incidents told elsewhere"
_WANTED = {PageState.ACKNOWLEDGED: Ended.ACKNOWLEDGED, PageState.ENDED: Ended.RESOLVED}


class EndTeller:
    """A worker; any number of replicas may run it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._owner = leases.new_owner()

    async def run(self) -> None:
        while True:
            if not await self.work():
                await self._desk.db.woken(TOPIC, timeout=LOOK_EVERY)

    async def work(self) -> int:
        """Tell what is to be told; returns how many were looked after."""
        now = self._desk.clock()
        async with self._desk.db.reading() as session:
            if (await session.execute(select(col(PageAttempt.id)).where(*_due(now)).limit(1))).first() is None:
                return 0
        async with self._desk.db.transaction() as session:
            rows = await leases.claim(
                session, PageAttempt, *_due(now), owner=self._owner, now=now, lease=LEASE, limit=AT_ONCE
            )
        for row in rows:
            await self._tell(row)
        return len(rows)

    async def _tell(self, row: PageAttempt) -> None:
        desk, now = self._desk, self._desk.clock()
        async with desk.db.reading() as session:
            page = await session.get_one(Page, row.page_id)
        what = _WANTED.get(PageState(page.state))
        since = page.ended_at or page.acknowledged_at or now
        changes: dict[str, object] = {"told": what} if what is not None else {}
        if what is not None and row.external_id is not None:
            try:
                chosen = way(desk.catalog(), row.method, row.options)
                await chosen.contact.ended(row.external_id, what, chosen.options, chosen.setup, desk.secrets, desk.web)
            except ContactError as error:
                hopeless = error.permanent or now - since > GIVE_UP_AFTER
                log.warning("end not told", method=row.method, what=what, why=str(error), given_up=hopeless)
                changes = changes if hopeless else {"not_before": now + (error.retry_after or AGAIN_AFTER)}
        async with desk.db.transaction() as session:
            await leases.finish(session, row, **changes)


def _due(now: datetime) -> Sequence[ColumnElement[bool]]:
    """Attempts whose other side knows less than we do, and that nobody is sending."""
    states = select(col(Page.id))
    acknowledged = states.where(col(Page.state) == PageState.ACKNOWLEDGED)
    ended = states.where(col(Page.state) == PageState.ENDED)
    return (
        or_(
            and_(col(PageAttempt.told) == "open", col(PageAttempt.page_id).in_(acknowledged)),
            and_(col(PageAttempt.told).in_(("open", "acknowledged")), col(PageAttempt.page_id).in_(ended)),
        ),
        col(PageAttempt.method).not_in(sorted(ways.IN_SLACK)),
        col(PageAttempt.outcome).not_in(("pending", "sending")),
        or_(col(PageAttempt.not_before).is_(None), col(PageAttempt.not_before) <= now),
        or_(col(PageAttempt.lease_until).is_(None), col(PageAttempt.lease_until) <= now),
    )
