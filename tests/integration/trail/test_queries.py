"""Every question of `/badday calls`, on both engines."""

from datetime import datetime, timedelta

import pytest

from bot.store.database import Database
from bot.trail.queries import asking as queries
from bot.trail.queries.asking import Filter
from tests.integration.trail.calls import Writing, failed, minutes_apart, sighting


async def outputs(db: Database, filter_: Filter, limit: int | None = 10) -> list[str | None]:
    async with db.reading() as session:
        return [call.output for call in await queries.newest(session, filter_, limit, bodies=True)]


async def test_calls_come_newest_first_whatever_the_order_in_which_they_arrived(
    db: Database, write: Writing, now: datetime
) -> None:
    moments = minutes_apart(now - timedelta(hours=5), 5, timedelta(hours=1))
    for number in (3, 1, 4, 0, 2):
        write(sighting(moments[number], output=str(number)))
    assert await outputs(db, Filter()) == ["4", "3", "2", "1", "0"]
    assert await outputs(db, Filter(), 2) == ["4", "3"]
    assert await outputs(db, Filter(since=moments[1], until=moments[3]), None) == ["2", "1"]


@pytest.mark.parametrize(
    "filter_",
    [
        Filter(systems=("search",)),
        Filter(model="gpt-9"),
        Filter(model="gpt-9-2026-01-01"),
        Filter(feature="summaries"),
        Filter(prompt_version="v2"),
        Filter(provider="Anthropic"),
        Filter(errors=True),
        Filter(words="needle"),
        Filter(words="NEEDLE haystack", feature="summaries", errors=True),
    ],
    ids=str,
)
@pytest.mark.parametrize("limit", [10, None])
async def test_a_filter_leaves_the_calls_that_it_names(
    db: Database, write: Writing, now: datetime, filter_: Filter, limit: int | None
) -> None:
    for moment in minutes_apart(now - timedelta(days=9), 40, timedelta(hours=5)):
        write(sighting(moment, output="nothing in the haystack"))
    write(
        failed(
            now - timedelta(days=4),
            system="search",
            model_asked="gpt-9",
            model_answered="gpt-9-2026-01-01",
            feature="summaries",
            prompt_version="v2",
            provider="anthropic",
            output="a needle in the haystack",
        )
    )
    assert await outputs(db, filter_, limit) == ["a needle in the haystack"]
    async with db.reading() as session:
        (slow,) = await queries.slowest(session, filter_, 10) if filter_ != Filter() else [None]
    assert slow is not None
    assert slow.system == "search"


async def test_the_slowest_and_the_dearest_are_found_among_many_hours(
    db: Database, write: Writing, now: datetime
) -> None:
    moments = minutes_apart(now - timedelta(days=3), 300, timedelta(minutes=14))
    write(
        *(
            sighting(moment, duration_us=1_000 * (number * 7919 % 300 + 1), emitter_cost_nano=number * 104729 % 300 + 1)
            for number, moment in enumerate(moments)
        )
    )
    async with db.reading() as session:
        slowest = await queries.slowest(session, Filter(), 10)
        recent = await queries.slowest(session, Filter(since=moments[100] + timedelta(seconds=1)), 10)
        dearest = await queries.dearest(session, Filter(), 10)
    assert [call.latency_ms for call in slowest] == [300 - n for n in range(10)]
    wanted = sorted((n * 7919 % 300 + 1 for n in range(101, 300)), reverse=True)[:10]
    assert [call.latency_ms for call in recent] == wanted
    costs = [call.cost for call in dearest]
    assert costs == sorted(costs, key=lambda cost: -(cost or 0))


async def test_totals_of_a_time_that_begins_within_an_hour_count_by_minute(
    db: Database, write: Writing, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return now

    monkeypatch.setattr(queries, "datetime", Clock)
    write(*(sighting(moment) for moment in minutes_apart(now - timedelta(minutes=200), 200)))
    async with db.reading() as session:
        for minutes in (1, 30, 59, 60, 61, 125):
            since = now - timedelta(minutes=minutes)
            assert (await queries.totals(session, Filter(since=since))).calls == minutes
        half = Filter(since=now - timedelta(minutes=100), until=now - timedelta(minutes=70))
        assert (await queries.totals(session, half)).calls == 30


async def test_words_are_words_and_no_syntax(db: Database, write: Writing, now: datetime) -> None:
    write(sighting(now, output='the "refund" window (closed) OR-not'), sighting(now, output="nothing else"))
    for typed in ("refund", '"refund"', "refund*", "REFUND (window", "or not", "output:refund", "a OR b", '";--', "-"):
        found = await outputs(db, Filter(words=typed))
        assert found in ([], ['the "refund" window (closed) OR-not'])
    assert await outputs(db, Filter(words="refund window")) != []
    assert await outputs(db, Filter(words="refund else")) == []
    assert await outputs(db, Filter(words='"')) == []


async def test_words_of_any_script_and_length_are_found(db: Database, write: Writing, now: datetime) -> None:
    long = "x" * 3000
    write(sighting(now, output=f"Größe Ünïcode 東京 naïve {long}"), sighting(now, output="none of it"))
    for typed in ("größe", "東京", "Ünïcode NAÏVE", long):
        assert len(await outputs(db, Filter(words=typed))) == 1


async def test_words_are_found_in_every_week(db: Database, write: Writing, now: datetime) -> None:
    for weeks in range(6):
        write(sighting(now - timedelta(weeks=weeks), output=f"parcel {weeks}"))
    assert await outputs(db, Filter(words="parcel")) == [f"parcel {weeks}" for weeks in range(6)]
    late = Filter(words="parcel", since=now - timedelta(weeks=2), until=now - timedelta(days=1))
    assert await outputs(db, late) == ["parcel 1", "parcel 2"]


async def test_a_call_is_found_by_the_id_that_an_import_brought(db: Database, write: Writing, now: datetime) -> None:
    write(sighting(now - timedelta(days=40), external_id="line-17", output="imported"), sighting(now))
    async with db.reading() as session:
        found = await queries.by_id(session, "line-17")
        assert await queries.by_id(session, "nobody") is None
        assert await queries.by_id(session, "c_0000000000000") is None
    assert found is not None
    assert (found.call_id, found.output) == ("line-17", "imported")


async def test_a_breakdown_adds_up_to_the_totals(db: Database, write: Writing, now: datetime) -> None:
    write(
        *(sighting(now, feature="a") for _ in range(3)),
        failed(now, feature="b"),
        sighting(now, model_asked=None, model_answered="gpt-9"),
    )
    async with db.reading() as session:
        parts = await queries.breakdown(session, Filter(), "feature")
        models = await queries.breakdown(session, Filter(), "model")
        totals = await queries.totals(session, Filter())
    assert next((name, part.calls, part.errors) for name, part in parts) == ("a", 3, 0)
    assert {name for name, _ in parts} == {"a", "b", None}
    assert {name for name, _ in models} == {"gpt-4.1-mini", "gpt-9"}
    assert sum(part.calls for _, part in parts) == totals.calls == 5
