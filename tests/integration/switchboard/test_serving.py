"""What products are served: splits by user, caps by what the day has cost, and only what a token may see."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.catalog import Catalog, parse_catalog
from bot.store.database import Database
from bot.store.tables import CallDay, CallSeries
from bot.switchboard import board, serving
from bot.trail.identity import microseconds
from bot.trail.queries.spending import DAY_US

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CATALOG = parse_catalog("""
badday: 1
people:
  maria: {name: Maria Ortiz, email: maria@example.com}
providers: {northwind: {}, cirrus: {}, polar: {}}
systems:
  support-bot:
    owner: maria
    channel: support-bot
    routes: {chat: {primary: northwind, standbys: [cirrus]}}
    features: {autoreply: {}}
    caps: {daily: {amount: "50.00"}, replies: {feature: autoreply, when_closed: degrade}}
  other:
    owner: maria
    channel: other
    routes: {voice: {primary: polar}}
""")


async def put(db: Database, key: str, value: object) -> None:
    async with db.transaction() as session:
        await board.change(session, CATALOG, key, value, actor="maria", now=NOON)


async def spend(db: Database, dollars: int, *, feature: str | None, day: datetime = NOON) -> None:
    async with db.transaction() as session:
        series = CallSeries(digest=f"{feature}{day}".encode(), system="support-bot", feature=feature)
        session.add(series)
        await session.flush()
        assert series.id is not None
        start = microseconds(day) // DAY_US
        session.add(CallDay(start=start, series_id=series.id, calls=1, cost_nano=dollars * 10**9))


async def served(db: Database, key: str, now: datetime = NOON, targeting_key: str = "") -> serving.Flag:
    async with db.reading() as session:
        found = await serving.flag(session, CATALOG, key, now=now, targeting_key=targeting_key)
    assert found is not None
    return found


async def test_a_cap_is_closed_by_what_the_day_has_cost(db: Database) -> None:
    await spend(db, 30, feature="autoreply")
    open_ = {"amount": "50.00", "currency": "USD", "period": "day", "state": "open", "until": None}
    assert await served(db, "cap.daily") == serving.Flag("cap.daily", open_, "open", metadata={"when_closed": "refuse"})
    await spend(db, 20, feature=None)
    closed = await served(db, "cap.daily")
    assert closed.value == open_ | {"state": "closed", "until": "2026-03-03T00:00:00Z"}
    assert (await served(db, "cap.daily", NOON + timedelta(hours=12))).value == open_, "a new day"


async def test_a_cap_of_a_feature_counts_its_calls_alone(db: Database) -> None:
    unlimited = (await served(db, "cap.replies")).value
    assert unlimited == {"amount": None, "currency": "USD", "period": "day", "state": "open", "until": None}
    await put(db, "cap.replies", {"amount": "10.00"})
    await spend(db, 90, feature=None)
    assert (await served(db, "cap.replies")).variant == "open"
    await spend(db, 10, feature="autoreply")
    assert (await served(db, "cap.replies")).variant == "closed"


async def test_a_split_gives_the_same_user_the_same_provider(db: Database) -> None:
    await put(db, "route.chat", {"split": {"northwind": 80, "cirrus": 20}})
    found = [await served(db, "route.chat", targeting_key=f"user-{number}") for number in range(200)]
    assert {each.reason for each in found} == {"SPLIT"}
    assert found[0].metadata == {"split": "cirrus=20,northwind=80"}
    cirrus = sum(each.value == "cirrus" for each in found)
    assert 20 <= cirrus <= 60
    assert found[7] == await served(db, "route.chat", targeting_key="user-7")
    assert (await served(db, "route.chat")).value == "northwind", "nobody in particular: the largest share"


async def test_a_system_sees_its_own_keys_and_what_is_banned_at_its_providers(db: Database) -> None:
    await put(db, "ban.cirrus", ["o3"])
    await put(db, "ban.polar", ["p1"])
    await put(db, "model.voice", "p2")
    async with db.reading() as session:
        found = await serving.flags(session, CATALOG, now=NOON, system="support-bot")
        everything = await serving.flags(session, CATALOG, now=NOON)
    assert [each.key for each in found] == [
        *("route.chat", "feature.autoreply", "cap.daily", "cap.replies", "ban.cirrus"),
    ]
    assert {"route.voice", "model.voice", "ban.polar"} <= {each.key for each in everything}
    assert not serving.may_see(CATALOG, "route.voice", "support-bot")
    assert not serving.may_see(CATALOG, "route.nothing", None)


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 99), min_size=1),
    st.text(min_size=1, max_size=30),
)
def test_everybody_has_a_provider_with_a_share(shares: dict[str, int], user: str) -> None:
    total = sum(shares.values())
    whole = {name: share * 100 // total for name, share in shares.items()}
    largest = max(whole, key=lambda name: whole[name])
    whole[largest] += 100 - sum(whole.values())
    assert whole[serving.bucket(whole, "route.chat", user)] > 0


@pytest.fixture
def catalog() -> Catalog:
    return CATALOG
