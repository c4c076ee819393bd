"""Tokens of systems are shown once, kept as a hash, and dead within two seconds of being revoked, in every process."""

from datetime import datetime

import pytest
from sqlalchemy import select

from bot.store import tokens
from bot.store.database import Database
from bot.store.tables import ApiToken, AuditEntry
from bot.store.tokens import Holder, NewToken, TokenBook, TokenScope


class Seconds:
    """A clock of one's own."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


async def make(db: Database, now: datetime, system: str = "shop", scope: TokenScope = TokenScope.INGEST) -> NewToken:
    async with db.transaction() as session:
        return await tokens.create(session, system, scope, actor="maria", now=now)


async def revoke(db: Database, token_id: str, now: datetime) -> ApiToken | None:
    async with db.transaction() as session:
        return await tokens.revoke(session, token_id, actor="maria", now=now)


async def test_a_token_tells_its_system_and_scope(db: Database, now: datetime) -> None:
    made = await make(db, now, scope=TokenScope.READ)
    assert await TokenBook(db).holder(made.token) == Holder(made.id, "shop", TokenScope.READ)


async def test_only_a_hash_is_kept(db: Database, now: datetime) -> None:
    made = await make(db, now)
    secret = made.token.split("_", 2)[2]
    async with db.reading() as session:
        row = (await session.execute(select(ApiToken))).scalar_one()
        entry = (await session.execute(select(AuditEntry))).scalar_one()
    assert secret not in f"{row!r} {entry!r}"
    assert secret.encode() not in row.digest


@pytest.mark.parametrize(
    "spoil", [lambda t: t[:-1], lambda t: t + "x", lambda t: t.replace("bd_", "xx_"), lambda _: ""]
)
async def test_a_wrong_token_is_nobodys(db: Database, now: datetime, spoil: object) -> None:
    made = await make(db, now)
    assert callable(spoil)
    assert await TokenBook(db).holder(spoil(made.token)) is None
    assert await TokenBook(db).holder("bd_0000000000_secret") is None


async def test_a_revoked_token_is_dead_within_two_seconds_in_a_process_that_knew_it(
    db: Database, now: datetime
) -> None:
    made = await make(db, now)
    clock = Seconds()
    book = TokenBook(db, clock=clock)
    assert await book.holder(made.token) is not None
    assert await revoke(db, made.id, now) is not None
    clock.now += 1.5
    assert await book.holder(made.token) is None


async def test_a_new_token_counts_at_once(db: Database, now: datetime) -> None:
    clock = Seconds()
    book = TokenBook(db, clock=clock)
    assert not await book.any()
    made = await make(db, now)
    clock.now += 0.2
    assert await book.holder(made.token) is not None


async def test_revoking_the_last_token_does_not_open_the_door(db: Database, now: datetime) -> None:
    made = await make(db, now)
    await revoke(db, made.id, now)
    assert await TokenBook(db).any()


async def test_a_token_is_revoked_by_its_id_or_its_text_and_only_once(db: Database, now: datetime) -> None:
    made = await make(db, now)
    assert await revoke(db, "nothing", now) is None
    first = await revoke(db, made.token, now)
    assert first is not None
    again = await revoke(db, made.id, now.replace(year=2030))
    assert again is not None
    assert again.revoked_at == first.revoked_at
    async with db.reading() as session:
        actions = (await session.execute(select(AuditEntry.action))).scalars().all()
    assert actions == ["token.create", "token.revoke"]
