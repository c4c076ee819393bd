"""People are reached although Slack is not there: a mail within seconds, whose link acknowledges for everybody."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.sandbox.mail import Mail, MailFault, MailSink
from tests.acceptance.desk import CATALOG, Desk, a_desk, eventually, text_of
from tests.acceptance.processes import by_fork

CONTACTS = """\
contacts:
  email: {{host: 127.0.0.1, port: PORT, security: none, from: oncall@example.com}}
"""


@pytest.fixture
async def sink() -> AsyncIterator[MailSink]:
    async with MailSink() as opened:
        yield opened


@pytest.fixture
async def desk(tmp_path: Path, database_url: str, sink: MailSink) -> AsyncIterator[Desk]:
    catalog = CATALOG + CONTACTS.replace("PORT", str(sink.port))
    async with a_desk(tmp_path, database_url, catalog=catalog, launch=by_fork, rate_limit=False) as opened:
        yield opened


def link_in(mail: Mail) -> str:
    found = re.search(r"http://127\.0\.0\.1:\d+/ack/\S+", mail.text())
    assert found is not None, mail.text()
    return found[0]


async def test_while_slack_is_down_the_mail_comes_and_its_link_acknowledges_for_everybody(
    desk: Desk, sink: MailSink
) -> None:
    await desk.workspace.do("fault", method="chat.postMessage", kind="error500", times=None)
    await desk.start()
    desk.page.status = "major_outage"
    (mail,) = await sink.wait_for(within=10)
    assert "support-bot" in mail.message["Subject"]
    shown = await desk.client.get(link_in(mail))
    assert "Acknowledge</button>" in shown.text
    taken = await desk.client.post(link_in(mail))
    assert (taken.status_code, "Acknowledged by you" in taken.text) == (200, True)

    await desk.workspace.do("fault", kind="off")
    assert "Acknowledged" in text_of(await desk.root(within=40))
    await desk.thread_says("Acknowledged by the link in an e-mail", within=20)
    assert len(sink.mails) == 1


@pytest.mark.parametrize("fault", [MailFault.HANG, MailFault.MUTE])
async def test_a_mail_that_was_being_sent_at_kill_9_is_sent_again_as_the_same_mail(
    desk: Desk, sink: MailSink, fault: MailFault
) -> None:
    sink.fault = fault
    bot = await desk.start()
    desk.page.status = "major_outage"

    async def underway() -> bool:
        return sink.asked > 0

    await eventually(underway, within=20)
    await bot.killed()
    sink.fault = None
    await desk.start()
    mails = await sink.wait_for(2 if fault is MailFault.MUTE else 1, within=20)
    assert len({mail.message["Message-ID"] for mail in mails}) == 1
    assert (
        await desk.client.post(link_in(mails[-1]).replace(str(bot.port), str(desk.bots[-1].port)))
    ).status_code == 200
    await desk.thread_says("Acknowledged by the link in an e-mail")


async def test_a_person_tests_how_they_are_reached_and_confirms_it(desk: Desk, sink: MailSink) -> None:
    await desk.start()
    await desk.workspace.do("command", user="sam", channel="support-bot", command="/badday", text="page test maria")
    (mail,) = await sink.wait_for(within=20)
    assert mail.to == ("maria@example.com",)

    async def report() -> str | None:
        found = [text_of(one) for one in await desk.workspace.of_bot("badday", user="sam")]
        return next((text for text in found if "How Maria Ortiz is reached" in text), None)

    async def both_delivered() -> str | None:
        told = await report()
        return told if told and told.count("not confirmed yet") == 2 else None

    told = await eventually(both_delivered, within=20)
    assert "m…a@example.com" in told
    assert "maria@example.com" not in told

    assert "Thank you" in (await desk.client.post(link_in(mail))).text
    (test,) = await desk.workspace.of_bot("badday", user="maria")
    await desk.click("maria", test, "confirm_test", channel="badday")

    async def both_confirmed() -> bool:
        return "2 of 2 confirmed" in (await report() or "")

    await eventually(both_confirmed, within=20)
