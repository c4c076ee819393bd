"""The desk with everything that its contacts talk to: a mail server, PagerDuty, Twilio, a webhook's receiver."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy import select, update
from sqlmodel import col

from bot.catalog.cover import Contact
from bot.paging.contact import Secrets
from bot.paging.courier import Desk as SendingDesk
from bot.paging.ends import EndTeller
from bot.paging.sending import PageSender
from bot.paging.trying import WaysTester
from bot.sandbox.mail import MailSink
from bot.store.tables import ContactTest, PageAttempt
from tests.integration.paging.conftest import Desk, team
from tests.integration.paging.reach import ACCOUNT, OtherSide, secrets

PUBLIC = "https://badday.example.com"
MAIL = Contact("email")
PAGERDUTY = Contact("pagerduty", {"pagerduty": "PAGERDUTY_MARIA"})
PHONE = Contact("twilio", {"twilio": "+34600000000"})


def then(way: Contact) -> Contact:
    """The way as one that is taken only when those before it failed, or much later."""
    return replace(way, after=timedelta(minutes=30))


class Reach:
    """See the module."""

    def __init__(self, desk: Desk, sink: MailSink, other: OtherSide, web: httpx.AsyncClient) -> None:
        self.desk, self.sink, self.other, self._web = desk, sink, other, web
        self.use(secrets())

    def use(self, known: Secrets) -> None:
        """Let these be the secrets that are set."""
        desk = self.desk
        self.secrets = known
        self._sending = SendingDesk(desk.db, lambda: desk.catalog, lambda: desk.now, known, PUBLIC, self._web)

    def team(self, *ways: Contact, **others: Any) -> None:
        """Maria is reached by these ways."""
        setups = {
            "email": Contact(
                "email", {"host": "127.0.0.1", "port": self.sink.port, "security": "none", "from": "oncall@example.com"}
            ),
            "pagerduty": Contact("pagerduty", {"url": self.other.url, "webhook_secret": "PAGERDUTY_WEBHOOK"}),
            "twilio": Contact(
                "twilio", {"account": ACCOUNT, "token": "TWILIO_TOKEN", "from": "+15550100000", "url": self.other.url}
            ),
        }
        catalog = team(maria=ways, **others)
        self.desk.catalog = type(catalog)(
            people=catalog.people, systems=catalog.systems, policies=catalog.policies, contacts=setups
        )

    @property
    def hook(self) -> Contact:
        return Contact("webhook", {"webhook": f"{self.other.url}/pages", "secret": "HOOK_SECRET"})

    def sender(self) -> PageSender:
        return PageSender(self._sending)

    async def send(self, by: timedelta = timedelta(0)) -> None:
        """Let the time pass and send what is due by then."""
        self.desk.now += by
        sender = self.sender()
        while await sender.work():
            await sender.settled()

    async def test(self) -> None:
        """Send the tests that wait."""
        sender = WaysTester(self._sending)
        while await sender.work():
            await sender.settled()

    async def tell(self, by: timedelta = timedelta(0)) -> None:
        """Let the time pass and tell other pagers what they do not know."""
        self.desk.now += by
        while await EndTeller(self._sending).work():
            pass

    async def attempt(self, number: int = -1) -> PageAttempt:
        async with self.desk.db.reading() as session:
            return (await session.execute(select(PageAttempt).order_by(col(PageAttempt.id)))).scalars().all()[number]

    async def interrupted(self) -> None:
        """Somebody marked the attempt as being sent and died; its lease has ended."""
        async with self.desk.db.transaction() as session:
            await session.execute(
                update(PageAttempt)
                .where(col(PageAttempt.outcome) == "pending")
                .values(outcome="sending", tries=1, lease_owner="dead", lease_until=self.desk.now, attempt=1)
            )

    async def tests(self) -> list[ContactTest]:
        async with self.desk.db.reading() as session:
            return list((await session.execute(select(ContactTest).order_by(col(ContactTest.id)))).scalars())
