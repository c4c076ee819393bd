"""Metrics of paging: counted in the database, the same by every replica and after a restart, on both engines."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from bot.catalog.cover import Contact
from bot.http import scrape
from bot.http.scrape import Scrape
from bot.paging.measures import quantile, recent
from bot.store.database import Database
from bot.store.tables import PollTarget, WatchState
from tests.integration.paging.conftest import MINUTE, SLACK, Desk, team

SECOND = timedelta(seconds=1)
Told = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
async def scraper(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scrape]:
    # A busy machine must not make metrics old where that is not in question.
    monkeypatch.setattr(scrape, "WITHIN", 30.0)
    opened = Scrape(desk.db, lambda: desk.catalog, lambda: desk.now)
    yield opened
    await opened.close()


async def told(scraper: Scrape) -> Told:
    families = text_string_to_metric_families((await scraper.read()).decode())
    return {(one.name, frozenset(one.labels.items())): one.value for family in families for one in family.samples}


def value(found: Told, name: str, **labels: str) -> float | None:
    return found.get((name, frozenset(labels.items())))


OF_SEV1 = {"system": "support-bot", "severity": "sev1"}


async def test_an_incident_is_measured_once_from_its_finding_to_the_first_page_and_its_acknowledgement(
    desk: Desk, scraper: Scrape
) -> None:
    await desk.opened()
    desk.now += 3 * SECOND
    await desk.sent("page:1")
    desk.now += 87 * SECOND
    await desk.acknowledged("maria")
    for _ in ("one replica", "another"):
        found = await told(scraper)
        assert value(found, "badday_time_to_page_seconds_count", **OF_SEV1) == 1
        assert value(found, "badday_time_to_page_seconds_sum", **OF_SEV1) == pytest.approx(3, abs=0.01)
        assert value(found, "badday_time_to_page_seconds_bucket", **OF_SEV1, le="2.0") == 0
        assert value(found, "badday_time_to_page_seconds_bucket", **OF_SEV1, le="5.0") == 1
        assert value(found, "badday_time_to_ack_seconds_bucket", **OF_SEV1, le="60.0") == 0
        assert value(found, "badday_time_to_ack_seconds_bucket", **OF_SEV1, le="120.0") == 1
        assert value(found, "badday_metrics_old") == 0


async def test_a_time_on_a_bound_counts_to_it(desk: Desk, scraper: Scrape) -> None:
    await desk.opened()
    desk.now += SECOND
    await desk.sent("page:1")
    assert value(await told(scraper), "badday_time_to_page_seconds_bucket", **OF_SEV1, le="1.0") == 1


async def test_later_pages_another_severity_and_a_second_escalation_change_nothing_of_it(
    desk: Desk, scraper: Scrape
) -> None:
    await desk.opened()
    desk.now += 3 * SECOND
    await desk.sent("page:1")
    await desk.later(5 * MINUTE)
    await desk.sent("page:2")
    await desk.acknowledged("sam")
    before = await told(scraper)
    async with desk.db.transaction() as session:
        await session.execute(text("update incident set severity = 'sev2'"))
    await desk.handed_over("sam")
    desk.now += 10 * MINUTE
    await desk.acknowledged("ana")
    await desk.resolved()
    desk.now += 10 * MINUTE
    await desk.opened()
    after = await told(scraper)
    measured = [key for key in before if key[0].startswith("badday_time_to")]
    assert {key: after[key] for key in measured} == {key: before[key] for key in measured}


async def test_what_nobody_was_reached_by_yet_is_not_counted(desk: Desk, scraper: Scrape) -> None:
    await desk.opened()
    found = await told(scraper)
    assert value(found, "badday_time_to_page_seconds_count", **OF_SEV1) == 0
    assert value(found, "badday_time_to_ack_seconds_bucket", **OF_SEV1, le="+Inf") == 0


async def test_waiting_messages_attempts_and_missed_slots_are_told(desk: Desk, scraper: Scrape) -> None:
    desk.catalog = team(maria=(SLACK, Contact("email")))
    await desk.opened()
    await desk.settled("email", "failed", "mailbox full")
    async with desk.db.transaction() as session:
        due = {"interval_seconds": 60, "next_due": desk.now}
        session.add(PollTarget(id="x", engine="statuspage", url="https://x.example", missed_slots=7, **due))
        await session.flush()
        session.add(WatchState(name="status.x", target_id="x"))
    desk.now += 42 * SECOND
    found = await told(scraper)
    assert value(found, "badday_outbox_messages", priority="page") == 1
    assert value(found, "badday_outbox_oldest_seconds", priority="page") == 42
    assert value(found, "badday_outbox_oldest_seconds", priority="refresh") == 0
    assert value(found, "badday_page_attempts_total", method="email", outcome="failed") == 1
    assert value(found, "badday_page_attempts_unsettled", method="slack", outcome="sending") == 1
    assert value(found, "badday_watch_missed_slots_total", watch="status.x") == 7


async def test_a_database_that_fails_leaves_the_last_values_and_says_so(desk: Desk, scraper: Scrape) -> None:
    await desk.opened()
    await desk.sent("page:1")
    fresh = await told(scraper)
    async with desk.db.transaction() as session:
        await session.execute(text("alter table page_attempt rename to gone"))
    old = await told(scraper)
    assert value(old, "badday_metrics_old") == 1
    assert value(old, "badday_time_to_page_seconds_count", **OF_SEV1) == 1
    async with desk.db.transaction() as session:
        await session.execute(text("alter table gone rename to page_attempt"))
    assert await told(scraper) == fresh


@pytest.mark.parametrize("database_url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
async def test_a_locked_database_is_not_waited_for_and_its_answer_comes_with_the_next_scrape(
    desk: Desk, scraper: Scrape, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Readers of SQLite wait for nobody.
    monkeypatch.setattr(scrape, "WITHIN", 0.2)
    await desk.opened()
    await told(scraper)
    other = Database(desk.db.engine.url.render_as_string(hide_password=False).replace("+psycopg", ""))
    async with other.transaction() as session:
        await session.execute(text("lock table escalation in access exclusive mode"))
        started = asyncio.get_running_loop().time()
        for _ in range(2):
            assert value(await told(scraper), "badday_metrics_old") == 1
        assert asyncio.get_running_loop().time() - started < 1.5
    await other.close()
    assert value(await told(scraper), "badday_metrics_old") == 0


async def test_recent_times_are_told_in_quantiles(desk: Desk) -> None:
    for number, seconds in enumerate((1, 2, 30), 1):
        await desk.opened(cause=f"cause {number}")
        desk.now += seconds * SECOND
        await desk.sent("page:1")  # which takes the later pages along
    async with desk.db.reading() as session:
        reached, answered = await recent(session, since=desk.now - MINUTE)
        assert (reached, answered) == ([1, 2, 30], [])
        assert await recent(session, since=desk.now + MINUTE) == ([], [])
    assert [quantile(reached, share) for share in (0.5, 0.95, 0.99, 0.01)] == [2, 30, 30, 1]
