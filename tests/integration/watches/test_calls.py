"""The calls watch on both engines: from sums of calls to incidents and back."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from bot.catalog import Catalog, parse_catalog
from bot.catalog.models import CallsWatch
from bot.http.gauges import calls_metrics
from bot.incidents import findings, incidents
from bot.incidents.closing import Closer
from bot.runbooks.follower import Follower
from bot.runbooks.library import LiveLibrary, packaged_folder
from bot.store.database import Database
from bot.store.tables import CallPin, CallsWatchState, Finding, Incident, OutboxMessage, Page, RunbookStep
from bot.trail.calls import ErrorClass
from bot.trail.importing import jsonl
from bot.watches import calls_silence
from bot.watches.calls import CallsWatcher, sync
from bot.watches.calls_seen import seen_calls
from tests.integration.trail.told import Told, tell

MINUTE = timedelta(minutes=1)
CATALOG = """
badday: 1
people:
  maria: {{name: Maria Ortiz, email: maria@example.com, timezone: Europe/Madrid}}
providers:
  northwind: {{status: "https://status.northwind.example"}}
  cirrus: {{}}
systems:
  support-bot:
    owner: maria
    channel: support-bot
    routes: {{chat: {{primary: northwind, standbys: [cirrus]}}}}
{more}
"""


class Desk:
    """Moves the clock a minute at a time, with calls in each of them."""

    def __init__(self, db: Database, url: str, now: datetime) -> None:
        self.db, self.url, self.now = db, url, now
        self.set_catalog("")
        self.watcher = CallsWatcher(db, lambda: self.catalog, lambda: self.now)

    def set_catalog(self, more: str) -> None:
        self.catalog: Catalog = parse_catalog(CATALOG.format(more=more))

    def watches_by(self, calls: CallsWatch) -> None:
        systems = {name: replace(system, calls=calls) for name, system in self.catalog.systems.items()}
        self.catalog = replace(self.catalog, systems=systems)

    async def sync(self) -> None:
        async with self.db.transaction() as session:
            await sync(session, self.catalog, now=self.now)

    async def passes(
        self,
        minutes: int,
        calls: int = 40,
        failed: int = 0,
        *,
        error: ErrorClass = ErrorClass.OVERLOADED,
        **facts: Any,
    ) -> None:
        """Minutes with so many calls each; after each the watch looks, ten seconds after its end."""
        for _ in range(minutes):
            start = self.now.replace(second=1, microsecond=0)
            told = [Told(start, error if n < failed else None, facts=facts) for n in range(calls)]
            if told:
                tell(self.url, told, received=start + MINUTE / 2)
            self.now = start + MINUTE + timedelta(seconds=10)
            await self.watcher.look()

    async def all(self, table: Any) -> Sequence[Any]:
        async with self.db.reading() as session:
            return (await session.execute(select(table))).scalars().all()

    async def incidents(self) -> list[Incident]:
        return sorted(await self.all(Incident), key=lambda incident: incident.id or 0)

    async def incident(self) -> Incident:
        (found,) = await self.incidents()
        return found

    async def state(self) -> CallsWatchState:
        (found,) = await self.all(CallsWatchState)
        assert isinstance(found, CallsWatchState)
        return found

    async def close_due(self) -> int:
        return await Closer(self.db, lambda: self.now).close_due()


@pytest.fixture
async def desk(db: Database, database_url: str, now: datetime) -> Desk:
    desk = Desk(db, database_url, now)
    await desk.sync()
    return desk


async def bad_page(desk: Desk) -> Finding:
    """The status page of northwind says major outage."""
    page = Finding(
        kind="provider_status",
        subject="northwind",
        watch="status.northwind",
        severity="sev1",
        title="northwind: major outage on its status page",
        evidence={"known": "northwind's status page says major outage"},
        dedupe_key="provider_status:status.northwind",
        opened_at=desk.now,
    )
    async with desk.db.transaction() as session:
        session.add(page)
        await session.flush()
        await findings.opened(session, desk.catalog, page, now=desk.now)
    return page


async def test_failing_calls_open_an_incident_of_their_system_and_page_its_owner(desk: Desk) -> None:
    await desk.passes(5)
    assert await desk.incidents() == []
    await desk.passes(3, failed=20)
    incident = await desk.incident()
    assert (incident.system, incident.provider, incident.severity) == ("support-bot", "northwind", "sev2")
    assert incident.title == "20 % of calls on route chat fail (northwind: overloaded 40 of 200 in 5 min)"
    assert incident.known.startswith("40 of 200 calls to northwind on route chat failed in the last 5 min: overloaded")
    assert [page.person for page in await desk.all(Page)] == ["maria"]
    (finding,) = await desk.all(Finding)
    assert (finding.kind, finding.subject) == ("calls_failing", "support-bot/chat/northwind")
    assert len(finding.evidence["samples"]) == 3
    assert all(sample in incident.known for sample in finding.evidence["samples"])
    assert {pin.reason for pin in await desk.all(CallPin)} == {f"incident:{incident.id}"}


async def test_a_recovery_that_holds_resolves_it_and_the_next_outage_reopens_it(desk: Desk) -> None:
    await desk.passes(3, failed=40)
    await desk.passes(7)
    assert (await desk.incident()).recovered_at is not None
    await desk.passes(6)
    assert await desk.close_due() == 1
    assert (await desk.incident()).state == "resolved"
    await desk.passes(3, failed=40)
    incident = await desk.incident()
    assert (incident.state, incident.reopened) == ("triggered", 1)


async def test_a_relapse_within_the_hold_is_the_same_episode(desk: Desk) -> None:
    await desk.passes(3, failed=40)
    await desk.passes(7)
    await desk.passes(3, failed=40)
    incident = await desk.incident()
    assert (incident.recovered_at, incident.reopened) == (None, 0)
    assert len(await desk.all(Page)) == 1
    assert len(await desk.all(Finding)) == 1


async def test_few_calls_and_the_caller_s_own_errors_are_nobody_s_incident(desk: Desk) -> None:
    await desk.passes(10, calls=3, failed=3)
    await desk.passes(5, calls=0)
    await desk.passes(10, calls=40, failed=40, error=ErrorClass.BAD_REQUEST)
    await desk.passes(10, calls=40, failed=40, error=ErrorClass.MALFORMED_OUTPUT)
    assert await desk.incidents() == []


async def test_calls_that_arrive_late_count_in_their_minute(desk: Desk) -> None:
    await desk.passes(1, calls=30)
    late = [Told(desk.now - 2 * MINUTE + timedelta(seconds=n), ErrorClass.TIMEOUT) for n in range(20)]
    tell(desk.url, late, received=desk.now)
    desk.now += timedelta(seconds=20)
    await desk.watcher.look()
    assert (await desk.incident()).title.startswith("40 % of calls on route chat fail (northwind: timeout 20 of 50")


async def test_the_status_page_s_incident_takes_the_calls_in_and_nobody_is_paged_twice(desk: Desk) -> None:
    page = await bad_page(desk)
    await desk.passes(3, failed=40)
    incident = await desk.incident()
    assert (incident.severity, len(await desk.all(Page))) == ("sev1", 1)
    assert incident.known.startswith("northwind's status page says major outage · ")
    assert "calls to northwind on route chat failed" in incident.known
    async with desk.db.transaction() as session:
        row = await session.get_one(Finding, page.id)
        row.cleared_at = desk.now
        await session.flush()
        await findings.cleared(session, row, now=desk.now, hold=MINUTE)
    incident = await desk.incident()
    assert incident.recovered_at is None, "its calls still fail"
    assert "status page" not in incident.known
    await desk.passes(7)
    assert (await desk.incident()).recovered_at is not None


async def test_the_status_page_joins_the_incident_that_the_calls_opened(desk: Desk) -> None:
    await desk.passes(3, failed=40)
    await bad_page(desk)
    incident = await desk.incident()
    assert (incident.severity, len(await desk.all(Page))) == ("sev1", 1)


async def test_the_runbook_for_an_outage_is_offered(desk: Desk) -> None:
    await desk.passes(3, failed=40)
    library = LiveLibrary(packaged_folder())
    await Follower(desk.db, lambda: desk.catalog, library, lambda: desk.now).follow()
    titles = [step.title for step in await desk.all(RunbookStep)]
    assert "Switch provider: chat from northwind to cirrus" in titles


async def test_other_systems_of_the_provider_are_left_alone(desk: Desk) -> None:
    desk.set_catalog("  search: {owner: maria, channel: search, depends_on: [northwind]}")
    await desk.sync()
    await desk.passes(3, failed=40)
    assert [incident.system for incident in await desk.incidents()] == ["support-bot"]


async def test_after_a_switch_nothing_tells_until_calls_come_again(desk: Desk) -> None:
    await desk.passes(3, failed=40)
    await desk.passes(30, provider="cirrus")
    incident = await desk.incident()
    assert incident.recovered_at is None
    await desk.passes(3)
    assert (await desk.incident()).recovered_at is not None


async def test_after_a_switch_the_status_page_s_word_ends_what_nothing_speaks_for(desk: Desk) -> None:
    page = await bad_page(desk)
    await desk.passes(3, failed=40)
    await desk.passes(3, provider="cirrus")
    async with desk.db.transaction() as session:
        row = await session.get_one(Finding, page.id)
        row.cleared_at = desk.now
        await session.flush()
        await findings.cleared(session, row, now=desk.now, hold=MINUTE)
    assert (await desk.incident()).recovered_at is None, "the window still holds failed calls"
    await desk.passes(3, provider="cirrus")
    assert (await desk.incident()).recovered_at is not None
    await desk.passes(6, provider="cirrus")
    assert await desk.close_due() == 1


async def test_an_episode_that_people_ended_may_begin_anew(desk: Desk) -> None:
    await desk.passes(3, failed=40)
    incident = await desk.incident()
    async with desk.db.transaction() as session:
        assert incident.id is not None
        await incidents.resolve(session, incident.id, version=None, actor="maria", now=desk.now)
    await desk.passes(2, failed=40)
    assert (await desk.incident()).state == "resolved", "it was still bad when it was ended"
    await desk.passes(40, provider="cirrus")
    (finding,) = await desk.all(Finding)
    assert finding.cleared_at is not None
    await desk.passes(3, failed=40)
    assert [each.state for each in await desk.incidents()] == ["resolved", "triggered"]


async def test_what_is_told_changes_with_the_main_error(desk: Desk) -> None:
    await desk.passes(3, failed=20)
    before = (await desk.incident()).known
    await desk.passes(1, failed=20)
    assert (await desk.incident()).known == before
    await desk.passes(4, failed=20, error=ErrorClass.TIMEOUT)
    assert "timeout" in (await desk.incident()).known


async def test_slow_calls_open_an_incident_where_the_catalog_limits_them(desk: Desk) -> None:
    desk.watches_by(CallsWatch(p95=timedelta(seconds=2), severity="sev3"))
    await desk.sync()
    await desk.passes(3, duration_us=5_000_000)
    incident = await desk.incident()
    assert "are slow" in incident.title
    assert await desk.all(Page) == []


async def test_a_replica_that_lost_its_lease_writes_nothing(desk: Desk) -> None:
    await desk.passes(2)
    other = CallsWatcher(desk.db, lambda: desk.catalog, lambda: desk.now)
    desk.now += MINUTE
    looked = await asyncio.gather(desk.watcher.look(), other.look())
    assert sorted(looked) == [0, 1]


async def test_a_system_that_leaves_the_catalog_leaves_no_incident_open(desk: Desk) -> None:
    await desk.passes(3, failed=40)
    desk.watches_by(CallsWatch(enabled=False))
    await desk.sync()
    assert await desk.close_due() == 1
    await desk.passes(3, failed=40)
    assert [each.state for each in await desk.incidents()] == ["resolved"]


async def of_the_past_hours(desk: Desk, hours: int = 8) -> None:
    """Calls in each of the last hours, the last of them a moment ago."""
    told = [Told(desk.now - hour * timedelta(hours=1) - timedelta(seconds=30)) for hour in range(hours)]
    tell(desk.url, told, received=desk.now)


async def test_a_silent_system_is_told_to_its_owner_and_pages_nobody(desk: Desk) -> None:
    desk.now += timedelta(minutes=5)
    await of_the_past_hours(desk)
    await desk.passes(28, calls=0)
    assert await desk.incidents() == []
    await desk.passes(3, calls=0)
    incident = await desk.incident()
    assert (incident.severity, incident.title) == ("sev3", "no calls arrive since 10:05 CET")
    assert await desk.all(Page) == []
    direct = [m for m in await desk.all(OutboxMessage) if m.channel == "person:maria"]
    assert [message.kind for message in direct] == ["note"]
    assert (await desk.state()).silent_since is not None
    await desk.passes(30, calls=0)
    assert len(await desk.incidents()) == 1


async def test_the_silence_ends_with_the_next_call(desk: Desk) -> None:
    await of_the_past_hours(desk)
    await desk.passes(32, calls=0)
    await desk.passes(1, calls=1)
    incident = await desk.incident()
    assert incident.recovered_at is not None
    await desk.passes(6, calls=1)
    assert await desk.close_due() == 1
    assert (await desk.state()).silent_since is None


async def test_a_silence_that_people_ended_is_not_told_again(desk: Desk) -> None:
    await of_the_past_hours(desk)
    await desk.passes(32, calls=0)
    incident = await desk.incident()
    async with desk.db.transaction() as session:
        assert incident.id is not None
        await incidents.resolve(session, incident.id, version=None, actor="maria", now=desk.now)
    await desk.passes(40, calls=0)
    assert [each.state for each in await desk.incidents()] == ["resolved"]


async def test_a_system_that_seldom_sends_calls_is_not_missed(desk: Desk) -> None:
    await of_the_past_hours(desk, 4)
    await desk.passes(40, calls=0)
    assert await desk.incidents() == []
    assert (await desk.state()).last_call_at is not None


async def test_an_imported_log_is_no_sign_of_life(desk: Desk) -> None:
    assert calls_silence.IMPORTED == jsonl.EMITTER
    told = [Told(desk.now - n * timedelta(hours=1), facts={"emitter": jsonl.EMITTER}) for n in range(8)]
    tell(desk.url, told, received=desk.now)
    await desk.passes(40, calls=0)
    assert await desk.incidents() == []
    assert (await desk.state()).last_call_at is None


async def seen(desk: Desk) -> Any:
    async with desk.db.reading() as session:
        (found,) = await seen_calls(session, desk.catalog, desk.now)
        return found


async def test_faces_show_what_was_seen_last_and_never_a_silent_system_as_good(desk: Desk) -> None:
    assert ((await seen(desk)).series, (await seen(desk)).last_call_at) == ([], None)
    await of_the_past_hours(desk)
    await desk.passes(2, calls=5)
    assert [series.state for series in (await seen(desk)).series] == ["unknown"]
    await desk.passes(2, calls=40)
    assert [series.state for series in (await seen(desk)).series] == ["good"]
    await desk.passes(2, calls=40, failed=10)
    assert [series.state for series in (await seen(desk)).series] == ["mixed"]
    await desk.passes(2, calls=40, failed=40)
    assert [series.state for series in (await seen(desk)).series] == ["bad"]
    await desk.passes(40, calls=0)
    assert (await seen(desk)).silent_since is not None
    desk.now += timedelta(minutes=3)
    assert (await seen(desk)).stale


async def test_metrics_tell_the_same_from_any_replica(desk: Desk) -> None:
    await desk.passes(3, calls=40, failed=20)
    told = (await calls_metrics(desk.db, lambda: desk.catalog, lambda: desk.now)).decode()
    labels = 'provider="northwind",route="chat",system="support-bot"'
    assert f"badday_calls_window{{{labels}}} 120.0" in told
    assert f"badday_calls_window_failed{{{labels}}} 60.0" in told
    assert f"badday_calls_bad{{{labels}}} 1.0" in told
    assert 'badday_calls_silent{system="support-bot"} 0.0' in told


async def test_the_findings_of_one_system_name_it(desk: Desk) -> None:
    await desk.passes(3, failed=40)
    async with desk.db.reading() as session:
        statement = select(col(Finding.system), col(Finding.provider), col(Finding.watch))
        assert (await session.execute(statement)).all() == [("support-bot", "northwind", "calls.support-bot")]
