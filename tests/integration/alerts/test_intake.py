"""From a posted alert to its incident, on both engines."""

import asyncio
from datetime import datetime, timedelta

import httpx
import pytest
from pydantic import SecretStr

from bot.alerts import telling
from bot.alerts.intake import AlertIntake
from bot.incidents import incidents, opening
from bot.settings import Settings
from bot.store import tokens
from bot.store.database import Database
from bot.store.tables import Alert, Escalation, Incident, OutboxMessage, Page
from bot.store.tokens import TokenScope
from tests.integration.alerts.desk import AlertDesk, alert, an_alert_desk, over


async def test_an_alert_opens_an_incident_that_pages_the_owner(desk: AlertDesk) -> None:
    sent = alert(severity="critical") | {"annotations": {"summary": "Jobs wait", "description": "1,200 of them"}}
    answer = await desk.post(sent)
    assert (answer.status_code, answer.content) == (200, b"")
    (incident,) = await desk.incidents()
    assert (incident.cause, incident.title, incident.severity) == ("alert:QueueFull", "Jobs wait", "sev1")
    assert (incident.known, incident.owner, incident.channel) == ("1,200 of them", "maria", "support-bot")
    assert len(await desk.messages("incident_root")) == 1
    (escalation,) = await desk.all(Escalation)
    assert escalation.incident_id == incident.id
    assert [page.person for page in await desk.all(Page)] == ["maria"]
    assert len(await desk.messages("page")) == 1


async def test_a_warning_only_tells_the_thread(desk: AlertDesk) -> None:
    await desk.post(alert(severity="warning"))
    (incident,) = await desk.incidents()
    assert incident.severity == "sev3"
    assert not await desk.all(Page)


async def test_each_alertname_of_a_system_is_an_incident_of_its_own(desk: AlertDesk) -> None:
    await desk.post(alert("A"), alert("B"), alert("A", instance="2"), alert("A", system="search"))
    assert {(one.system, one.cause) for one in await desk.incidents()} == {
        ("support-bot", "alert:A"),
        ("support-bot", "alert:B"),
        ("search", "alert:A"),
    }


async def test_a_thousand_alerts_of_ten_causes_are_ten_messages(desk: AlertDesk) -> None:
    sent = [alert(f"Cause{number % 10}", n=str(number), severity="warning") for number in range(1000)]
    for first in range(0, 1000, 100):
        assert (await desk.post(*sent[first : first + 100])).status_code == 200
    assert await desk.count(Alert) == 1000
    assert len(await desk.incidents()) == 10
    assert await desk.count(OutboxMessage) == 10
    known = {one.known for one in await desk.incidents()}
    assert known == {f"100 alerts firing, newest: n {990 + cause}" for cause in range(10)}


async def test_a_repeated_alert_says_nothing_and_changes_no_more_than_its_end(desk: AlertDesk) -> None:
    await desk.post(alert() | {"endsAt": (desk.now + timedelta(minutes=4)).isoformat()})
    (before,) = await desk.alerts()
    messages, entries = await desk.count(OutboxMessage), len(await desk.timeline())
    end = desk.passes(minutes=1) + timedelta(minutes=4)
    await desk.post(alert() | {"endsAt": end.isoformat()})
    (after,) = await desk.alerts()
    assert after.ends_at == end
    assert (after.revision, after.changed_at) == (before.revision, before.changed_at)
    assert (await desk.count(OutboxMessage), len(await desk.timeline())) == (messages, entries)


async def test_words_that_change_are_taken_over_without_a_note(desk: AlertDesk) -> None:
    await desk.post(alert() | {"annotations": {"description": "12 %"}})
    entries = len(await desk.timeline())
    await desk.post(alert() | {"annotations": {"description": "13 %"}})
    (incident,) = await desk.incidents()
    assert incident.known == "13 %"
    assert len(await desk.timeline()) == entries


async def test_a_graver_alert_makes_the_incident_graver_and_pages(desk: AlertDesk) -> None:
    await desk.post(alert(severity="warning"))
    await desk.post(alert(severity="critical", instance="2"))
    (incident,) = await desk.incidents()
    assert incident.severity == "sev1"
    assert len(await desk.all(Escalation)) == 1


async def test_the_incident_resolves_when_all_its_alerts_have(desk: AlertDesk) -> None:
    first, second = alert(instance="1"), alert(instance="2")
    await desk.post(first, second)
    await desk.post(over(first))
    desk.passes(seconds=1)
    await desk.closes()
    (incident,) = await desk.incidents()
    assert incident.resolved_at is None
    assert incident.known == "instance 2"
    await desk.post(over(second))
    await desk.closes()
    (incident,) = await desk.incidents()
    assert incident.resolved_at is not None
    assert [one.cleared_at for one in await desk.findings()] == [desk.now]


async def test_an_alert_that_is_back_soon_reopens_its_incident(desk: AlertDesk) -> None:
    await desk.post(alert())
    await desk.post(over(alert()))
    await desk.closes()
    desk.passes(minutes=5)
    await desk.post(alert())
    (incident,) = await desk.incidents()
    assert (incident.resolved_at, incident.reopened) == (None, 1)
    (row,) = await desk.alerts()
    assert (row.firing, row.revision) == (True, 3)


async def test_the_end_of_what_was_never_heard_of_is_nothing(desk: AlertDesk) -> None:
    assert (await desk.post(over(alert()))).status_code == 200
    assert not await desk.alerts()


async def test_a_new_alert_of_an_incident_that_people_ended_reopens_it(desk: AlertDesk) -> None:
    await desk.post(alert(instance="1"))
    (incident,) = await desk.incidents()
    async with desk.db.transaction() as session:
        await incidents.resolve(session, incident.id or 0, version=None, actor="maria", now=desk.now)
    await desk.post(alert(instance="1"))
    assert (await desk.incidents())[0].resolved_at is not None
    await desk.post(alert(instance="2"))
    assert (await desk.incidents())[0].resolved_at is None


async def test_an_alert_whose_end_passes_without_being_sent_again_is_over(desk: AlertDesk) -> None:
    await desk.post(alert() | {"endsAt": (desk.now + timedelta(minutes=4)).isoformat()}, alert("Other"))
    desk.passes(minutes=3)
    assert await desk.handler.work() == 0
    desk.passes(minutes=1)
    assert await desk.handler.work() == 1
    await desk.closes()
    assert [(one.cause, one.resolved_at is not None) for one in await desk.incidents()] == [
        ("alert:QueueFull", True),
        ("alert:Other", False),
    ]
    assert await desk.handler.work() == 0


async def test_what_cannot_be_told_now_is_kept_and_told_later(desk: AlertDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_given: object, **_named: object) -> None:
        raise ValueError("as the test says")

    def broken_too(*_given: object, **_named: object) -> None:
        raise ValueError("as the test says")

    with monkeypatch.context() as patched:
        patched.setattr(telling, "tell", broken)
        patched.setattr(opening, "open_all", broken_too)
        assert (await desk.post(alert("A"), alert("B"))).status_code == 200
        assert await desk.handler.work() == 0
    assert not await desk.incidents()
    assert {row.handled_revision for row in await desk.alerts()} == {0}
    assert await desk.handler.work() == 2
    assert len(await desk.incidents()) == 2
    assert {row.handled_revision for row in await desk.alerts()} == {1}


async def test_a_race_of_duplicates_makes_one_row(desk: AlertDesk) -> None:
    apps = [desk.app(), desk.app()]  # as two processes have it
    clients = [httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://badday") for app in apps]

    async def sender(number: int) -> list[int]:
        client = clients[number % 2]
        return [(await client.post("/api/v2/alerts", json=[alert()])).status_code for _ in range(40)]

    answers = await asyncio.gather(*(sender(number) for number in range(8)))
    for client in clients:
        await client.aclose()
    assert {status for each in answers for status in each} == {200}
    assert len(await desk.alerts()) == 1
    assert len(await desk.incidents()) == 1
    assert len(await desk.messages("incident_root")) == 1


async def test_replicas_that_take_in_the_same_causes_neither_fail_nor_double(desk: AlertDesk) -> None:
    intakes = [AlertIntake(desk.db, lambda: desk.catalog, desk.clock) for _ in range(3)]
    clients = [
        httpx.AsyncClient(transport=httpx.ASGITransport(desk.app(intake)), base_url="http://badday")
        for intake in intakes
    ]

    async def sender(number: int) -> list[int]:
        names = [f"Cause{(number + step) % 5}" for step in range(10)]
        sent = [[alert(name, n=f"{number}-{name}") for name in names]] * 3
        return [(await clients[number % 3].post("/api/v2/alerts", json=each)).status_code for each in sent]

    answers = await asyncio.gather(*(sender(number) for number in range(6)))
    for client in clients:
        await client.aclose()
    assert {status for each in answers for status in each} == {200}
    assert len(await desk.alerts()) == 30
    assert len(await desk.incidents()) == 5
    assert {one.known.split(",")[0] for one in await desk.incidents()} == {"6 alerts firing"}


async def test_bad_bodies_are_refused_with_the_field_named(desk: AlertDesk) -> None:
    answer = await desk.post(alert(), alert("Other"), alert(system="nobody"))
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert (told["field"], told["accepted"], told["refused"]) == ("[2].labels.system", 2, 1)
    assert len(await desk.incidents()) == 2
    answer = await desk.post(alert("New"), {"labels": {"alertname": 5}})
    assert (answer.status_code, answer.json()["field"]) == (400, "[1].labels.alertname")
    assert len(await desk.incidents()) == 2
    big = b'[{"labels": {"alertname": "' + b"a" * (9 * 1024 * 1024) + b'"}}]'
    assert (await desk.client.post("/api/v2/alerts", content=big)).status_code == 413
    answer = await desk.client.post("/api/v2/alerts", content=b"x", headers={"Content-Encoding": "br"})
    assert (answer.status_code, answer.json()["field"]) == (415, "Content-Encoding")
    assert (await desk.client.get("/api/v2/alerts")).status_code == 405


async def test_webhooks(desk: AlertDesk) -> None:
    labels = alert("Answers are slow")
    for path in ("/hooks/alertmanager", "/hooks/grafana"):
        answer = await desk.post({"alerts": [labels | {"status": "firing"}]}, path=path)
        assert (answer.status_code, answer.json()) == (200, {"accepted": 1})
    assert len(await desk.alerts()) == 1
    await desk.post({"alerts": [labels | {"status": "resolved"}]}, path="/hooks/grafana")
    assert [row.firing for row in await desk.alerts()] == [False]
    generic = {"system": "search", "cause": "nightly-evals", "status": "firing", "title": "Evals are late"}
    assert (await desk.post(generic, path="/hooks/generic")).status_code == 200
    assert (await desk.incidents())[-1].title == "Evals are late"
    await desk.post(generic | {"status": "resolved"}, path="/hooks/generic")
    await desk.closes()
    assert (await desk.incidents())[-1].resolved_at is not None


async def test_what_amtool_and_grafana_look_at_first_is_there(desk: AlertDesk) -> None:
    assert (await desk.client.get("/-/ready")).status_code == 200
    assert (await desk.client.get("/-/healthy")).status_code == 200
    status = (await desk.client.get("/api/v2/status")).json()
    assert status["cluster"]["status"] == "disabled"


async def test_with_a_token_only_its_holders_send(db: Database, now: datetime) -> None:
    async with an_alert_desk(db, now, settings=Settings(api_token=SecretStr("secret"))) as desk:
        assert (await desk.post(alert())).status_code == 401
        async with db.transaction() as session:
            mine = await tokens.create(session, "search", TokenScope.INGEST, actor="maria", now=now)
            wrong = await tokens.create(session, "search", TokenScope.READ, actor="maria", now=now)
        assert (await desk.post(alert(), headers={"Authorization": "Bearer secret"})).status_code == 200
        assert (await desk.post(alert(), headers={"Authorization": f"Bearer {wrong.token}"})).status_code == 403
        answer = await desk.post(alert(), headers={"Authorization": f"Bearer {mine.token}"})
        assert (answer.status_code, answer.json()["field"]) == (403, "[0].labels.system")
        assert (await desk.post({"labels": {"alertname": "A"}}, auth=("any", mine.token))).status_code == 200
        assert {(one.system, one.cause) for one in await desk.incidents()} == {
            ("support-bot", "alert:QueueFull"),
            ("search", "alert:A"),
        }


async def test_a_database_that_does_not_answer_is_503(desk: AlertDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_options: object) -> None:
        raise OSError("as the test says")

    async def broken_too(*_given: object, **_named: object) -> None:
        broken()

    monkeypatch.setattr(desk.db, "transaction", broken)
    monkeypatch.setattr(desk.db, "batch", broken_too)
    answer = await desk.post(alert())
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


async def test_alerts_of_a_system_that_left_the_catalog_trouble_nobody(desk: AlertDesk) -> None:
    await desk.post(alert(system="search") | {"endsAt": (desk.now + timedelta(minutes=1)).isoformat()})
    desk.catalog = desk.catalog.__class__(people=desk.catalog.people, systems={})
    desk.passes(minutes=2)
    assert await desk.handler.work() == 1
    assert await desk.handler.work() == 0
    assert len(await desk.all(Incident)) == 1
