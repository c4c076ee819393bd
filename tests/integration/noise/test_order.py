"""Two who need the same incidents take them in the same order: one waits for the other, and both get through."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import text

from bot.incidents import findings
from bot.store.tables import Finding, Incident
from tests.integration.noise.conftest import MINUTE, Desk


async def _two_incidents_of_one_provider(desk: Desk) -> Finding:
    """`search` has the first, although the catalog names it last."""
    await desk.finds("calls_failing", "search/ask/northwind", system="search", provider="northwind")
    outage, _ = await desk.finds("provider_status")
    assert [one.system for one in await desk.incidents()] == ["search", "support-bot"]
    return outage


async def _wait(desk: Desk, *, so_many: int) -> None:
    statement = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    for _ in range(400):
        async with desk.db.reading() as session:
            if (await session.execute(statement)).scalar_one() >= so_many:
                return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody waits")


@pytest.mark.parametrize("database_url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
@pytest.mark.parametrize("second", ["recovers", "changes"])
async def test_two_callers_that_need_the_same_incidents_both_get_through(desk: Desk, second: str) -> None:
    outage = await _two_incidents_of_one_provider(desk)
    other, joined = await desk.finds("region_status")
    assert len(joined) == 2
    acts: dict[str, Callable[[], Awaitable[None]]] = {
        "recovers": lambda: desk.clears(outage, hold=MINUTE),
        "changes": lambda: _changes(desk, outage),
    }
    async with desk.db.transaction() as session:
        # The one that the catalog's order comes to first is held, until both have begun.
        await session.get(Incident, 2, with_for_update=True)
        first = asyncio.create_task(desk.relapses(other))
        await _wait(desk, so_many=1)
        following = asyncio.create_task(acts[second]())
        await _wait(desk, so_many=2)
    await asyncio.gather(first, following)


async def _changes(desk: Desk, finding: Finding) -> None:
    async with desk.db.transaction() as session:
        row = await session.get_one(Finding, finding.id)
        row.evidence = {"known": "it got worse"}
        await session.flush()
        await findings.changed(session, row, now=desk.now)
