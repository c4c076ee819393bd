"""Tokens of systems: made once, kept only as a hash, looked up by their id, and dead soon after they are revoked.

    bd_4f1c09a2b7_pQ…     `bd`, the id, and 256 random bits

A fast hash is enough: nobody guesses 256 random bits. The id is not secret; it is what lists and logs show.
"""

import asyncio
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store import audit
from bot.store.database import Database
from bot.store.tables import ApiToken

PREFIX = "bd"
TRUSTED_FOR = 1.0
"""Seconds for which a process believes what it has read; a revoked token is dead everywhere within two."""
SOONEST = 0.1
"""Seconds between two looks for a token that is not known, which may have been made just now."""
_ID_BYTES = 5
_SECRET_BYTES = 32
_NOBODY = bytes(hashlib.sha256().digest_size)


class TokenScope(StrEnum):
    """What a token of a system is good for."""

    INGEST = "ingest"
    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that was just made: the only time that its text is there to be shown."""

    id: str
    system: str
    scope: TokenScope
    token: str


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose token it was, and what it is good for."""

    id: str
    system: str
    scope: TokenScope


async def create(session: AsyncSession, system: str, scope: TokenScope, *, actor: str, now: datetime) -> NewToken:
    """Make a token; its text is in the result and nowhere else."""
    token_id, secret = secrets.token_hex(_ID_BYTES), secrets.token_urlsafe(_SECRET_BYTES)
    session.add(ApiToken(id=token_id, system=system, scope=scope, digest=_digest(secret), created_at=now))
    about = {"system": system, "scope": scope}
    await audit.record(session, actor=actor, action="token.create", object=f"token:{token_id}", now=now, after=about)
    return NewToken(token_id, system, scope, f"{PREFIX}_{token_id}_{secret}")


async def listed(session: AsyncSession) -> list[ApiToken]:
    """All that were ever made, in the order in which they were."""
    return list(
        (await session.execute(select(ApiToken).order_by(col(ApiToken.created_at), col(ApiToken.id)))).scalars()
    )


async def revoke(session: AsyncSession, token_id: str, *, actor: str, now: datetime) -> ApiToken | None:
    """End a token, named by its id or in full; None where there is none. One revoked before keeps its time."""
    token_id = token_id.removeprefix(f"{PREFIX}_").partition("_")[0]
    token = await session.get(ApiToken, token_id)
    if token is None or token.revoked_at is not None:
        return token
    token.revoked_at = now
    await audit.record(session, actor=actor, action="token.revoke", object=f"token:{token_id}", now=now)
    return token


class TokenBook:
    """The tokens as this process knows them: asked at every request, read from the database once a second."""

    def __init__(self, db: Database, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._clock = clock
        self._tokens: Mapping[str, tuple[Holder | None, bytes]] = {}
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()

    async def any(self) -> bool:
        """Whether a token was ever made. A revoked one counts: to revoke the last one must not open the door."""
        await self._read_if_older_than(TRUSTED_FOR)
        return bool(self._tokens)

    async def holder(self, text: str) -> Holder | None:
        """Whose token this is; None for what is not one, or not any more."""
        token_id, secret = _parts(text)
        if token_id is None:
            return None
        await self._read_if_older_than(TRUSTED_FOR)
        if token_id not in self._tokens:
            await self._read_if_older_than(SOONEST)
        holder, digest = self._tokens.get(token_id, (None, _NOBODY))
        return holder if hmac.compare_digest(_digest(secret), digest) else None

    async def _read_if_older_than(self, seconds: float) -> None:
        if self._clock() - self._read_at < seconds:
            return
        async with self._reading:
            if self._clock() - self._read_at < seconds:
                return
            started = self._clock()
            async with self._db.reading() as session:
                self._tokens = {token.id: (_holder(token), token.digest) for token in await listed(session)}
            self._read_at = started


def _holder(token: ApiToken) -> Holder | None:
    return Holder(token.id, token.system, TokenScope(token.scope)) if token.revoked_at is None else None


def _parts(text: str) -> tuple[str | None, str]:
    prefix, _, rest = text.partition("_")
    token_id, separator, secret = rest.partition("_")
    return (token_id, secret) if prefix == PREFIX and separator and secret else (None, "")


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()
