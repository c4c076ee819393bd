"""Pages by every way but Slack, over real SMTP and HTTP on loopback; on both engines."""

import asyncio
from datetime import timedelta

import pytest

from bot.catalog.cover import Contact
from bot.paging.contacts.webhook import secret_key, sign
from bot.sandbox.mail import MailFault
from tests.integration.paging.conftest import SLACK
from tests.integration.paging.reach import ACCOUNT, ROUTING_KEY, WEBHOOK_SECRET
from tests.integration.paging.reaching import MAIL, PAGERDUTY, PHONE, PUBLIC, Reach, then

SECOND = timedelta(seconds=1)


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


async def test_a_try_keeps_its_message_id_and_an_incident_its_conversation(reach: Reach) -> None:
    reach.team(MAIL)
    await reach.desk.opened()
    reach.sink.fault = MailFault.CUT
    await reach.send()
    reach.sink.fault = None
    await reach.send(3 * SECOND)
    first, second = reach.sink.mails
    assert first.message["Message-ID"] == second.message["Message-ID"]
    assert first.message["In-Reply-To"] == second.message["In-Reply-To"] != first.message["Message-ID"]
    assert await reach.desk.attempts() == [("email", "delivered")]


async def test_a_mail_that_is_refused_for_good_is_not_repeated_and_tells_no_address(reach: Reach) -> None:
    reach.team(MAIL, then(PAGERDUTY))
    await reach.desk.opened()
    reach.sink.refusal = "550 5.1.1 <maria@example.com>: no such user"
    await reach.send()
    assert await reach.desk.attempts() == [("email", "failed"), ("pagerduty", "delivered")]
    assert await reach.desk.said("refused it: 550 5.1.1 <(address)>: no such user; trying PagerDuty at once")
    assert not any("maria@" in entry.text for entry in await reach.desk.timeline())


async def test_a_mail_server_that_says_not_now_is_asked_three_times_while_the_next_way_is_taken(reach: Reach) -> None:
    reach.team(MAIL, then(PAGERDUTY), then(PHONE))
    await reach.desk.opened()
    reach.sink.refusal = "451 4.3.0 try again later"
    await reach.send()
    assert await reach.desk.attempts() == [("email", "pending"), ("pagerduty", "delivered")]
    await reach.send(3 * SECOND)
    await reach.send(10 * SECOND)
    assert (await reach.attempt(0)).tries == 3
    assert await reach.desk.attempts() == [("email", "failed"), ("pagerduty", "delivered")], "nobody is called for it"


async def test_a_way_that_comes_back_is_delivered_after_all(reach: Reach) -> None:
    reach.team(MAIL, then(PAGERDUTY))
    await reach.desk.opened()
    reach.sink.refusal = "421 closing"
    await reach.send()
    reach.sink.refusal = None
    await reach.send(3 * SECOND)
    assert await reach.desk.attempts() == [("email", "delivered"), ("pagerduty", "delivered")]


async def test_when_the_only_way_passes_the_person_is_waited_for_until_it_has_failed_three_times(reach: Reach) -> None:
    reach.team(MAIL)
    await reach.desk.opened()
    reach.sink.refusal = "451 not now"
    await reach.send()
    assert (await reach.desk.pages())[0].state == "paging"
    await reach.send(3 * SECOND)
    await reach.send(10 * SECOND)
    assert (await reach.desk.pages())[0].state == "unreached"
    await reach.desk.later(timedelta(0))
    assert await reach.desk.paged() == ["maria", "sam", "ana"], "the next step came at once"


async def test_a_mail_server_that_is_not_there_hands_over_at_once(reach: Reach) -> None:
    reach.team(MAIL, then(PAGERDUTY))
    await reach.sink.stop()
    await reach.desk.opened()
    await reach.send()
    assert await reach.desk.attempts() == [("email", "pending"), ("pagerduty", "delivered")]
    assert await reach.desk.said("the mail server cannot be reached")


async def test_pagerduty_gets_the_same_key_for_everything_about_an_incident(reach: Reach) -> None:
    reach.team(PAGERDUTY)
    await reach.desk.opened()
    reach.other.faults = [500]
    await reach.send()
    await reach.send(3 * SECOND)
    await reach.desk.acknowledged("sam")
    await reach.tell()
    await reach.desk.resolved("sam")
    await reach.tell()
    events = reach.other.events()
    assert [one["event_action"] for one in events] == ["trigger", "trigger", "acknowledge", "resolve"]
    assert len({one["dedup_key"] for one in events}) == 1
    assert events[0]["dedup_key"].startswith("badday-1-")
    assert {one["routing_key"] for one in events} == {ROUTING_KEY}
    payload = events[0]["payload"]
    assert (payload["severity"], payload["source"]) == ("critical", "support-bot")
    assert payload["custom_details"]["why"] == "owner of support-bot"
    assert events[0]["links"][0]["href"].startswith(f"{PUBLIC}/ack/")


async def test_pagerduty_is_told_of_the_end_again_when_it_does_not_answer(reach: Reach) -> None:
    reach.team(PAGERDUTY)
    await reach.desk.opened()
    await reach.send()
    await reach.desk.resolved("sam")
    reach.other.faults = [503]
    await reach.tell()
    await reach.tell(29 * SECOND)
    assert len(reach.other.events()) == 2
    await reach.tell(2 * SECOND)
    await reach.tell(60 * SECOND)
    assert [one["event_action"] for one in reach.other.events()] == ["trigger", "resolve", "resolve"]
    assert (await reach.attempt()).told == "resolved"


async def test_after_an_acknowledgement_was_taken_back_pagerduty_pages_anew(reach: Reach) -> None:
    reach.team(PAGERDUTY)
    await reach.desk.opened()
    await reach.send()
    await reach.desk.acknowledged("maria")
    await reach.tell()
    await reach.desk.handed_over("ana", to="maria")
    await reach.send()
    triggers = [one["dedup_key"] for one in reach.other.events() if one["event_action"] == "trigger"]
    assert triggers[1] == f"{triggers[0]}-1"
    await reach.desk.resolved("maria")
    await reach.tell()
    resolved = {one["dedup_key"] for one in reach.other.events() if one["event_action"] == "resolve"}
    assert resolved == set(triggers)


@pytest.mark.parametrize(
    ("status", "outcome"), [(400, "failed"), (429, "pending"), (500, "pending"), (202, "delivered")]
)
async def test_what_pagerduty_answers_decides(reach: Reach, status: int, outcome: str) -> None:
    reach.team(PAGERDUTY, then(MAIL))
    await reach.desk.opened()
    reach.other.faults = [status]
    await reach.send()
    assert (await reach.desk.attempts())[0] == ("pagerduty", outcome)
    assert len(reach.sink.mails) == (0 if outcome == "delivered" else 1), "the next way at once"


async def test_retry_after_is_minded_and_a_long_one_is_a_failure(reach: Reach) -> None:
    reach.team(PAGERDUTY)
    await reach.desk.opened()
    reach.other.faults, reach.other.headers = [429], {"Retry-After": "20"}
    await reach.send()
    await reach.send(19 * SECOND)
    assert len(reach.other.got) == 1
    reach.other.faults, reach.other.headers = [429], {"Retry-After": "120"}
    await reach.send(SECOND)
    assert await reach.desk.attempts() == [("pagerduty", "failed")]


async def test_a_webhook_is_signed_and_a_repetition_keeps_its_id(reach: Reach) -> None:
    reach.team(reach.hook)
    await reach.desk.opened()
    reach.other.faults = [500]
    await reach.send()
    await reach.send(3 * SECOND)
    first, second = reach.other.got
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    for got in (first, second):
        moment = int(got.headers["webhook-timestamp"])
        expected = sign(secret_key(WEBHOOK_SECRET), got.headers["webhook-id"], moment, got.body)
        assert got.headers["webhook-signature"] == expected
    assert first.json()["type"] == "page"
    assert first.json()["data"]["why"] == "owner of support-bot"


@pytest.mark.parametrize("fault", [410, 404, "redirect"])
async def test_a_webhook_that_is_gone_or_moved_is_not_followed_nor_repeated(reach: Reach, fault: int | str) -> None:
    reach.team(reach.hook, then(MAIL))
    await reach.desk.opened()
    reach.other.faults = [fault]
    await reach.send()
    assert await reach.desk.attempts() == [("webhook", "failed"), ("email", "delivered")]
    assert len(reach.other.got) == 1


async def test_a_call_is_not_delivered_before_twilio_says_what_came_of_it(reach: Reach) -> None:
    reach.team(PHONE)
    await reach.desk.opened()
    await reach.send()
    (got,) = reach.other.got
    assert got.path == f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json"
    form = got.form()
    assert (form["To"], form["From"]) == ("+34600000000", "+15550100000")
    assert form["StatusCallback"].startswith(f"{PUBLIC}/hooks/twilio/")
    assert form["StatusCallback"] in form["Twiml"]
    assert await reach.desk.attempts() == [("twilio", "sending")]
    await reach.send(60 * SECOND)
    assert await reach.desk.attempts() == [("twilio", "sending")], "it still rings, or is being read"
    await reach.send(60 * SECOND)
    assert await reach.desk.attempts() == [("twilio", "unknown")]
    assert len(reach.other.got) == 1, "nobody is called twice"


async def test_a_call_that_may_have_been_made_is_not_repeated(reach: Reach) -> None:
    reach.team(PHONE, then(MAIL))
    await reach.desk.opened()
    reach.other.faults = [500]
    await reach.send()
    await reach.send(60 * SECOND)
    assert await reach.desk.attempts() == [("twilio", "unknown"), ("email", "delivered")]
    assert len(reach.other.got) == 1


async def test_what_twilio_refuses_tells_no_number(reach: Reach) -> None:
    reach.team(PHONE)
    await reach.desk.opened()
    reach.other.faults = [400]
    await reach.send()
    assert (await reach.attempt()).detail == "Twilio answered 400: as the test says for (…)"


async def test_a_server_that_hangs_is_given_ten_seconds_and_delays_nobody_else(
    reach: Reach, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.paging.courier.SEND_WITHIN", 0.3)
    reach.team(PAGERDUTY, then(MAIL))
    await reach.desk.opened()
    reach.other.faults = ["hang"]
    sender = reach.sender()
    assert await sender.work() == 1
    await reach.other.wait_for(lambda got: len(got) == 1)
    await reach.desk.opened(cause="another")
    assert await sender.work() == 1, "the other page is taken while the first one hangs"
    await sender.settled()
    assert len(reach.other.events()) == 2
    await reach.send()
    assert [outcome for _, outcome in await reach.desk.attempts()] == ["pending", "delivered", "delivered"]
    assert await reach.desk.said("no answer within 0.3 s. It is tried again; trying e-mail at once")


async def test_a_page_that_is_over_before_it_is_sent_is_dropped(reach: Reach) -> None:
    reach.team(SLACK, then(MAIL))
    await reach.desk.opened()
    await reach.desk.later(15 * SECOND)
    await reach.desk.acknowledged("sam")
    await reach.send()
    assert reach.sink.mails == []
    assert (await reach.attempt()).outcome == "dropped"


@pytest.mark.parametrize("way", [MAIL, PAGERDUTY])
async def test_what_was_interrupted_is_sent_again_where_a_second_one_is_known(reach: Reach, way: Contact) -> None:
    reach.team(way, then(PHONE))
    await reach.desk.opened()
    await reach.interrupted()
    await reach.send()
    assert await reach.desk.attempts() == [(way.kind, "delivered"), ("twilio", "sending")]
    assert await reach.desk.said("Badday was interrupted while it sent it")


async def test_a_call_that_was_interrupted_is_not_made_again(reach: Reach) -> None:
    reach.team(PHONE, then(MAIL))
    await reach.desk.opened()
    await reach.interrupted()
    await reach.send()
    assert await reach.desk.attempts() == [("twilio", "unknown"), ("email", "delivered")]
    assert reach.other.got == []


async def test_what_kills_badday_again_and_again_is_given_up(reach: Reach) -> None:
    reach.team(MAIL, then(PHONE))
    await reach.desk.opened()
    for _ in range(3):
        await reach.interrupted()
        attempt = await reach.attempt(0)
        async with reach.desk.db.transaction() as session:
            row = await session.get_one(type(attempt), attempt.id)
            row.outcome, row.tries, row.not_before = "sending", 3, reach.desk.now
    await reach.send()
    assert (await reach.attempt(0)).outcome == "unknown"
    assert reach.sink.mails == []


async def test_several_replicas_send_each_page_once(reach: Reach) -> None:
    reach.team(MAIL)
    for number in range(6):
        await reach.desk.opened(cause=f"cause {number}")
    senders = [reach.sender() for _ in range(3)]
    await asyncio.gather(*(sender.work() for sender in senders))
    await asyncio.gather(*(sender.settled() for sender in senders))
    assert len(reach.sink.mails) == len({mail.message["Message-ID"] for mail in reach.sink.mails}) == 6


async def test_a_missing_secret_and_a_missing_set_up_say_what_to_do(reach: Reach) -> None:
    nobody = Contact("pagerduty", {"pagerduty": "PAGERDUTY_NOBODY"})
    reach.team(nobody, Contact("twilio", {"number": "+34600000000"}), Contact("pigeon", {"pigeon": "x"}))
    await reach.desk.opened()
    await reach.send()
    assert [outcome for _, outcome in await reach.desk.attempts()][:2] == ["failed", "failed"]
    assert await reach.desk.said("PAGERDUTY_NOBODY is not set; put it into .env beside the catalog")
    assert await reach.desk.said("contacts.twilio is not set up, or wrong (twilio, number)")


async def test_no_secret_and_no_address_reaches_the_timeline(reach: Reach) -> None:
    reach.team(MAIL, PAGERDUTY, PHONE, reach.hook)
    reach.sink.refusal = "550 maria@example.com"
    reach.other.faults = [400, 400, 400]
    await reach.desk.opened()
    await reach.send()
    told = "\n".join(entry.text for entry in await reach.desk.timeline())
    for secret in ("maria@example.com", "600000000", ROUTING_KEY, WEBHOOK_SECRET, "/ack/", "/pages"):
        assert secret not in told
