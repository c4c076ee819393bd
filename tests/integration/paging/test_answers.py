"""How people answer outside of Slack: the link's page, PagerDuty's webhook, a key on the phone; on both engines."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.applications import Starlette

from bot.http import acks, pagerduty, problems, twilio
from bot.paging import contact_tests
from bot.paging.contacts.twilio import signature
from tests.integration.paging.conftest import SLACK, Desk
from tests.integration.paging.reach import PAGERDUTY_SECRET, TOKEN
from tests.integration.paging.reaching import MAIL, PAGERDUTY, PHONE, PUBLIC, Reach, then

MINUTE = timedelta(minutes=1)


class Face:
    """Badday's routes as PagerDuty, Twilio and browsers reach them."""

    def __init__(self, reach: Reach, client: httpx.AsyncClient) -> None:
        self.reach, self.client = reach, client

    async def link(self, *, of: int = 0) -> str:
        """The path in the newest mail, or that of an earlier one."""
        found = re.search(r"/ack/\S+", self.reach.sink.mails[of - 1 if of else -1].text())
        assert found is not None
        return found[0]

    async def pagerduty(
        self, kind: str, *, agent: Any = ..., key: str | None = None, secret: str = PAGERDUTY_SECRET
    ) -> httpx.Response:
        """An event as PagerDuty signs it; by Sam unless said otherwise."""
        by = {"id": "P1", "type": "user_reference", "summary": "Sam Lee"} if agent is ... else agent
        incident_key = key or self.reach.other.events()[-1]["dedup_key"]
        event = {"event_type": kind, "agent": by, "data": {"type": "incident", "incident_key": incident_key}}
        body = json.dumps({"event": event}).encode()
        ours = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"X-PagerDuty-Signature": f"v1={'0' * 64},v1={ours}"}
        return await self.client.post("/hooks/pagerduty", content=body, headers=headers)

    async def twilio(self, token: str = TOKEN, **fields: str) -> httpx.Response:
        """What Twilio posts to the address of the newest call."""
        calls = [got for got in self.reach.other.got if got.path.endswith("/Calls.json")]
        url = calls[-1].form()["StatusCallback"]
        form = {"CallSid": f"CA{len(self.reach.other.got):032}", "CallStatus": "in-progress"} | fields
        headers = {
            "X-Twilio-Signature": signature(token, url, form.items()),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        return await self.client.post(url.removeprefix(PUBLIC), content=urlencode(form), headers=headers)


@pytest.fixture
async def face(reach: Reach) -> AsyncIterator[Face]:
    desk = reach.desk
    app = Starlette(
        routes=[
            *acks.routes(desk.db, lambda: desk.catalog, lambda: desk.now),
            *pagerduty.routes(desk.db, lambda: desk.catalog, reach.secrets, lambda: desk.now),
            *twilio.routes(desk.db, lambda: desk.catalog, reach.secrets, lambda: desk.now, public_url=PUBLIC),
        ],
        exception_handlers=problems.EXCEPTION_HANDLERS,
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=PUBLIC) as client:
        yield Face(reach, client)


async def mailed(reach: Reach) -> None:
    reach.team(MAIL)
    await reach.desk.opened()
    await reach.send()


async def test_to_open_a_link_shows_the_incident_and_changes_nothing(face: Face) -> None:
    await mailed(face.reach)
    for method in ("GET", "HEAD", "GET"):
        answer = await face.client.request(method, await face.link())
        assert answer.status_code == 200
    assert "Answers are wrong" in answer.text
    assert "Waiting since 2026-03-02 09:00 UTC." in answer.text
    assert "As Maria Ortiz." in answer.text
    assert (await face.reach.desk.incident()).state == "triggered"


async def test_the_page_is_kept_by_nobody_and_runs_no_scripts(face: Face) -> None:
    await mailed(face.reach)
    answer = await face.client.get(await face.link())
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in answer.headers["X-Robots-Tag"]
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    style = re.search(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    assert style is not None
    digest = hashlib.sha256(style[1].encode()).digest()
    assert base64.b64encode(digest).decode() in policy
    assert "<script" not in answer.text


async def test_the_button_acknowledges_as_the_person_whose_link_it_is(face: Face) -> None:
    await mailed(face.reach)
    answer = await face.client.post(await face.link())
    assert answer.status_code == 200
    assert "Acknowledged by you at 09:00 UTC." in answer.text
    incident = await face.reach.desk.incident()
    assert (incident.state, incident.acknowledged_by) == ("acknowledged", "maria")
    assert await face.reach.desk.said("Acknowledged by the link in an e-mail")
    again = await face.client.post(await face.link())
    assert (again.status_code, "Acknowledged by you" in again.text) == (200, True)


async def test_who_comes_too_late_is_told_who_it_was(face: Face) -> None:
    await mailed(face.reach)
    await face.reach.desk.acknowledged("sam")
    answer = await face.client.post(await face.link())
    assert answer.status_code == 409
    assert "Acknowledged by Sam Lee at 09:00 UTC. Nothing was changed." in answer.text
    assert (await face.client.get(await face.link())).status_code == 200


async def test_a_resolved_incident_leaves_nothing_to_acknowledge(face: Face) -> None:
    await mailed(face.reach)
    await face.reach.desk.resolved("sam")
    answer = await face.client.post(await face.link())
    assert answer.status_code == 409
    assert "Resolved by Sam Lee" in answer.text
    shown = await face.client.get(await face.link())
    assert (shown.status_code, "<button" in shown.text) == (200, False)


async def test_unknown_and_expired_links_say_so(face: Face) -> None:
    await mailed(face.reach)
    for method in ("GET", "POST"):
        unknown = await face.client.request(method, "/ack/nothing-of-ours")
        assert (unknown.status_code, "This link is not known" in unknown.text) == (404, True)
    face.reach.desk.now += timedelta(days=3)
    for method in ("GET", "POST"):
        expired = await face.client.request(method, await face.link())
        assert (expired.status_code, "This link has expired" in expired.text) == (410, True)
    assert (await face.reach.desk.incident()).state == "triggered"


async def test_what_comes_from_outside_is_text_on_the_page(face: Face) -> None:
    face.reach.team(MAIL)
    desk = face.reach.desk
    await desk.opened()
    async with desk.db.transaction() as session:
        incident = await session.get_one(type(await desk.incident()), 1)
        incident.title, incident.known = "<script>alert(1)</script>", "a & b\n<b>"
    await face.reach.send()
    assert "<script>" not in face.reach.sink.mails[0].text("html")
    page = (await face.client.get(await face.link())).text
    assert "&lt;script&gt;" in page
    assert "<script" not in page


async def test_where_several_have_to_acknowledge_the_link_counts_for_one(face: Face) -> None:
    face.reach.team(MAIL)
    desk = face.reach.desk
    policy = next(iter(desk.catalog.policies.values()))
    desk.catalog = replace(desk.catalog, policies={policy.name: replace(policy, acknowledgements=2)})
    await desk.opened()
    await face.reach.send()
    answer = await face.client.post(await face.link())
    assert (answer.status_code, "Acknowledged by you" in answer.text) == (200, True)
    assert (await desk.incident()).state == "triggered"


async def test_an_acknowledgement_in_pagerduty_acknowledges_here_with_who(face: Face) -> None:
    reach = face.reach
    reach.team(PAGERDUTY)
    await reach.desk.opened()
    await reach.send()
    answer = await face.pagerduty("incident.acknowledged")
    assert (answer.status_code, answer.json()) == (202, {"done": "applied"})
    incident = await reach.desk.incident()
    assert (incident.state, incident.acknowledged_by) == ("acknowledged", "sam")
    assert await reach.desk.said("Acknowledged in PagerDuty")
    await reach.tell()
    assert [one["event_action"] for one in reach.other.events()] == ["trigger"], "it knows that already"
    assert (await face.pagerduty("incident.acknowledged")).json() == {"done": "already acknowledged"}


async def test_a_resolution_in_pagerduty_resolves_here_also_by_somebody_unknown(face: Face) -> None:
    reach = face.reach
    reach.team(PAGERDUTY)
    await reach.desk.opened()
    await reach.send()
    who = {"type": "user_reference", "summary": "Robin of  Operations"}
    assert (await face.pagerduty("incident.resolved", agent=who)).json() == {"done": "applied"}
    incident = await reach.desk.incident()
    assert (incident.state, incident.resolved_by) == ("resolved", "Robin of Operations")
    await reach.tell()
    assert len(reach.other.events()) == 1


@pytest.mark.parametrize("agent", [None, {"type": "service_reference", "summary": "Support"}])
async def test_what_pagerduty_does_by_itself_decides_nothing(face: Face, agent: Any) -> None:
    reach = face.reach
    reach.team(PAGERDUTY)
    await reach.desk.opened()
    await reach.send()
    assert (await face.pagerduty("incident.resolved", agent=agent)).json() == {"done": "nothing"}
    assert (await reach.desk.incident()).state == "triggered"


async def test_events_of_other_kinds_and_of_other_incidents_are_accepted_and_do_nothing(face: Face) -> None:
    reach = face.reach
    reach.team(PAGERDUTY)
    await reach.desk.opened()
    await reach.send()
    for kind in ("pagey.ping", "incident.triggered", "incident.annotated"):
        answer = await face.pagerduty(kind)
        assert (answer.status_code, answer.json()) == (202, {"done": "nothing"})
    assert (await face.pagerduty("incident.acknowledged", key="not-ours")).json() == {"done": "unknown"}


async def test_an_event_that_is_not_signed_with_the_secret_is_refused(face: Face) -> None:
    reach = face.reach
    reach.team(PAGERDUTY)
    await reach.desk.opened()
    await reach.send()
    refused = await face.pagerduty("incident.acknowledged", secret="another")
    assert (refused.status_code, refused.json()["field"]) == (401, "X-PagerDuty-Signature")
    unsigned = await face.client.post("/hooks/pagerduty", json={"event": {}})
    assert unsigned.status_code == 401
    reach.desk.catalog = type(reach.desk.catalog)(people=reach.desk.catalog.people)
    unset = await face.pagerduty("incident.acknowledged")
    assert (unset.status_code, "webhook_secret" in unset.json()["detail"]) == (401, True)
    assert (await reach.desk.incident()).state == "triggered"


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b'{"messages": []}'])
async def test_a_body_that_is_no_event_is_refused_with_the_field(face: Face, body: bytes) -> None:
    face.reach.team(PAGERDUTY)
    ours = hmac.new(PAGERDUTY_SECRET.encode(), body, hashlib.sha256).hexdigest()
    answer = await face.client.post("/hooks/pagerduty", content=body, headers={"X-PagerDuty-Signature": f"v1={ours}"})
    assert (answer.status_code, answer.json()["field"] in ("body", "event")) == (400, True)


async def called(reach: Reach) -> None:
    reach.team(PHONE, then(MAIL))
    await reach.desk.opened()
    await reach.send()


async def test_pressing_1_acknowledges_and_the_call_counts_as_delivered(face: Face) -> None:
    await called(face.reach)
    answer = await face.twilio(Digits="1")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/xml")
    assert "<Say>Acknowledged. Thank you. Goodbye.</Say>" in answer.text
    desk = face.reach.desk
    assert (await desk.incident()).acknowledged_by == "maria"
    assert await desk.said("Acknowledged by phone")
    assert await desk.attempts() == [("twilio", "delivered")]
    assert (await face.twilio(CallStatus="completed")).status_code == 204
    assert await desk.attempts() == [("twilio", "delivered")]


async def test_pressing_2_hands_it_to_whoever_comes_next(face: Face) -> None:
    await called(face.reach)
    answer = await face.twilio(Digits="2")
    assert "Whoever comes next is paged now" in answer.text
    desk = face.reach.desk
    assert await desk.paged() == ["maria", "sam", "ana"]
    assert (await desk.pages())[0].state == "declined"


async def test_any_other_key_changes_nothing(face: Face) -> None:
    await called(face.reach)
    assert "means nothing" in (await face.twilio(Digits="7")).text
    assert (await face.reach.desk.incident()).state == "triggered"
    assert await face.reach.desk.attempts() == [("twilio", "delivered")]


async def test_who_presses_too_late_is_told_who_it_was(face: Face) -> None:
    await called(face.reach)
    await face.reach.desk.acknowledged("sam")
    assert "already acknowledged by Sam Lee" in (await face.twilio(Digits="1")).text
    await face.reach.desk.resolved("ana")
    assert "already resolved by Ana Silva" in (await face.twilio(Digits="2")).text


@pytest.mark.parametrize(
    ("fields", "outcome", "words"),
    [
        ({"CallStatus": "no-answer"}, "failed", "nobody picked up"),
        ({"CallStatus": "busy"}, "failed", "the line was busy"),
        ({"CallStatus": "failed"}, "failed", "could not be connected"),
        ({"CallStatus": "completed", "AnsweredBy": "machine_start"}, "failed", "a machine answered"),
        ({"CallStatus": "completed"}, "unknown", "no key was pressed"),
    ],
)
async def test_a_call_that_reached_nobody_takes_the_next_way_at_once(
    face: Face, fields: dict[str, str], outcome: str, words: str
) -> None:
    await called(face.reach)
    await face.twilio(**fields)
    assert await face.reach.desk.attempts() == [("twilio", outcome), ("email", "pending")]
    assert await face.reach.desk.said(words)
    await face.twilio(**fields)
    assert await face.reach.desk.attempts() == [("twilio", outcome), ("email", "pending")]


async def test_a_call_that_rings_is_waited_for(face: Face) -> None:
    await called(face.reach)
    for status in ("initiated", "ringing", "in-progress", "answered"):
        assert (await face.twilio(CallStatus=status)).status_code == 204
    assert await face.reach.desk.attempts() == [("twilio", "sending")]


async def test_a_key_that_twilio_did_not_sign_is_refused(face: Face) -> None:
    await called(face.reach)
    refused = await face.twilio("another token", Digits="1")
    assert (refused.status_code, refused.json()["field"]) == (401, "X-Twilio-Signature")
    assert (await face.reach.desk.incident()).state == "triggered"


async def started(session: AsyncSession, desk: Desk) -> None:
    """Sam tests Maria's ways."""
    await contact_tests.start(session, desk.catalog, "maria", asked_by="sam", tell="person:sam", name="1", now=desk.now)


async def test_a_test_is_confirmed_by_link_by_key_and_in_pagerduty(face: Face) -> None:
    reach = face.reach
    reach.team(SLACK, MAIL, PAGERDUTY, PHONE)
    desk = reach.desk
    async with desk.db.transaction() as session:
        await started(session, desk)
    await reach.test()
    assert [(one.method, one.outcome) for one in await reach.tests()] == [
        ("slack", "sending"),
        ("email", "delivered"),
        ("pagerduty", "delivered"),
        ("twilio", "sending"),
    ]
    assert "Nothing is wrong" in reach.sink.mails[0].text()
    desk.now += MINUTE
    shown = await face.client.get(await face.link())
    assert "Did the test reach you?" in shown.text
    assert not any(one.confirmed_at for one in await reach.tests())
    assert "Thank you" in (await face.client.post(await face.link())).text
    assert "Thank you" in (await face.client.post(await face.link())).text
    assert (await face.pagerduty("incident.acknowledged")).json() == {"done": "confirmed"}
    assert "written down that this call reached you" in (await face.twilio(Digits="2")).text
    await face.twilio(CallStatus="completed")
    confirmed = {one.method: one.confirmed_at for one in await reach.tests()}
    assert confirmed == {"slack": None, "email": desk.now, "pagerduty": desk.now, "twilio": desk.now}
    async with desk.db.reading() as session:
        assert await contact_tests.last_confirmed(session) == {
            ("maria", way): desk.now for way in ("email", "pagerduty", "twilio")
        }


async def test_a_test_that_failed_says_why_and_is_not_repeated(face: Face) -> None:
    reach = face.reach
    reach.team(MAIL, PHONE)
    reach.sink.refusal = "451 not now"
    desk = reach.desk
    async with desk.db.transaction() as session:
        for _ in range(2):
            await started(session, desk)
    await reach.test()
    await face.twilio(CallStatus="busy")
    desk.now += 5 * MINUTE
    await reach.test()
    assert [(one.outcome, one.detail) for one in await reach.tests()] == [
        ("failed", "the mail server refused it: 451 not now"),
        ("failed", "the line was busy"),
    ]
