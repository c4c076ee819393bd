"""The doctor reads the trail of a real database: what came, what the newest calls lack, who may send."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import text

from bot.catalog import Catalog, load_catalog
from bot.doctor import trail
from bot.doctor.check import Check, Status
from bot.settings import Settings, load_settings
from bot.store.database import Database
from bot.store.tables import ApiToken, Call, CallHour, CallSeries, CallSource
from bot.trail.identity import day_of_id, id_floor
from bot.trail.storing.rows import Flag

CATALOG = """
badday: 1
people: {maria: {name: Maria Ortiz, email: maria@example.com}}
providers: {openai: {status: "https://status.openai.com"}}
systems: {support-bot: {owner: maria, channel: support-bot, routes: {chat: {primary: openai}}}}
"""


def arranged(folder: Path, database_url: str) -> tuple[Settings, Catalog]:
    path = folder / "badday.yaml"
    path.write_text(CATALOG)
    return load_settings(path, {"DATABASE_URL": database_url}), load_catalog(path)


async def examine(folder: Path, database_url: str, now: datetime) -> dict[str, Check]:
    settings, catalog = arranged(folder, database_url)
    return {check.check: check async for check in trail.checks(settings, catalog, now)}


def microseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)


def calls_of(series_id: int, now: datetime, number: int, sequence: Iterator[int], **more: Any) -> list[Call]:
    start_us = microseconds(now - timedelta(minutes=5))
    calls = []
    for _ in range(number):
        call_id = id_floor(start_us) + next(sequence)
        calls.append(
            Call(
                id=call_id,
                day=day_of_id(call_id),
                series_id=series_id,
                start_us=start_us,
                received_us=start_us,
                flags=Flag.HAS_INPUT | Flag.HAS_OUTPUT,
                **more,
            )
        )
    return calls


async def test_a_new_database_holds_no_calls_and_that_is_no_failure(tmp_path: Path, empty_database_url: str) -> None:
    found = await examine(tmp_path, empty_database_url, datetime(2026, 3, 2, tzinfo=UTC))
    check = found["calls"]
    assert (check.status, check.message) == (Status.WARN, "the database is still empty, so it holds no calls")
    assert "badday run" in check.fix


async def test_an_older_schema_is_told_instead_of_failing(tmp_path: Path, db: Database, database_url: str) -> None:
    async with db.transaction() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    found = await examine(tmp_path, database_url, datetime(2026, 3, 2, tzinfo=UTC))
    assert found["calls"].message == "the database has the older schema 0001, so it holds no calls"


async def test_a_database_that_does_not_answer_is_left_to_its_own_check(tmp_path: Path) -> None:
    (tmp_path / "broken.db").write_bytes(b"this is no database at all, whatever its name says" * 100)
    assert await examine(tmp_path, f"sqlite:///{tmp_path}/broken.db", datetime(2026, 3, 2, tzinfo=UTC)) == {}


async def test_without_calls_the_two_lines_are_told(
    tmp_path: Path, db: Database, database_url: str, now: datetime
) -> None:
    found = await examine(tmp_path, database_url, now)
    assert list(found) == ["calls support-bot"]
    assert "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:8765" in found["calls support-bot"].fix


async def test_what_the_newest_calls_lack_is_told(
    tmp_path: Path, db: Database, database_url: str, now: datetime
) -> None:
    sequence = count()
    common: dict[str, Any] = {"system": "support-bot", "provider": "openai", "emitter": "openllmetry"}
    async with db.transaction() as session:
        if db.dialect == "postgresql":
            await session.execute(text("CREATE TABLE call_any PARTITION OF call DEFAULT"))
        priced = CallSeries(digest=b"1", model_answered="gpt-4.1-mini", prompt_version="7", **common)
        house = CallSeries(digest=b"2", model_answered="house-model", **common)
        session.add_all([priced, house])
        await session.flush()
        assert priced.id is not None
        assert house.id is not None
        session.add_all(calls_of(priced.id, now, 6, sequence, input_tokens=10, output_tokens=5, cost_nano=900))
        session.add_all(calls_of(priced.id, now, 3, sequence, stream=True))
        session.add_all(calls_of(house.id, now, 2, sequence, input_tokens=10, output_tokens=5))
        session.add_all(calls_of(house.id, now, 1, sequence, outcome="error", error_class="timeout"))
        session.add(CallHour(start=int(now.timestamp() // 3600), series_id=priced.id, calls=12))
        session.add(
            CallSource(
                system="support-bot",
                emitter="openllmetry",
                first_us=microseconds(now - timedelta(days=9)),
                last_us=microseconds(now - timedelta(minutes=4)),
                calls=5000,
            )
        )
    found = await examine(tmp_path, database_url, now)
    assert found["calls support-bot"].message == "5,000 calls by openllmetry, the newest 4 min ago"
    assert found["tokens support-bot/openllmetry"].message == (
        "no tokens, and so no cost, in 3 of the newest 12 calls; 3 of them are streams"
    )
    assert found["prices"].message == "no price is known for house-model of openai: 2 recent calls have no cost"
    assert set(found) == {"calls support-bot", "tokens support-bot/openllmetry", "prices"}


async def test_a_token_of_a_system_that_is_gone_is_told_until_it_is_revoked(
    tmp_path: Path, db: Database, database_url: str, now: datetime
) -> None:
    async with db.transaction() as session:
        for name, revoked in (("kept", None), ("ended", now)):
            session.add(
                ApiToken(id=name, system="old-bot", scope="ingest", digest=b"x", created_at=now, revoked_at=revoked)
            )
    found = await examine(tmp_path, database_url, now)
    assert set(found) == {"calls support-bot", "token kept"}
