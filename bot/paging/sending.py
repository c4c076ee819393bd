"""Sends pages by every way but Slack: the worker of pending attempts.

What comes of a try:

    came back                  | the attempt                 | the page
    taken                      | delivered                   |
    taken, will be told later  | sending, until it is told   |
    refused for good           | failed                      | the next way at once
    passing (4xx of SMTP, 429) | pending, at most 3 tries    | the next way at once, with the first of them
    nobody knows               | as passing, or unknown      | the next way at once

Where nobody knows (a crash in the middle, a cut connection, 5xx): e-mail, PagerDuty and webhooks are repeated with the
same Message-ID, dedup key or webhook-id, by which the other side drops the second one. Twilio would call twice, and
apprise's services know no ids, so those become `unknown`; a call that was made all the same still says so itself.
"""

from datetime import datetime, timedelta
from typing import ClassVar

import structlog
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.paging import links, notices, pages, ways
from bot.paging.contact import ContactError, Notice, Sent
from bot.paging.courier import LEASE, Courier, Way, way
from bot.paging.life import PageState
from bot.store import leases
from bot.store.tables import Incident, Page, PageAttempt

log = structlog.get_logger(__name__)
TRIES = 3
PAUSES = (timedelta(seconds=3), timedelta(seconds=10))
LONGEST_PAUSE = timedelta(seconds=30)
"""Whoever wants to be left alone for longer is given up."""
_WANTED = (PageState.PAGING, PageState.UNREACHED)


class PageSender(Courier[PageAttempt]):
    """The worker; see the module."""

    table: ClassVar = PageAttempt
    topic: ClassVar = ways.TOPIC

    async def begin(self, row: PageAttempt) -> tuple[Way, Notice] | None:
        catalog, now = self.desk.catalog(), self.desk.clock()
        async with self.desk.db.transaction() as session:
            page, incident = await _held(session, row)
            if page.state not in _WANTED:
                await leases.finish(session, row, outcome="dropped", settled_at=now)
                return None
            chosen = way(catalog, row.method, row.options)
            if row.outcome == "sending" and (not chosen.contact.repeatable or row.tries >= TRIES):
                await self._unheard(session, row)
                return None
            attempt = await self._marked(session, row, chosen, incident)
            if attempt is None:
                return None
            token = await links.make(session, page.id or 0, page.person, row.method, now=now)
            notice = await notices.of_page(
                session, catalog, attempt, page, incident, token=token, public_url=self.desk.public_url, now=now
            )
        return chosen, notice

    async def settle(self, row: PageAttempt, came: Sent | ContactError, chosen: Way | None) -> None:
        now = self.desk.clock()
        async with self.desk.db.transaction() as session:
            await _held(session, row)
            if not await leases.finish(session, row):
                log.warning("another worker took the attempt over", attempt=row.id, method=row.method)
                return
            attempt = await session.get_one(PageAttempt, row.id, populate_existing=True)
            log.info("page sent", attempt=row.id, method=row.method, **_told(came))
            if isinstance(came, Sent):
                attempt.external_id = came.external_id or attempt.external_id
            if attempt.settled_at is not None:
                return  # the other side told what came of it before it answered
            match came:
                case Sent(heard_within=None):
                    await pages.settled(session, attempt, "delivered", came.detail, now=now)
                case Sent():
                    attempt.detail, attempt.not_before = came.detail, now + (came.heard_within or timedelta())
                case ContactError():
                    await _failed(session, attempt, came, repeatable=_is_repeatable(chosen), now=now)

    async def _marked(
        self, session: AsyncSession, row: PageAttempt, chosen: Way, incident: Incident
    ) -> PageAttempt | None:
        """The attempt, marked as being sent before the request goes out; None where somebody else took it over."""
        now = self.desk.clock()
        interrupted = row.outcome == "sending"
        changes = {"outcome": "sending", "tries": row.tries + (0 if interrupted else 1)}
        if chosen.contact.tells_end and not row.told:
            changes |= {"told": "open", "external_id": await notices.open_key(session, incident)}
        if not await leases.extend(session, row, now=now, lease=LEASE, changes=changes):
            return None
        attempt = await session.get_one(PageAttempt, row.id, populate_existing=True)
        if interrupted:
            # Time was lost: the next way does not wait for this one.
            await pages.put_off(session, attempt, "Badday was interrupted while it sent it", until=now, now=now)
            attempt.outcome, attempt.tries = "sending", attempt.tries + 1
            await session.flush()
        return attempt

    async def _unheard(self, session: AsyncSession, row: PageAttempt) -> None:
        """It was being sent, and nobody will ever say what came of it."""
        if not await leases.finish(session, row):
            return
        attempt = await session.get_one(PageAttempt, row.id, populate_existing=True)
        why = "nothing was heard of it" if attempt.external_id else "Badday was interrupted while it sent it"
        await pages.settled(session, attempt, "unknown", why, now=self.desk.clock())


async def _failed(
    session: AsyncSession, attempt: PageAttempt, error: ContactError, *, repeatable: bool, now: datetime
) -> None:
    if error.permanent:
        await pages.settled(session, attempt, "failed", str(error), now=now)
        return
    if error.uncertain and not repeatable:
        await pages.settled(session, attempt, "unknown", str(error), now=now)
        return
    pause = max(PAUSES[min(attempt.tries, len(PAUSES)) - 1], error.retry_after or timedelta())
    if attempt.tries >= TRIES or pause > LONGEST_PAUSE:
        outcome = "unknown" if error.uncertain else "failed"
        await pages.settled(session, attempt, outcome, str(error), now=now)
        return
    await pages.put_off(session, attempt, str(error), until=now + pause, now=now)


async def _held(session: AsyncSession, row: PageAttempt) -> tuple[Page, Incident]:
    """The page and its incident, which is locked first: see bot.paging.pages."""
    page = await session.get_one(Page, row.page_id)
    await pages.hold(session, page.incident_id)
    page = await session.get_one(Page, row.page_id, populate_existing=True)
    return page, await session.get_one(Incident, page.incident_id, populate_existing=True)


def _is_repeatable(chosen: Way | None) -> bool:
    return chosen is not None and chosen.contact.repeatable


def _told(came: Sent | ContactError) -> dict[str, str]:
    return {"detail": came.detail} if isinstance(came, Sent) else {"error": str(came)}
