"""Sends tests of people's ways: the worker of pending tests. A test is tried once, for it is asked how it goes now."""

from datetime import timedelta
from typing import ClassVar

from bot.paging import contact_tests, links, notices
from bot.paging.contact import ContactError, Notice, Sent
from bot.paging.courier import LEASE, Courier, Way, way
from bot.store import leases
from bot.store.tables import ContactTest


class WaysTester(Courier[ContactTest]):
    """The worker; see the module."""

    table: ClassVar = ContactTest
    topic: ClassVar = contact_tests.TOPIC

    async def begin(self, row: ContactTest) -> tuple[Way, Notice] | None:
        catalog, now = self.desk.catalog(), self.desk.clock()
        chosen = way(catalog, row.method, row.options)
        if row.outcome == "sending":
            await self._unheard(row)
            return None
        token = links.new_token()
        notice = notices.of_test(catalog, row, token=token, public_url=self.desk.public_url, now=now)
        changes = {"outcome": "sending", "token_hash": links.token_hash(token), "external_id": notice.dedup_key}
        async with self.desk.db.transaction() as session:
            if not await leases.extend(session, row, now=now, lease=LEASE, changes=changes):
                return None
        return chosen, notice

    async def settle(self, row: ContactTest, came: Sent | ContactError, chosen: Way | None) -> None:
        now = self.desk.clock()
        async with self.desk.db.transaction() as session:
            if not await leases.finish(session, row):
                return
            test = await session.get_one(ContactTest, row.id, populate_existing=True)
            if isinstance(came, Sent) and came.external_id is not None:
                test.external_id = came.external_id
            if test.settled_at is not None:
                return  # it was confirmed, or told what came of it, before the other side answered
            match came:
                case Sent(heard_within=None):
                    await contact_tests.settled(session, test, "delivered", came.detail, now=now)
                case Sent():
                    test.detail, test.not_before = came.detail, now + (came.heard_within or timedelta())
                case ContactError():
                    outcome = "unknown" if came.uncertain else "failed"
                    await contact_tests.settled(session, test, outcome, str(came), now=now)

    async def _unheard(self, row: ContactTest) -> None:
        async with self.desk.db.transaction() as session:
            if not await leases.finish(session, row):
                return
            test = await session.get_one(ContactTest, row.id, populate_existing=True)
            why = "nothing was heard of it"
            await contact_tests.settled(session, test, "unknown", why, now=self.desk.clock())
