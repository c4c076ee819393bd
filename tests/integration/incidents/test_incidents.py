"""Incidents as people and findings move them, on both engines."""

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlmodel import col

from bot.catalog import Catalog, parse_catalog
from bot.incidents import findings, incidents, timeline
from bot.incidents.closing import Closer
from bot.paging import pages
from bot.paging.pager import Pager
from bot.store import leases, outbox
from bot.store.database import Database
from bot.store.tables import Finding, Incident, OutboxMessage

HOLD = timedelta(minutes=5)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def catalog() -> Catalog:
    return parse_catalog("""
badday: 1
people:
  maria: {name: Maria Ortiz, email: maria@example.com}
  sam: {name: Sam Lee, email: sam@example.com}
providers:
  northwind: {status: https://status.northwind.example}
  cirrus: {}
systems:
  support-bot:
    owner: maria
    channel: support-bot
    routes: {chat: {primary: northwind, standbys: [cirrus]}}
  search:
    owner: sam
    channel: search
    depends_on: [northwind]
""")


async def finding_opened(db: Database, catalog: Catalog, now: datetime, *, severity: str = "sev1") -> Finding:
    finding = Finding(
        kind="provider_status",
        subject="northwind",
        watch="status.northwind",
        severity=severity,
        title="Northwind AI reports a major outage",
        evidence={"known": "API: major outage"},
        dedupe_key="provider_status:northwind",
        opened_at=now,
    )
    async with db.transaction() as session:
        session.add(finding)
        await session.flush()
        await findings.opened(session, catalog, finding, now=now)
    return finding


async def finding_cleared(db: Database, finding: Finding, now: datetime) -> None:
    async with db.transaction() as session:
        row = await session.get(Finding, finding.id)
        assert row is not None
        row.cleared_at = now
        await session.flush()
        await findings.cleared(session, row, now=now, hold=HOLD)


async def all_incidents(db: Database) -> list[Incident]:
    async with db.reading() as session:
        return list((await session.execute(select(Incident).order_by(col(Incident.id)))).scalars())


async def messages(db: Database, kind: str) -> list[OutboxMessage]:
    async with db.reading() as session:
        statement = select(OutboxMessage).where(col(OutboxMessage.kind) == kind).order_by(col(OutboxMessage.created_at))
        return list((await session.execute(statement)).scalars())


async def kinds(db: Database, incident_id: int) -> list[str]:
    async with db.reading() as session:
        return [entry.kind for entry in await timeline.entries(session, incident_id)]


async def send(db: Database, message: OutboxMessage) -> None:
    async with db.transaction() as session:
        await leases.finish(session, message, state="sent", sent_revision=message.revision)


async def test_a_finding_opens_one_incident_for_each_system_that_depends_on_the_provider(
    db: Database, catalog: Catalog, now: datetime
) -> None:
    await finding_opened(db, catalog, now)
    assert [(i.system, i.owner, i.channel, i.state) for i in await all_incidents(db)] == [
        ("support-bot", "maria", "support-bot", "triggered"),
        ("search", "sam", "search", "triggered"),
    ]
    assert {m.channel for m in await messages(db, "page")} == {"person:maria", "person:sam"}
    assert {m.channel for m in await messages(db, "incident_root")} == {"support-bot", "search"}


async def test_sev3_tells_the_thread_and_wakes_nobody(db: Database, catalog: Catalog, now: datetime) -> None:
    await finding_opened(db, catalog, now, severity="sev3")
    assert len(await messages(db, "incident_root")) == 2
    assert await messages(db, "page") == []


async def test_the_first_to_acknowledge_wins_and_the_other_is_told_who(
    db: Database, catalog: Catalog, now: datetime
) -> None:
    await finding_opened(db, catalog, now)

    async def acknowledge(actor: str) -> incidents.Outcome:
        async with db.transaction() as session:
            return await incidents.acknowledge(session, 1, version=1, actor=actor, now=now + MINUTE)

    outcomes = await asyncio.gather(*(acknowledge(actor) for actor in ("maria", "sam", "maria", "sam")))
    winner = next(outcome for outcome in outcomes if outcome.applied)
    losers = [outcome for outcome in outcomes if not outcome.applied]
    assert len(losers) == 3
    for loser in losers:
        assert loser.refusal == "already acknowledged"
        assert (loser.by, loser.at) == (winner.incident.acknowledged_by, now + MINUTE)
    assert (await kinds(db, 1)).count("acknowledged") == 1
    async with db.reading() as session:
        assert [page.state for page in await pages.of_incident(session, 1)] == ["acknowledged"]


async def test_a_recovery_that_holds_resolves_the_incident(db: Database, catalog: Catalog, now: datetime) -> None:
    finding = await finding_opened(db, catalog, now)
    await finding_cleared(db, finding, now + MINUTE)
    clock = [now + MINUTE + HOLD - timedelta(seconds=1)]
    closer = Closer(db, lambda: clock[0])
    assert await closer.close_due() == 0
    clock[0] = now + MINUTE + HOLD
    assert await closer.close_due() == 2
    assert {(i.state, i.resolved_by) for i in await all_incidents(db)} == {("resolved", "badday")}
    assert len(await messages(db, "summary")) == 2


async def test_a_relapse_within_the_hold_is_the_same_incident_and_pages_nobody_again(
    db: Database, catalog: Catalog, now: datetime
) -> None:
    finding = await finding_opened(db, catalog, now)
    await finding_cleared(db, finding, now + MINUTE)
    await finding_opened(db, catalog, now + 2 * MINUTE)
    assert await Closer(db, lambda: now + timedelta(hours=1)).close_due() == 0
    assert [i.reopened for i in await all_incidents(db)] == [0, 0]
    assert len(await messages(db, "page")) == 2
    assert "relapsed" in await kinds(db, 1)


async def test_the_same_cause_soon_after_the_resolution_reopens_the_thread_and_pages_if_it_stays(
    db: Database, catalog: Catalog, now: datetime
) -> None:
    finding = await finding_opened(db, catalog, now)
    for message in await messages(db, "page"):
        await send(db, message)
    await finding_cleared(db, finding, now)
    await Closer(db, lambda: now + HOLD).close_due()
    await finding_opened(db, catalog, now + HOLD + MINUTE)
    assert [(i.state, i.reopened) for i in await all_incidents(db)] == [("triggered", 1), ("triggered", 1)]
    assert len(await messages(db, "page")) == 2, "it may be over in a moment"
    await Pager(db, lambda: catalog, lambda: now + HOLD + 2 * MINUTE).work()
    assert len(await messages(db, "page")) == 4


async def test_the_same_cause_much_later_is_a_new_incident(db: Database, catalog: Catalog, now: datetime) -> None:
    finding = await finding_opened(db, catalog, now)
    await finding_cleared(db, finding, now)
    await Closer(db, lambda: now + HOLD).close_due()
    await finding_opened(db, catalog, now + timedelta(hours=2))
    assert len(await all_incidents(db)) == 4


async def test_pages_that_wait_for_the_same_person_are_one_message_that_names_all(
    db: Database, catalog: Catalog, now: datetime
) -> None:
    async with db.transaction() as session:
        for number in range(12):
            await incidents.open_incident(
                session,
                catalog,
                system="support-bot",
                cause=f"manual:{number}",
                title=f"Incident {number}",
                severity="sev1",
                known="",
                actor="sam",
                now=now,
            )
    sizes = [len(message.subject["pages"]) for message in await messages(db, "page")]
    assert sizes == [10, 2]


async def test_a_page_is_told_as_delivered_only_once_slack_has_it(
    db: Database, catalog: Catalog, now: datetime
) -> None:
    await finding_opened(db, catalog, now)
    assert "delivery" not in await kinds(db, 1)
    async with db.transaction() as session:
        await pages.delivered(session, "page:1", outcome="delivered", detail=None, now=now + MINUTE)
    async with db.reading() as session:
        (page,) = await pages.of_incident(session, 1)
        assert page.delivered_at == now + MINUTE
    assert "delivery" in await kinds(db, 1)


async def test_a_page_that_failed_is_told_in_the_thread(db: Database, catalog: Catalog, now: datetime) -> None:
    await finding_opened(db, catalog, now)
    async with db.transaction() as session:
        await pages.delivered(session, "page:1", outcome="failed", detail="user_not_found", now=now)
    (note,) = await messages(db, "note")
    async with db.reading() as session:
        (entry,) = [e for e in await timeline.entries(session, 1) if e.id == note.subject["entry"]]
    assert "could not be delivered: user_not_found" in entry.text


async def test_an_incident_that_got_graver_pages_once(db: Database, catalog: Catalog, now: datetime) -> None:
    finding = await finding_opened(db, catalog, now, severity="sev3")
    for severity in ("sev1", "sev1"):
        async with db.transaction() as session:
            row = await session.get(Finding, finding.id)
            assert row is not None
            row.severity, row.evidence = severity, {"known": "everything is down"}
            await findings.changed(session, row, now=now + MINUTE)
        await Pager(db, lambda: catalog, lambda: now + MINUTE).work()
    assert len(await messages(db, "page")) == 2
    assert {i.known for i in await all_incidents(db)} == {"everything is down"}


async def test_resolving_by_an_old_button_is_refused(db: Database, catalog: Catalog, now: datetime) -> None:
    await finding_opened(db, catalog, now)
    async with db.transaction() as session:
        await incidents.acknowledge(session, 1, version=1, actor="maria", now=now)
    async with db.transaction() as session:
        outcome = await incidents.resolve(session, 1, version=1, actor="sam", now=now)
    assert (outcome.applied, outcome.refusal) == (False, "out of date")


async def test_an_unknown_incident_is_an_error_that_names_it(db: Database, now: datetime) -> None:
    async with db.transaction() as session:
        with pytest.raises(LookupError, match="no incident 99"):
            await incidents.acknowledge(session, 99, version=None, actor="maria", now=now)


async def test_messages_of_an_incident_are_written_with_their_priorities(
    db: Database, catalog: Catalog, now: datetime
) -> None:
    await finding_opened(db, catalog, now)
    assert {m.priority for m in await messages(db, "page")} == {outbox.Priority.PAGE}
    assert {m.priority for m in await messages(db, "incident_root")} == {outbox.Priority.ROOT}
