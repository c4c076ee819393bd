"""The switchboard's values and changes, on both engines."""

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from bot.catalog import Catalog, parse_catalog
from bot.store.database import Database
from bot.store.tables import AuditEntry
from bot.switchboard import board
from bot.switchboard.board import RefusedValueError, UnknownKeyError

DOCUMENT = """
badday: 1
people:
  maria: {name: Maria Ortiz, email: maria@example.com}
providers: {northwind: {}, cirrus: {}, polar: {}}
systems:
  support-bot:
    owner: maria
    channel: support-bot
    routes: {chat: {primary: northwind, standbys: [cirrus]}}
    features: {autoreply: {default: true}}
    caps: {daily: {amount: "50"}}
"""


@pytest.fixture
def catalog() -> Catalog:
    return parse_catalog(DOCUMENT)


async def test_every_key_has_the_catalogs_default_until_it_is_changed(db: Database, catalog: Catalog) -> None:
    async with db.reading() as session:
        values = await board.all_values(session, catalog)
    assert [(each.key, each.value, each.variant, each.changed_by) for each in values.values()] == [
        ("route.chat", "northwind", "northwind", None),
        ("feature.autoreply", True, "on", None),
        ("cap.daily", {"amount": "50.00", "currency": "USD", "period": "day"}, "50.00", None),
        ("model.chat", None, "none", None),
        ("ban.northwind", [], "none", None),
        ("ban.cirrus", [], "none", None),
        ("ban.polar", [], "none", None),
    ]


async def test_a_change_is_in_force_at_once_and_in_the_audit_log(db: Database, catalog: Catalog, now: datetime) -> None:
    async with db.transaction() as session:
        assert await board.change(session, catalog, "route.chat", "cirrus", actor="maria", now=now) == (
            "northwind",
            "cirrus",
        )
    async with db.reading() as session:
        value = await board.value(session, catalog, "route.chat")
        assert value is not None
        assert (value.value, value.variant, value.changed_by, value.changed_at) == ("cirrus", "cirrus", "maria", now)
        (entry,) = (await session.execute(select(AuditEntry))).scalars()
        assert (entry.action, entry.object, entry.before, entry.after) == (
            "switchboard.change",
            "route.chat",
            "northwind",
            "cirrus",
        )


async def test_setting_what_is_in_force_writes_nothing(db: Database, catalog: Catalog, now: datetime) -> None:
    async with db.transaction() as session:
        assert await board.change(session, catalog, "feature.autoreply", True, actor="maria", now=now) == (True, True)
    async with db.reading() as session:
        value = await board.value(session, catalog, "feature.autoreply")
        assert value is not None
        assert value.changed_at is None
        assert (await session.execute(select(AuditEntry))).scalars().all() == []


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("route.chat", "polar", "route.chat cannot be 'polar'; its providers are: northwind, cirrus"),
        ("route.chat", True, "route.chat cannot be True; its providers are: northwind, cirrus"),
        ("feature.autoreply", 1, "feature.autoreply cannot be 1; it is true or false"),
    ],
)
async def test_a_value_that_the_key_cannot_take_is_refused(
    db: Database, catalog: Catalog, now: datetime, key: str, value: object, message: str
) -> None:
    async with db.transaction() as session:
        with pytest.raises(RefusedValueError) as caught:
            await board.change(session, catalog, key, value, actor="maria", now=now)
    assert str(caught.value) == message


async def test_an_unknown_key_is_refused_with_those_that_exist(db: Database, catalog: Catalog, now: datetime) -> None:
    async with db.transaction() as session:
        with pytest.raises(UnknownKeyError, match="the catalog has no route 'voice'; it has chat"):
            await board.change(session, catalog, "route.voice", "cirrus", actor="maria", now=now)
        assert await board.value(session, catalog, "route.voice") is None


async def test_a_provider_that_left_the_catalog_is_served_no_more(
    db: Database, catalog: Catalog, now: datetime
) -> None:
    async with db.transaction() as session:
        await board.change(session, catalog, "route.chat", "cirrus", actor="maria", now=now)
    without = parse_catalog(DOCUMENT.replace("standbys: [cirrus]", "standbys: [polar]"))
    async with db.reading() as session:
        value = await board.value(session, without, "route.chat")
    assert value is not None
    assert value.value == "northwind"


async def test_competing_changes_each_tell_the_value_before_them(db: Database, catalog: Catalog, now: datetime) -> None:
    async def flip(number: int) -> None:
        async with db.transaction() as session:
            to = "cirrus" if number % 2 else "northwind"
            await board.change(
                session, catalog, "route.chat", to, actor=f"p{number}", now=now + timedelta(seconds=number)
            )

    await asyncio.gather(*(flip(number) for number in range(12)))
    async with db.reading() as session:
        entries = list((await session.execute(select(AuditEntry).order_by(AuditEntry.id))).scalars())  # type: ignore[arg-type]
    chain = ["northwind", *(entry.after for entry in entries)]
    assert [entry.before for entry in entries] == chain[:-1]
    assert all(entry.before != entry.after for entry in entries)


@pytest.mark.parametrize(
    ("key", "value", "stored"),
    [
        ("route.chat", {"split": {"cirrus": 10, "northwind": 90}}, {"split": {"cirrus": 10, "northwind": 90}}),
        ("route.chat", {"split": {"northwind": 100, "cirrus": 0}}, {"split": {"northwind": 100}}),
        ("cap.daily", {"amount": "7.5"}, {"amount": "7.50", "currency": "USD", "period": "day"}),
        ("cap.daily", None, None),
        ("model.chat", "gpt-4.1-mini", "gpt-4.1-mini"),
        ("ban.northwind", ["o3", "a", "o3"], ["a", "o3"]),
    ],
)
async def test_every_kind_of_value_is_kept(
    db: Database, catalog: Catalog, now: datetime, key: str, value: object, stored: object
) -> None:
    async with db.transaction() as session:
        await board.change(session, catalog, key, value, actor="maria", now=now)
        await board.change(session, catalog, key, value, actor="sam", now=now)
    async with db.reading() as session:
        found = await board.value(session, catalog, key)
        (entry,) = await board.history(session, key)
    assert found is not None
    assert (found.value, found.changed_by) == (stored, "maria")
    assert (entry.actor, entry.after) == ("maria", stored)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("route.chat", {"split": {"cirrus": 10, "northwind": 80}}, "write whole percents that make 100"),
        ("route.chat", {"split": {"polar": 100}}, "cannot go to 'polar'; its providers are: northwind, cirrus"),
        ("cap.daily", {"amount": 0.1}, "write an amount of US dollars to the cent"),
        ("cap.daily", {"amount": "-1"}, "write an amount of US dollars to the cent"),
        ("cap.daily", {"amount": "1", "currency": "EUR"}, "is an amount of USD a day"),
        ("model.chat", "<!channel>", "it is the name of a model"),
        ("ban.northwind", "o3", "it is a list of at most 50 models"),
    ],
)
async def test_what_a_key_cannot_be_is_said(
    db: Database, catalog: Catalog, now: datetime, key: str, value: object, words: str
) -> None:
    async with db.transaction() as session:
        with pytest.raises(RefusedValueError, match=words):
            await board.change(session, catalog, key, value, actor="maria", now=now)
