"""What people change about incidents, reminders, kept messages, and the postmortem's facts, on both engines."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from pydantic import SecretStr
from starlette.applications import Starlette

from bot.catalog import Catalog, parse_catalog
from bot.cli import main
from bot.http import postmortem as postmortem_http
from bot.http.problems import EXCEPTION_HANDLERS
from bot.incidents import changes, findings, follow_ups, incidents, notes, pictures, postmortem, roles, timeline
from bot.incidents.notes import Said
from bot.incidents.pictures import Attached
from bot.incidents.reminders import Reminder
from bot.incidents.severity import Severity
from bot.incidents.status import Status
from bot.paging import escalation
from bot.settings import Settings
from bot.store.database import Database
from bot.store.tables import Finding, Incident

MINUTE = timedelta(minutes=1)
CATALOG = """
badday: 1
people:
  maria: {name: Maria Ortiz, email: maria@example.com, timezone: Europe/Madrid}
  sam: {name: Sam Lee, email: sam@example.com}
providers:
  northwind: {status: https://status.northwind.example}
systems:
  support-bot: {owner: maria, channel: support-bot, depends_on: [northwind], updates: 30m}
"""
PNG = b"\x89PNG\r\n\x1a\n" + b"rest"


@pytest.fixture
def catalog() -> Catalog:
    return parse_catalog(CATALOG)


async def opened(db: Database, catalog: Catalog, now: datetime, *, severity: str = "sev2") -> int:
    async with db.transaction() as session:
        incident = await incidents.open_incident(
            session,
            catalog,
            system="support-bot",
            cause="test",
            title="Answers are empty",
            severity=severity,
            known="since noon",
            actor="sam",
            now=now,
        )
    assert incident.id is not None
    return incident.id


async def said(db: Database, number: int) -> list[tuple[str, str]]:
    async with db.reading() as session:
        return [(entry.kind, entry.text) for entry in await timeline.entries(session, number)]


async def test_a_severity_that_a_person_lowered_is_raised_again_only_by_a_graver_finding(
    db: Database, catalog: Catalog, now: datetime
) -> None:
    async def found(subject: str, severity: str) -> None:
        finding = Finding(
            kind=f"kind_{subject}",
            subject="northwind",
            system="support-bot",
            provider="northwind",
            severity=severity,
            title=f"Northwind: {subject}",
            evidence={"known": subject},
            dedupe_key=subject,
            opened_at=now,
        )
        async with db.transaction() as session:
            session.add(finding)
            await session.flush()
            await findings.opened(session, catalog, finding, now=now)

    async def severity() -> str:
        async with db.reading() as session:
            return (await session.get_one(Incident, 1)).severity

    await found("slow", "sev2")
    async with db.transaction() as session:
        outcome = await changes.set_severity(session, catalog, 1, severity=Severity.SEV3, actor="sam", now=now)
    assert outcome.applied
    await found("slower", "sev2")
    assert await severity() == "sev3"
    async with db.reading() as session:
        assert await escalation.of(session, 1) is None
    await found("down", "sev1")
    assert await severity() == "sev1"
    async with db.reading() as session:
        assert await escalation.of(session, 1) is not None


async def test_a_raise_pages_nobody_while_somebody_has_it(db: Database, catalog: Catalog, now: datetime) -> None:
    number = await opened(db, catalog, now, severity="sev3")
    async with db.transaction() as session:
        await incidents.acknowledge(session, number, version=None, actor="sam", now=now)
        await changes.set_severity(session, catalog, number, severity=Severity.SEV1, actor="sam", now=now)
        assert await escalation.of(session, number) is None
    assert ("severity", "Severity changed from sev3 to sev1; it is acknowledged, so nobody is paged") in await said(
        db, number
    )


async def test_the_same_status_again_is_refused_unless_something_new_is_said(
    db: Database, catalog: Catalog, now: datetime
) -> None:
    number = await opened(db, catalog, now)
    async with db.transaction() as session:
        again = await changes.set_status(session, number, status=Status.INVESTIGATING, actor="sam", now=now)
        news = await changes.set_status(
            session, number, status=Status.INVESTIGATING, words="the logs are in", actor="sam", now=now
        )
    assert (again.applied, again.refusal, news.applied) == (False, "already investigating", True)
    assert ("status", "Still investigating: the logs are in") in await said(db, number)


async def test_a_reopened_incident_starts_over(db: Database, catalog: Catalog, now: datetime) -> None:
    number = await opened(db, catalog, now)
    async with db.transaction() as session:
        await changes.set_status(session, number, status=Status.MONITORING, actor="sam", now=now)
        await incidents.resolve(session, number, version=None, actor="sam", now=now, resolution="It was the cap")
    assert await opened(db, catalog, now + MINUTE) == number
    async with db.reading() as session:
        incident = await session.get_one(Incident, number)
    assert (incident.status, incident.resolution, incident.reopened) == ("investigating", "", 1)


async def test_a_role_has_one_person_and_a_word_of_the_teams_own_is_one(
    db: Database, catalog: Catalog, now: datetime
) -> None:
    number = await opened(db, catalog, now)
    assert (roles.role_of("Comms"), roles.role_of("legal"), roles.role_of("<!here>")) == (
        "communications",
        "legal",
        None,
    )
    async with db.transaction() as session:
        for person in ("maria", "sam"):
            await roles.give(session, number, role="lead", person=person, called=person, actor="maria", now=now)
        (held,) = await roles.of_incident(session, number)
        again = await roles.give(session, number, role="lead", person="sam", called="Sam", actor="maria", now=now)
    assert (held.person, again.applied) == ("sam", False)


async def test_a_message_is_kept_once_also_by_two_at_a_time(db: Database, catalog: Catalog, now: datetime) -> None:
    number = await opened(db, catalog, now)
    message = Said("C1", "1772442000.000100", "sam", now - MINUTE, "look", [Attached("F1", "a.png", "image/png", 10)])

    async def keep(actor: str) -> bool:
        async with db.transaction() as session:
            return (await notes.keep(session, number, message, actor=actor, now=now))[1]

    assert sorted(await asyncio.gather(keep("maria"), keep("sam"))) == [False, True]
    async with db.reading() as session:
        (picture,) = await pictures.awaited(session)
    assert picture.slack_file == "F1"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", None),
        (b"<html>", None),
        (b"", None),
    ],
)
def test_a_picture_is_known_by_its_first_bytes(content: bytes, kind: str | None) -> None:
    assert pictures.type_of(content) == kind


async def test_whoever_has_it_is_reminded_after_silence_and_not_while_something_is_said(
    db: Database, catalog: Catalog, now: datetime
) -> None:
    number = await opened(db, catalog, now)
    clock = [now]
    first, second = (Reminder(db, lambda: catalog, lambda: clock[0]) for _ in range(2))
    clock[0] = now + 40 * MINUTE
    assert await first.remind() == 0, "nobody has it yet: paging goes on"
    async with db.transaction() as session:
        await incidents.acknowledge(session, number, version=None, actor="sam", now=clock[0])
    assert await first.remind() == 0
    clock[0] += 29 * MINUTE
    async with db.transaction() as session:
        await notes.write(session, number, text="still looking", actor="maria", now=clock[0])
    clock[0] += 2 * MINUTE
    assert await first.remind() == 0, "something was said two minutes ago"
    clock[0] += 28 * MINUTE
    assert sum(await asyncio.gather(first.remind(), second.remind())) == 1
    clock[0] += 29 * MINUTE
    assert await second.remind() == 0
    clock[0] += MINUTE
    assert await second.remind() == 1
    async with db.transaction() as session:
        await incidents.resolve(session, number, version=None, actor="sam", now=clock[0])
    clock[0] += 60 * MINUTE
    assert await second.remind() == 0
    assert [text for kind, text in await said(db, number) if kind == "reminder"] == ["Asks Sam Lee how it stands"] * 2


async def test_follow_ups_are_those_of_a_person_the_soonest_first(
    db: Database, catalog: Catalog, now: datetime
) -> None:
    number = await opened(db, catalog, now)
    async with db.transaction() as session:
        for text, due in (("without a day", None), ("later", now + 90 * MINUTE), ("soon", now + MINUTE)):
            await follow_ups.add(session, number, text=text, owner="sam", due=due, actor="maria", now=now)
        await follow_ups.done(session, number, 2, actor="sam", now=now)
        with pytest.raises(follow_ups.FollowUpError, match="was done already"):
            await follow_ups.done(session, number, 2, actor="sam", now=now)
        assert [row.text for row in await follow_ups.open_of(session, "sam")] == ["soon", "without a day"]


async def a_told_incident(db: Database, catalog: Catalog, now: datetime) -> int:
    number = await opened(db, catalog, now)
    async with db.transaction() as session:
        await incidents.acknowledge(session, number, version=None, actor="sam", now=now + 3 * MINUTE)
        message = Said("C1", "1.0", "sam", now + 4 * MINUTE, "a graph", [Attached("F1", "graph.png", "image/png", 12)])
        await notes.keep(session, number, message, actor="maria", now=now + 5 * MINUTE)
        (picture,) = await pictures.awaited(session)
        assert await pictures.fetched(session, picture.id or 0, PNG) is None
        await follow_ups.add(session, number, text="Cut prompts", owner="sam", due=None, actor="sam", now=now)
        await incidents.resolve(
            session, number, version=None, actor="sam", now=now + 40 * MINUTE, resolution="Long prompts"
        )
    return number


async def test_the_facts_of_a_postmortem_are_those_of_the_incident(
    db: Database, catalog: Catalog, now: datetime
) -> None:
    number = await a_told_incident(db, catalog, now)
    async with db.reading() as session:
        facts = await postmortem.collect(session, catalog, number, now=now + 60 * MINUTE)
    assert (facts["lasted"], facts["to_ack"], facts["to_page"]) == ("40 min", "3 min", "")
    assert facts["opened"] == "2026-03-02 10:00 CET, 09:00 UTC"
    assert facts["resolution"] == "Long prompts"
    note = next(entry for entry in facts["timeline"] if entry["kind"] == "note")
    assert (note["who"], note["local"], note["utc"]) == ("Sam Lee", "10:04:00", "09:04:00 UTC")
    assert note["pictures"][0]["address"].startswith("data:image/png;base64,")
    assert [page["who"] for page in facts["pages"]] == ["Maria Ortiz"]
    assert facts["follow_ups"][0]["owner"] == "Sam Lee"
    assert postmortem.html(facts).content.startswith(b"<!DOCTYPE html>")
    assert b"# Postmortem 1" in postmortem.markdown(facts).content


@pytest.mark.parametrize(
    ("path", "address", "token", "status"),
    [
        ("1/postmortem", "127.0.0.1", None, 200),
        ("1/postmortem?format=markdown", "192.0.2.7", "secret", 200),
        ("1/postmortem", "192.0.2.7", None, 401),
        ("1/postmortem", "192.0.2.7", "wrong", 401),
        ("9/postmortem", "127.0.0.1", None, 404),
        ("99999999999999999999/postmortem", "127.0.0.1", None, 404),
        ("x/postmortem", "127.0.0.1", None, 404),
        ("1/postmortem?format=pdf", "127.0.0.1", None, 400),
    ],
)
async def test_a_postmortem_is_for_this_machine_and_holders_of_the_admin_token(
    db: Database, catalog: Catalog, now: datetime, path: str, address: str, token: str | None, status: int
) -> None:
    await a_told_incident(db, catalog, now)
    settings = Settings(api_token=SecretStr("secret"))
    routes = postmortem_http.routes(settings, db, lambda: catalog, lambda: now)
    app = Starlette(routes=routes, exception_handlers=EXCEPTION_HANDLERS)
    transport = httpx.ASGITransport(app, client=(address, 5000))
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx.AsyncClient(transport=transport, base_url="http://bot.test") as http:
        answer = await http.get(f"/incidents/{path}", headers=headers)
    assert answer.status_code == status
    if status == 200:
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"


def test_the_command_line_prints_a_postmortem_or_writes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "badday.yaml").write_text(CATALOG)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'badday.db'}")

    async def fill() -> None:
        from bot.store import migrate

        db = Database(f"sqlite:///{tmp_path / 'badday.db'}")
        await migrate.upgrade(db.engine)
        await a_told_incident(db, parse_catalog(CATALOG), datetime(2026, 3, 2, 9, 0, tzinfo=UTC))
        await db.close()

    asyncio.run(fill())
    runner = CliRunner()
    printed = runner.invoke(main, ["postmortem", "1"])
    assert printed.exit_code == 0
    assert printed.output.startswith("# Postmortem 1: Answers are empty")
    written = runner.invoke(main, ["postmortem", "1", "--html", "--out", "pm.html"])
    assert written.exit_code == 0
    assert (tmp_path / "pm.html").read_bytes().startswith(b"<!DOCTYPE html>")
    assert runner.invoke(main, ["postmortem", "7"]).exit_code == 1
    assert runner.invoke(main, ["postmortem", "1", "--out", "no/such/folder/pm.md"]).exit_code == 2
