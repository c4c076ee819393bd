"""Pages by every way but Slack, over real SMTP and HTTP on loopback; on both engines."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update
from sqlmodel import col

from bot.catalog.cover import Contact
from bot.paging.courier import Desk as SendingDesk
from bot.paging.courier import web_client
from bot.paging.ends import EndTeller
from bot.paging.sending import PageSender
from bot.sandbox.mail import MailFault, MailSink
from bot.store.tables import PageAttempt
from tests.integration.paging.conftest import SLACK, Desk, team
from tests.integration.paging.reach import ACCOUNT, ROUTING_KEY, OtherSide, secrets

SECOND = timedelta(seconds=1)
PUBLIC = "https://badday.example.com"
MAIL = Contact("email")
PAGERDUTY = Contact("pagerduty", {"pagerduty": "PAGERDUTY_MARIA"})
PHONE = Contact("twilio", {"twilio": "+34600000000"})


@pytest.fixture
async def sink() -> AsyncIterator[MailSink]:
    async with MailSink() as opened:
        yield opened


@pytest.fixture
async def other() -> AsyncIterator[OtherSide]:
    async with OtherSide() as opened:
        yield opened


@pytest.fixture
async def web() -> AsyncIterator[httpx.AsyncClient]:
    async with web_client() as client:
        yield client


class Reach:
    """The desk with everything that its contacts talk to."""

    def __init__(self, desk: Desk, sink: MailSink, other: OtherSide, web: httpx.AsyncClient) -> None:
        self.desk, self.sink, self.other = desk, sink, other
        self._sending = SendingDesk(desk.db, lambda: desk.catalog, lambda: desk.now, secrets(), PUBLIC, web)

    def team(self, *ways: Contact, **others: Any) -> None:
        setups = {
            "email": Contact(
                "email", {"host": "127.0.0.1", "port": self.sink.port, "security": "none", "from": "oncall@example.com"}
            ),
            "pagerduty": Contact("pagerduty", {"url": self.other.url, "webhook_secret": "PAGERDUTY_WEBHOOK"}),
            "twilio": Contact(
                "twilio", {"account": ACCOUNT, "token": "TWILIO_TOKEN", "from": "+15550100", "url": self.other.url}
            ),
        }
        catalog = team(maria=ways, **others)
        self.desk.catalog = type(catalog)(
            people=catalog.people, systems=catalog.systems, policies=catalog.policies, contacts=setups
        )

    def sender(self) -> PageSender:
        return PageSender(self._sending)

    def teller(self) -> EndTeller:
        return EndTeller(self._sending)

    async def send(self, by: timedelta = timedelta(0)) -> None:
        """Let the time pass and send what is due by then."""
        self.desk.now += by
        sender = self.sender()
        while await sender.work():
            await sender.settled()

    async def attempt(self, number: int = -1) -> PageAttempt:
        async with self.desk.db.reading() as session:
            return (await session.execute(select(PageAttempt).order_by(col(PageAttempt.id)))).scalars().all()[number]


@pytest.fixture
def reach(desk: Desk, sink: MailSink, other: OtherSide, web: httpx.AsyncClient) -> Reach:
    return Reach(desk, sink, other, web)


async def test_a_mail_says_what_since_when_and_why_you(reach: Reach) -> None:
    reach.team(MAIL)
    await reach.desk.opened()
    await reach.send()
    (mail,) = reach.sink.mails
    assert mail.to == ("maria@example.com",)
    assert mail.message["Subject"] == "[#1] SEV1 support-bot: Answers are wrong"
    assert mail.message["Auto-Submitted"] == "auto-generated"
    assert mail.message["Importance"] == "high"
    for body in (mail.text(), mail.text("html")):
        assert "owner of support-bot" in body
        assert "2026-03-02 09:00 UTC" in body
        assert f"{PUBLIC}/ack/" in body
    assert await reach.desk.attempts() == [("email", "delivered")]
    assert await reach.desk.said("maria paged by e-mail")
