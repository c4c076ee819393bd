"""Runbooks start with their incident and end with it, whichever replica looks first."""

import asyncio

from sqlalchemy import select
from sqlmodel import col

from bot.incidents import findings, incidents
from bot.runbooks.follower import Follower
from bot.runbooks.library import LiveLibrary
from bot.store.tables import Finding, Incident, RunbookStep
from tests.integration.runbooks.conftest import Desk


def follower(desk: Desk) -> Follower:
    return Follower(desk.db, lambda: desk.catalog, desk.library, desk.clock)


async def found(desk: Desk) -> Incident:
    async with desk.db.transaction() as session:
        finding = Finding(
            kind="provider_status",
            subject="northwind",
            watch="status.northwind",
            severity="sev1",
            title="northwind is down",
            dedupe_key="status.northwind",
            opened_at=desk.clock(),
        )
        session.add(finding)
        await session.flush()
        (incident,) = await findings.opened(session, desk.catalog, finding, now=desk.clock())
        return incident


async def states(desk: Desk) -> list[str]:
    async with desk.db.reading() as session:
        statement = select(col(RunbookStep.state)).order_by(col(RunbookStep.position))
        return list((await session.execute(statement)).scalars())


async def test_an_incident_gets_its_steps_once_from_several_replicas(desk: Desk) -> None:
    desk.library = LiveLibrary(desk.folder / "none")
    await found(desk)
    await asyncio.gather(*(follower(desk).follow() for _ in range(3)))
    assert await states(desk) == ["offered", "offered", "pending", "pending", "offered"]


async def test_a_resolved_incident_ends_its_run(desk: Desk) -> None:
    desk.library = LiveLibrary(desk.folder / "none")
    incident = await found(desk)
    assert incident.id is not None
    await follower(desk).follow()
    async with desk.db.transaction() as session:
        await incidents.resolve(session, incident.id, version=None, actor="maria", now=desk.clock())
    await follower(desk).follow()
    assert await states(desk) == ["skipped"] * 5
    assert await follower(desk).follow() == 0
