"""Actions that only look: calls since a switch, them or us, and what the money went on."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from bot.store.database import Database
from bot.store.tables import Call, CallHour, CallSeries
from bot.trail.identity import day_of, id_floor, microseconds
from bot.trail.storing import partitions
from bot.trail.storing.rollups import HOUR_US
from tests.integration.actions.conftest import Stage


async def series(db: Database, provider: str, model: str = "m", feature: str | None = None) -> int:
    async with db.transaction() as session:
        row = CallSeries(
            digest=f"{provider}{model}{feature}".encode(),
            system="support-bot",
            provider=provider,
            model_asked=model,
            feature=feature,
        )
        session.add(row)
        await session.flush()
        assert row.id is not None
        return row.id


async def calls(db: Database, series_id: int, at: datetime, *, good: int, bad: int) -> None:
    async with db.transaction() as session:
        if session.get_bind().dialect.name == "postgresql":
            for statement in partitions.create(day_of(microseconds(at))):
                await session.execute(text(statement))
        for number in range(good + bad):
            start = microseconds(at) + number
            outcome = "ok" if number < good else "error"
            row = Call(id=id_floor(start) + series_id * 1_000 + number, day=0, series_id=series_id, start_us=start,
                       outcome=outcome, received_us=start)  # fmt: skip
            session.add(row)


async def spent(db: Database, series_id: int, hour: datetime, *, dollars: int, calls: int) -> None:
    async with db.transaction() as session:
        start = microseconds(hour) // HOUR_US
        session.add(CallHour(start=start, series_id=series_id, calls=calls, cost_nano=dollars * 10**9))


async def test_them_or_us(stage: Stage, db: Database) -> None:
    now = stage.context.clock()
    northwind, cirrus = await series(db, "northwind"), await series(db, "cirrus")
    await calls(db, northwind, now - timedelta(minutes=1), good=1, bad=3)
    await calls(db, northwind, now - timedelta(minutes=9), good=9, bad=0)
    await calls(db, cirrus, now - timedelta(minutes=1), good=4, bad=0)
    said, reading = await stage.run("probe.provider", provider="northwind")
    assert reading == {
        "provider": "northwind",
        "status": "unknown",
        "calls": 4,
        "ok_rate": 0.25,
        "others_calls": 4,
        "others_ok_rate": 1.0,
    }
    assert said == (
        "northwind's page says unknown; 25 % of 4 calls to it were answered in the last 5m, "
        "100 % of 4 calls to other providers"
    )


async def test_calls_of_a_route_count_from_its_switch(stage: Stage, db: Database) -> None:
    now = stage.context.clock()
    northwind, cirrus = await series(db, "northwind"), await series(db, "cirrus")
    await calls(db, northwind, now - timedelta(minutes=2), good=0, bad=5)
    assert (await stage.run("probe.route", route="chat"))[1]["ok_rate"] == 0.0
    await stage.run("route.set", route="chat", to="cirrus")
    reading = (await stage.run("probe.route", route="chat"))[1]
    assert (reading["value"], reading["calls"], reading["ok_rate"]) == ("cirrus", 0, None)
    await calls(db, cirrus, now, good=3, bad=1)
    assert (await stage.run("probe.route", route="chat"))[1]["ok_rate"] == 0.75


async def test_what_the_money_went_on(stage: Stage, db: Database) -> None:
    now = stage.context.clock().astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    week = now - timedelta(days=7)
    cheap, dear = await series(db, "northwind", "mini", "replies"), await series(db, "northwind", "large", "summaries")
    await spent(db, cheap, week, dollars=10, calls=100)
    await spent(db, cheap, now, dollars=12, calls=120)
    await spent(db, dear, now, dollars=18, calls=30)
    said, reading = await stage.run("cost.breakdown", last="1h")
    assert (reading["total"], reading["against"], reading["ratio"]) == ("30.00", "10.00", 3.0)
    assert (reading["calls_ratio"], reading["cost_per_call_ratio"]) == (1.5, 2.0)
    assert (reading["top_model"], reading["top_model_share"]) == ("large", 0.9)
    assert reading["top_feature"] == "summaries"
    assert said.startswith("Calls cost $30.00 in the last 1h, 3.0 times the same hour last week ($10.00); traffic x1.5")
