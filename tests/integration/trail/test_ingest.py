"""What is written, and what it adds up to, on both engines."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlmodel import col

from bot.store.database import Database
from bot.store.tables import Call, CallBody, CallHour, CallMinute, CallSource
from bot.trail.calls import ErrorClass, Kind
from bot.trail.queries import asking as queries
from bot.trail.queries.asking import Filter
from bot.trail.queries.impact import impact
from bot.trail.storing.store import StoreUnavailableError
from tests.integration.trail.calls import Writing, failed, sighting

EVERYTHING = Filter()


async def test_a_call_is_queryable_with_its_texts_once_it_is_written(
    db: Database, write: Writing, now: datetime
) -> None:
    result = write(
        sighting(
            now,
            input='[{"role":"user","content":"Where is my parcel?"}]',
            output="It is on its way.",
            prompt_version="v7",
            response_id="resp_1",
            extra={"temperature": 0.2},
        )
    )
    assert (result.calls_added, result.accepted) == (1, 1)
    async with db.reading() as session:
        (call,) = await queries.newest(session, EVERYTHING, None, bodies=True)
        assert await queries.by_id(session, "resp_1") == call
        assert await queries.by_id(session, call.call_id) == call
    assert call.input == '[{"role":"user","content":"Where is my parcel?"}]'
    assert (call.output, call.prompt_version, call.latency_ms) == ("It is on its way.", "v7", 800.0)
    assert call.extra == {"temperature": 0.2}
    assert call.started_at == now


async def test_the_same_sightings_again_add_nothing(db: Database, write: Writing, now: datetime) -> None:
    sightings = [sighting(now + timedelta(seconds=n), output=f"answer {n}", response_id=f"r{n}") for n in range(50)]
    copies = [replace(one, facts=replace(one.facts)) for one in sightings]
    assert write(*sightings).calls_added == 50
    again = write(*copies)
    assert (again.calls_added, again.calls_changed) == (0, 0)
    async with db.reading() as session:
        assert (await queries.totals(session, EVERYTHING)).calls == 50


async def test_a_call_that_learns_more_counts_once_and_with_what_is_known_now(
    db: Database, write: Writing, now: datetime
) -> None:
    first = sighting(now, output=None, input_tokens=None, output_tokens=None, duration_us=None)
    write(first)
    more = sighting(now, output="late answer", input_tokens=70, output_tokens=7)
    more = replace(more, trace_id=first.trace_id, span_id=first.span_id)
    result = write(more)
    assert (result.calls_added, result.calls_changed) == (0, 1)
    async with db.reading() as session:
        totals = await queries.totals(session, EVERYTHING)
        found = await queries.newest(session, Filter(words="late"), 5, bodies=True)
        source = (await queries.sources(session, "support-bot"))[0]
    assert (totals.calls, totals.input_tokens, totals.output_tokens) == (1, 70, 7)
    assert [call.output for call in found] == ["late answer"]
    assert (source.calls, source.with_output, source.with_usage) == (1, 1, 1)


async def test_twins_by_response_id_are_one_call(db: Database, write: Writing, now: datetime) -> None:
    write(sighting(now, response_id="resp_9", emitter="openllmetry"))
    write(sighting(now, response_id="resp_9", emitter="anthropic-sdk", output="the answer"))
    async with db.reading() as session:
        (call,) = await queries.newest(session, EVERYTHING, None, bodies=True)
        totals = await queries.totals(session, EVERYTHING)
        twins = sum(source.twins for source in await queries.sources(session))
    assert (call.output, totals.calls, twins) == ("the answer", 1, 1)


async def test_the_sums_by_hour_and_by_minute_are_those_of_the_calls(
    db: Database, write: Writing, now: datetime
) -> None:
    write(*(sighting(now - timedelta(minutes=n), duration_us=1000 * (n + 1)) for n in range(90)))
    write(failed(now), failed(now, ErrorClass.RATE_LIMIT), sighting(now, finish_reason="length"))
    async with db.reading() as session:
        for table in (CallHour, CallMinute):
            sums = (
                await session.execute(
                    select(func.sum(table.calls), func.sum(table.errors), func.sum(table.timeout))  # type: ignore[arg-type]
                )
            ).one()
            assert tuple(sums) == (93, 2, 1)
        totals = await queries.totals(session, EVERYTHING)
        (only,) = await queries.breakdown(session, EVERYTHING, "model")
        minutes = await queries.minutes(session, ["support-bot"], now)
    assert totals.by_class == {ErrorClass.TIMEOUT: 1, ErrorClass.RATE_LIMIT: 1, ErrorClass.TRUNCATED: 1}
    assert only == ("gpt-4.1-mini", totals)
    assert totals.p50_ms == pytest.approx(47, rel=0.1)
    assert sum(minute.calls for minute in minutes) == 4
    assert sum(minute.errors for minute in minutes) == 2


async def test_calls_of_a_day_long_ago_find_their_place(db: Database, write: Writing, now: datetime) -> None:
    write(sighting(now - timedelta(days=200), output="old words"), sighting(now))
    async with db.reading() as session:
        old = await queries.newest(session, Filter(until=now - timedelta(days=100)), 5, bodies=True)
        assert [call.output for call in old] == ["old words"]
        assert (await session.execute(select(func.count()).select_from(CallMinute))).scalar_one() == 1


async def test_a_call_without_a_believable_time_starts_when_it_arrives(
    db: Database, write: Writing, now: datetime
) -> None:
    write(sighting(now, start_us=0), sighting(now + timedelta(days=900)))
    async with db.reading() as session:
        assert {call.started_at for call in await queries.newest(session, EVERYTHING, None)} == {now}


async def test_numbers_and_texts_that_no_column_holds_cost_nobody_the_batch(
    db: Database, write: Writing, now: datetime
) -> None:
    odd = sighting(
        now,
        input_tokens=2**70,
        http_status=10**9,
        retries=10**6,
        duration_us=2**80,
        output="half \ud800 and \0 nothing",
        response_id="r" * 5000,
        model_answered="m\0" * 999,
        extra={"big": 2**90, "bytes": b"\xff", "nul": "\0", "key\0": ["\0"]},
    )
    assert write(odd, sighting(now)).calls_added == 2
    async with db.reading() as session:
        found = await queries.newest(session, EVERYTHING, None, bodies=True)
        totals = await queries.totals(session, EVERYTHING)
    assert "half ? and  nothing" in {call.output for call in found}
    assert totals.calls == 2


async def test_two_writers_store_one_call_once(
    db: Database, another_writer: Callable[[], Writing], now: datetime
) -> None:
    one, other = another_writer(), another_writer()
    first = sighting(now, response_id="shared")
    # The other writer has looked already, and finds at the lock that its look no longer holds.
    looked = other.store.look_up

    def look_and_be_overtaken(*arguments: object, **named: object) -> object:
        found = looked(*arguments, **named)  # type: ignore[arg-type]
        other.store.look_up = looked  # type: ignore[method-assign]
        one(replace(first, facts=replace(first.facts)))
        return found

    other.store.look_up = look_and_be_overtaken  # type: ignore[method-assign,assignment]
    assert other(first).calls_added == 0
    async with db.reading() as session:
        assert len(await queries.newest(session, EVERYTHING, None)) == 1


async def test_users_are_stored_by_hash_alone(db: Database, write: Writing, now: datetime, tmp_path: Path) -> None:
    write(sighting(now, user="maria@example.com"), failed(now, user="maria@example.com"), failed(now, user="tom"))
    async with db.reading() as session:
        hashes = list((await session.execute(select(col(Call.user_hash)))).scalars())
        assert len(set(hashes)) == 2
        seen = await impact(session, "support-bot", now - timedelta(hours=1), now + timedelta(hours=1))
        assert seen is not None
        assert seen.users == 2
    files = await asyncio.to_thread(lambda: [path.read_bytes() for path in tmp_path.glob("*.db*")])
    assert not any(b"maria@example" in content for content in files)


async def test_what_every_emitter_sends_is_counted(db: Database, write: Writing, now: datetime) -> None:
    write(
        sighting(now, input="x", output="y", prompt_version="3"),
        sighting(now, truncated=True, input_tokens=None, output_tokens=None),
        unknown={"opentelemetry.instrumentation.requests": 4},
    )
    write(sighting(now, kind=Kind.WRAPPER))
    async with db.reading() as session:
        found = {source.emitter: source for source in await queries.sources(session, "support-bot")}
    told = found["openllmetry"]
    assert (told.calls, told.with_input, told.with_output, told.with_usage) == (2, 1, 1, 1)
    assert (told.with_prompt_version, told.truncated) == (1, 1)
    assert found["opentelemetry.instrumentation.requests"].unknown_spans == 4


async def test_a_locked_database_is_unavailable_and_the_batch_can_come_again(
    db: Database, write: Writing, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    if db.dialect != "sqlite":
        pytest.skip("one writer at a time is SQLite's way")
    write(sighting(now))
    write.store._connected().execute("PRAGMA busy_timeout=50")  # type: ignore[attr-defined]
    async with db.transaction() as session:
        await session.execute(text("DELETE FROM call_pin"))
        with pytest.raises(StoreUnavailableError, match="locked"):
            write(sighting(now))
    assert write(sighting(now)).calls_added == 1


async def test_bodies_are_compressed_and_absent_where_nothing_was_said(
    db: Database, write: Writing, now: datetime
) -> None:
    write(sighting(now, output="the same words again and again. " * 100), sighting(now))
    async with db.reading() as session:
        (body,) = (await session.execute(select(CallBody))).scalars()
        records = await queries.newest(session, EVERYTHING, None)
    assert body.output is not None
    assert len(body.output) < 200
    assert sorted(record.has_body for record in records) == [False, True]


async def test_sources_tell_when_something_last_arrived(db: Database, write: Writing, now: datetime) -> None:
    write(sighting(now - timedelta(hours=3)))
    async with db.reading() as session:
        (source,) = (await session.execute(select(CallSource))).scalars()
    assert source.last_us == round(now.timestamp() * 1_000_000)
