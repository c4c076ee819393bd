"""From a page to an incident, on both engines: polls, observations, findings, and what becomes of failures."""

import asyncio
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from bot.incidents import findings
from bot.store.database import Database
from bot.store.tables import Observation, PollTarget
from bot.watches.http import Failed, Http, Known
from bot.watches.poller import LEASE, Poller
from bot.watches.polls import Result
from bot.watches.recording import record
from bot.watches.slots import Grid
from bot.watches.source import source_for
from bot.watches.sync import sync
from tests.integration.watches.desk import INTERVAL, PATH, Desk, catalog, page
from tests.integration.watches.page_server import PageServer, reply, validated


@pytest.fixture
async def desk(db: Database, server: PageServer, now: datetime) -> Desk:
    server.answers[PATH] = page()
    return Desk(db, server, now)


async def test_an_outage_opens_one_incident_and_the_recovery_is_noted(desk: Desk) -> None:
    async with desk.polling():
        await desk.says("major_outage")
        assert await desk.incidents() == []
        await desk.says("major_outage")
        (finding,), (incident,) = await desk.findings(), await desk.incidents()
        assert (finding.kind, finding.subject, finding.watch, finding.severity) == (
            "provider_status",
            "acme",
            "status.acme",
            "sev1",
        )
        assert incident.title == "acme: major outage on its status page"
        assert incident.known == "acme's status page says major outage: Chat (major outage)"
        await desk.says("operational", "operational")
        (finding,), (incident,) = await desk.findings(), await desk.incidents()
        assert finding.cleared_at == desk.now
        assert incident.resolve_due == desk.now + timedelta(minutes=5)
    assert await desk.verdicts() == ["good", "bad", "bad", "good", "good"]
    assert (await desk.watch()).status == "operational"


async def test_flapping_stays_one_finding_and_one_incident(desk: Desk) -> None:
    async with desk.polling():
        await desk.says("partial_outage", "partial_outage")
        for _ in range(3):
            await desk.says("operational", "operational", "major_outage")
        (finding,), (incident,) = await desk.findings(), await desk.incidents()
    assert (finding.cleared_at, finding.severity) == (None, "sev1")
    assert incident.recovered_at is None


async def test_what_changes_during_an_outage_is_told(desk: Desk) -> None:
    async with desk.polling():
        await desk.says("partial_outage", "partial_outage", "major_outage")
        (incident,) = await desk.incidents()
    assert incident.known == "acme's status page says major outage: Chat (major outage)"
    assert incident.severity == "sev1"


async def test_failed_polls_are_unknown_and_after_three_the_watch_is_stale(desk: Desk) -> None:
    async with desk.polling():
        await desk.answers(reply(503), reply(body=b"<html>"))
        watch = await desk.watch()
        assert (watch.stale, watch.problem, watch.status) == (False, None, "operational")
        await desk.answers(reply(body=b'{"status": {'))
        watch = await desk.watch()
        assert (watch.stale, watch.status) == (True, "operational")
        assert watch.problem is not None
        assert watch.problem.startswith("source moved or blocked: ")
        assert "invalid or cut off" in watch.problem
        target = await desk.target()
        assert (target.failures, target.final_url) == (3, f"{desk.server.url}{PATH}")
        await desk.says("operational")
        watch = await desk.watch()
        assert (watch.stale, watch.problem) == (False, None)
        assert (await desk.target()).failures == 0
    assert await desk.verdicts() == ["good", "unknown", "unknown", "unknown", "good"]
    assert await desk.findings() == []


async def test_failures_do_not_close_an_open_finding(desk: Desk) -> None:
    async with desk.polling():
        await desk.says("major_outage", "major_outage")
        await desk.answers(*[reply(500)] * 4)
        (finding,) = await desk.findings()
    assert finding.cleared_at is None


async def test_a_page_that_refuses_us_is_left_alone_on_the_grid(desk: Desk) -> None:
    async with desk.polling():
        await desk.answers(reply(403))
        target = await desk.target()
        grid = Grid.of(target.id, INTERVAL)
        assert target.next_due == grid.at(desk.now) + 2 * INTERVAL
        asked = len(desk.server.asked)
        await desk.passes(INTERVAL)
        assert len(desk.server.asked) == asked
        await desk.answers(reply(429, Retry_After="600"))
        target = await desk.target()
        assert target.next_due == grid.at(desk.now) + 10 * INTERVAL
        assert target.missed_slots == 0


async def test_an_unchanged_page_is_not_sent_again_and_still_observed(desk: Desk) -> None:
    desk.server.answers[PATH] = validated(
        b'{"components": [{"id": "c1", "name": "Chat", "status": "major_outage"}]}', '"1"'
    )
    async with desk.polling():
        await desk.passes()
        await desk.passes()
    assert [asked.headers.get("if-none-match") for asked in desk.server.asked] == [None, '"1"', '"1"']
    assert await desk.verdicts() == ["bad", "bad", "bad"]
    assert len(await desk.incidents()) == 1


async def test_a_component_that_vanished_is_shown_and_never_green(desk: Desk) -> None:
    async with desk.polling():
        await desk.answers(page(name="Chat v2"))
        watch = await desk.watch()
    assert watch.status == "unknown"
    assert watch.problem is not None
    assert "Chat" in watch.problem
    assert await desk.verdicts() == ["good", "unknown"]


async def test_one_poll_serves_all_watches_of_a_page_each_at_its_own_pace(desk: Desk) -> None:
    url = desk.server.url
    desk.catalog = catalog(
        f"chat: {{page: '{url}', provider: acme, components: [Chat]}}",
        f"whole: {{page: '{url}', provider: acme}}",
        f"slow: {{page: '{url}', provider: acme, interval: 2m}}",
    )
    async with desk.polling():
        await desk.passes()
        await desk.passes()
    assert len(desk.server.asked) == 3
    assert Counter(one.watch for one in await desk.observations()) == {"chat": 3, "whole": 3, "slow": 2}


async def test_slots_that_nobody_polled_are_counted(desk: Desk) -> None:
    async with desk.polling():
        await desk.passes(5 * INTERVAL)
        assert (await desk.target()).missed_slots == 4


async def test_a_watch_that_left_the_catalog_is_not_polled_and_leaves_nothing_open(desk: Desk) -> None:
    async with desk.polling():
        await desk.says("major_outage", "major_outage")
        desk.catalog = catalog(f"other: {{page: '{desk.server.url}/elsewhere', provider: acme}}")
        await desk.sync()
        (finding,), (incident,) = await desk.findings(), await desk.incidents()
        assert finding.cleared_at == incident.resolve_due == desk.now
        asked = len([one for one in desk.server.asked if one.path == PATH])
        await desk.passes()
        assert len([one for one in desk.server.asked if one.path == PATH]) == asked
        assert (await desk.watch()).active is False


async def test_syncing_again_changes_nothing(desk: Desk) -> None:
    async with desk.polling():
        before = await desk.target()
        await desk.sync()
        assert await desk.target() == before


async def test_many_new_pages_are_not_polled_all_at_once(desk: Desk) -> None:
    desk.catalog = catalog(*(f"w{n}: {{page: 'https://s{n}.acme.example', provider: acme}}" for n in range(300)))
    await desk.sync()
    due = sorted((target.next_due - desk.now).total_seconds() for target in await desk.targets())
    assert due[0] == 0
    assert due[-1] == pytest.approx(2.99)


async def test_replicas_may_sync_at_the_same_time(desk: Desk) -> None:
    await asyncio.gather(*(desk.sync() for _ in range(4)))
    assert len(await desk.targets()) == 1


async def test_a_defect_in_one_incident_does_not_blind_the_other_watches(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = desk.server.url
    desk.catalog = catalog(f"a: {{page: '{url}', provider: acme}}", f"b: {{page: '{url}', provider: acme}}")
    real = findings.opened

    async def broken(session, catalog, finding, *, now):  # type: ignore[no-untyped-def]
        if finding.watch == "a":
            raise RuntimeError("defect")
        return await real(session, catalog, finding, now=now)

    monkeypatch.setattr(findings, "opened", broken)
    async with desk.polling():
        await desk.says("major_outage", "major_outage")
        assert [finding.watch for finding in await desk.findings()] == ["b"]
        monkeypatch.undo()
        await desk.says("major_outage")
        assert [finding.watch for finding in await desk.findings()] == ["b", "a"]
    assert len(await desk.incidents()) == 1


async def test_what_a_poller_says_after_it_lost_its_lease_is_not_recorded(desk: Desk) -> None:
    await desk.sync()
    slow, quick = desk.poller(owner="slow"), desk.poller(owner="quick")
    (lost,) = await slow._claim(10)
    assert await quick._claim(10) == []
    desk.now += LEASE
    (taken,) = await quick._claim(10)
    async with desk.db.transaction() as session:
        result = Result(lost, Failed("late"), desk.now)
        await record(session, desk.catalog, [result], owner="slow", now=desk.now)
    assert await desk.observations() == []
    async with Http(environ={}) as http:
        polled = await source_for("statuspage").poll(http, taken.url, Known())
    async with desk.db.transaction() as session:
        await record(session, desk.catalog, [Result(taken, polled, desk.now)], owner="quick", now=desk.now)
    assert await desk.verdicts() == ["good"]
    assert (await desk.target()).lease_owner is None


async def test_a_slot_is_observed_once_even_if_it_is_polled_twice(desk: Desk) -> None:
    await desk.sync()
    poller = desk.poller(owner="one")
    for _ in range(2):
        (claimed,) = await poller._claim(10)
        async with desk.db.transaction() as session:
            await record(session, desk.catalog, [Result(claimed, Failed("x"), desk.now)], owner="one", now=desk.now)
            await session.execute(update(PollTarget).values(next_due=desk.now))
    assert await desk.verdicts() == ["unknown"]


async def test_a_poller_that_stops_gives_its_claims_back(desk: Desk) -> None:
    desk.server.answers[PATH] = reply(after=5)
    await desk.sync()
    task = asyncio.create_task(desk.poller().run())
    await asyncio.wait_for(desk.server.was_asked.wait(), 5)
    assert (await desk.target()).lease_owner is not None
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (await desk.target()).lease_owner is None


async def test_three_pollers_ask_for_each_slot_once(db: Database, server: PageServer) -> None:
    pages = [f"/{n}{PATH}" for n in range(20)]
    server.answers = dict.fromkeys(pages, page())
    watching = catalog(
        *(f"w{n}: {{page: '{server.url}/{n}', provider: acme, interval: 1s}}" for n in range(len(pages)))
    )

    def clock() -> datetime:
        return datetime.now(UTC)

    async with db.transaction() as session:
        await sync(session, watching, now=clock())
    tasks = [asyncio.create_task(Poller(db, lambda: watching, clock).run()) for _ in range(3)]
    started = time.monotonic()
    await asyncio.sleep(3)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    lasted = time.monotonic() - started
    async with db.reading() as session:
        observed = (await session.execute(select(func.count()).select_from(Observation))).scalar_one()
        missed = (await session.execute(select(func.sum(PollTarget.missed_slots)))).scalar_one()
    assert missed == 0
    assert observed <= len(server.asked) <= observed + len(pages)  # some were on their way at the end
    assert observed >= len(pages) * (lasted - 1.5)


async def test_old_observations_are_forgotten_good_ones_first(desk: Desk) -> None:
    ages = {"good": [1, 7, 50], "bad": [1, 7, 50]}
    async with desk.db.transaction() as session:
        for verdict, hours in ages.items():
            for hour in hours:
                at = desk.now - timedelta(hours=hour)
                session.add(Observation(watch=verdict, slot=at, at=at, verdict=verdict, status="unknown"))
    await desk.poller().prune()
    assert Counter(await desk.verdicts()) == {"good": 1, "bad": 2}
