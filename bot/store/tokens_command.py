"""`badday token`: make, list and revoke the tokens by which systems report their calls."""

import asyncio
import getpass
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

import click
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import CatalogError, load_catalog
from bot.settings import Settings
from bot.store import migrate, tokens
from bot.store.database import Database
from bot.store.tables import ApiToken
from bot.store.tokens import TokenScope

Result = TypeVar("Result")


def create(settings: Settings, system: str, scope: str, as_json: bool) -> int:
    """Make a token and print it, this once."""
    system = system.strip()
    if not system:
        click.echo("badday token create: --system is empty; name the system whose calls come with the token", err=True)
        return 2
    _warn_if_unlisted(settings, system)
    made = _in_database(
        settings,
        lambda session: tokens.create(session, system, TokenScope(scope), actor=_actor(), now=datetime.now(UTC)),
    )
    if as_json:
        click.echo(json.dumps({"id": made.id, "system": made.system, "scope": made.scope, "token": made.token}))
        return 0
    click.echo(made.token)
    click.echo(f"Token {made.id} of {made.system} ({made.scope}). It is shown only now; keep it safe.", err=True)
    return 0


def list_(settings: Settings, as_json: bool) -> int:
    """Print every token, without its secret."""
    found = _in_database(settings, tokens.listed)
    for token in found:
        click.echo(json.dumps(_line(token)) if as_json else _readable(token))
    if not found and not as_json:
        click.echo("There are no tokens; make one: badday token create --system SYSTEM", err=True)
    return 0


def revoke(settings: Settings, token_id: str, as_json: bool) -> int:
    """End a token; exit status 1 where there is none of this id."""
    found = _in_database(
        settings, lambda session: tokens.revoke(session, token_id, actor=_actor(), now=datetime.now(UTC))
    )
    if found is None:
        click.echo(f"badday token revoke: there is no token {token_id}; see: badday token list", err=True)
        return 1
    click.echo(json.dumps(_line(found)) if as_json else _readable(found))
    return 0


def _in_database(settings: Settings, work: Callable[[AsyncSession], Awaitable[Result]]) -> Result:
    async def run() -> Result:
        db = Database(settings.database_url)
        try:
            await migrate.upgrade(db.engine)
            async with db.transaction() as session:
                return await work(session)
        finally:
            await db.close()

    return asyncio.run(run())


def _actor() -> str:
    try:
        return f"command line ({getpass.getuser()})"
    except (KeyError, OSError):  # no name for this user id, as in some containers
        return "command line"


def _warn_if_unlisted(settings: Settings, system: str) -> None:
    try:
        known = load_catalog(settings.config).systems
    except CatalogError:
        return
    if system not in known:
        names = ", ".join(sorted(known)) or "none yet"
        click.echo(f"Note: {settings.config} has no system {system} (it has: {names}).", err=True)


def _line(token: ApiToken) -> dict[str, str | None]:
    return {
        "id": token.id,
        "system": token.system,
        "scope": token.scope,
        "created_at": _time(token.created_at),
        "revoked_at": _time(token.revoked_at),
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _readable(token: ApiToken) -> str:
    state = "valid" if token.revoked_at is None else f"revoked {_time(token.revoked_at)}"
    return f"{token.id}  {token.scope:<6}  {token.system}  made {_time(token.created_at)}  {state}"
