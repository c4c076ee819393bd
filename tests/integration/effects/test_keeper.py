"""Effects of steps, from the trail: shown in the thread, and told where there is none."""

from datetime import datetime, timedelta

from sqlalchemy import select, text
from sqlmodel import col

from bot.effects.figures import Figures
from bot.effects.keeper import NO_EFFECT_AFTER, SETTLED_AFTER, EffectKeeper
from bot.store.tables import Call, CallMinute, CallSeries, Effect, Finding, IncidentFinding, OutboxMessage
from bot.trail.identity import day_of, id_floor, microseconds
from bot.trail.storing import partitions
from bot.trail.storing.rollups import MINUTE_US
from tests.integration.runbooks.conftest import Desk, desk, make_library

__all__ = ["desk", "make_library"]


async def calls(desk: Desk, provider: str, at: datetime, *, good: int, bad: int = 0) -> None:
    """Calls of one moment, with the sums that the trail keeps of them."""
    async with desk.db.transaction() as session:
        if session.get_bind().dialect.name == "postgresql":
            for statement in partitions.create(day_of(microseconds(at))):
                await session.execute(text(statement))
        known = select(CallSeries).where(col(CallSeries.provider) == provider)
        series = (await session.execute(known)).scalar_one_or_none()
        if series is None:
            series = CallSeries(digest=provider.encode(), system="support-bot", provider=provider, route="chat")
            session.add(series)
            await session.flush()
        assert series.id is not None
        for number in range(good + bad):
            start = microseconds(at) + number
            session.add(
                Call(
                    id=id_floor(start) + series.id * 10_000 + number,
                    series_id=series.id,
                    day=0,
                    start_us=start,
                    received_us=start,
                    outcome="ok" if number < good else "error",
                    cost_nano=1_000_000,
                )
            )
        minute = CallMinute(
            start=microseconds(at) // MINUTE_US,
            series_id=series.id,
            calls=good + bad,
            errors=bad,
            cost_nano=(good + bad) * 1_000_000,
        )
        session.add(minute)


def keeper(desk: Desk) -> EffectKeeper:
    return EffectKeeper(desk.db, lambda: desk.catalog, desk.clock)


async def look(desk: Desk, after: timedelta) -> Effect:
    desk.clock.advance(after)
    await keeper(desk).look()
    async with desk.db.reading() as session:
        return (await session.execute(select(Effect))).scalar_one()


async def messages(desk: Desk) -> list[OutboxMessage]:
    async with desk.db.reading() as session:
        statement = select(OutboxMessage).where(col(OutboxMessage.kind) == "effect")
        return list((await session.execute(statement)).scalars())


async def switched(desk: Desk) -> None:
    await desk.start(await desk.incident())
    await calls(desk, "northwind", desk.clock() - timedelta(minutes=2), good=2, bad=8)
    assert (await desk.run("switch")).state == "done"
    await keeper(desk).look()


async def test_before_and_since_stand_in_the_thread(desk: Desk) -> None:
    await switched(desk)
    await keeper(desk).look()
    await calls(desk, "cirrus", desk.clock() + timedelta(seconds=1), good=10)
    row = await look(desk, timedelta(seconds=10))
    before, after = Figures.from_json(row.before), Figures.from_json(row.after)
    assert (before.error_share, dict(before.providers)) == (0.8, {"northwind": 10})
    assert (after.error_share, dict(after.providers)) == (0.0, {"cirrus": 10})
    (message,) = await messages(desk)
    assert message.incident_id == row.incident_id
    assert row.due is not None
    row = await look(desk, SETTLED_AFTER)
    assert row.due is None, "once it is settled nobody looks any more"


async def test_without_calls_nothing_is_said(desk: Desk) -> None:
    await desk.start(await desk.incident())
    await desk.run("switch")
    await keeper(desk).look()
    await look(desk, timedelta(seconds=10))
    assert await messages(desk) == []


async def test_a_change_that_calls_do_not_obey_is_told_once_and_cleared(desk: Desk) -> None:
    await switched(desk)
    for minute in range(1, 6):
        await calls(desk, "northwind", desk.clock() + timedelta(minutes=minute), good=5)
    await look(desk, NO_EFFECT_AFTER - timedelta(seconds=1))
    row = await look(desk, timedelta(minutes=1, seconds=1))
    assert row.finding_id is not None
    async with desk.db.reading() as session:
        finding = await session.get_one(Finding, row.finding_id)
        linked = (await session.execute(select(IncidentFinding))).scalars().all()
    assert finding.title == "no effect after 5 minutes: Switch route chat from northwind to cirrus"
    assert [(one.incident_id, one.finding_id) for one in linked] == [(row.incident_id, row.finding_id)]
    for minute in range(4):
        await calls(desk, "cirrus", desk.clock() + timedelta(minutes=minute), good=9)
    row = await look(desk, timedelta(minutes=4))
    assert row.finding_id is None
    async with desk.db.reading() as session:
        assert (await session.get_one(Finding, finding.id)).cleared_at is not None


async def test_an_undo_ends_it(desk: Desk) -> None:
    await switched(desk)
    await look(desk, timedelta(seconds=10))
    await desk.run("switch", "undo")
    assert (await look(desk, timedelta(seconds=30))).due is None
