"""Looks at everything the bot needs, in the order in which one would put it right."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from urllib.parse import urlsplit

import click
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from bot import logs
from bot.catalog import Catalog, CatalogError, load_catalog
from bot.doctor import contacts, cover, measured, slack, trail
from bot.doctor.check import Check, Status
from bot.http.auth import require_safe_bind
from bot.loopback import is_loopback
from bot.runbooks.library import LiveLibrary
from bot.settings import Settings, SettingsError
from bot.store import migrate
from bot.store.database import DatabaseError, create_engine
from bot.watches.http import Failed, Http, Known
from bot.watches.source import source_for

ANSWER_WITHIN = 10.0


_MARK = {Status.OK: "ok  ", Status.WARN: "warn", Status.FAIL: "FAIL"}


def command(settings: Settings, as_json: bool) -> int:
    """Print every check as it is done; exit status 1 when one fails."""
    logs.configure(level=logging.WARNING)  # standard output is for the checks alone
    return asyncio.run(_examine(settings, as_json))


async def _examine(settings: Settings, as_json: bool) -> int:
    failed = False
    async for check in checks(settings):
        failed = failed or check.status is Status.FAIL
        click.echo(json.dumps(asdict(check)) if as_json else _line(check))
    if not as_json:
        click.echo("\nSomething is missing; see the lines marked FAIL." if failed else "\nReady: badday run")
    return 1 if failed else 0


def _line(check: Check) -> str:
    line = f"{_MARK[check.status]}  {check.check}: {check.message}"
    return f"{line}\n      {check.fix}" if check.fix else line


async def checks(settings: Settings) -> AsyncIterator[Check]:
    """Everything that can be looked at, in the order in which one would put it right."""
    catalog = None
    try:
        catalog = load_catalog(settings.config)
        yield Check("catalog", Status.OK, f"{settings.config}: {_count(catalog)}")
    except CatalogError as error:
        for problem in error.problems:
            yield Check("catalog", Status.FAIL, str(problem), "put it right, then run: badday check")
    for check in _runbooks(settings):
        yield check
    yield _http(settings)
    yield _public_url(settings)
    yield await _database(settings)
    async for check in slack.checks(settings, catalog):
        yield check
    if catalog is not None:
        async for check in _watches(catalog):
            yield check
        async for check in cover.checks(settings, catalog, datetime.now(UTC)):
            yield check
        async for check in contacts.checks(settings, catalog, datetime.now(UTC)):
            yield check
        async for check in measured.checks(settings, datetime.now(UTC)):
            yield check
        async for check in trail.checks(settings, catalog, datetime.now(UTC)):
            yield check


def _count(catalog: Catalog) -> str:
    return f"people {len(catalog.people)}, systems {len(catalog.systems)}, watches {len(catalog.watches)}"


def _runbooks(settings: Settings) -> Iterator[Check]:
    library = LiveLibrary(settings.config.parent / "runbooks")
    for problem in library.problems:
        yield Check(
            "runbooks", Status.FAIL, str(problem), "put it right; until then the packaged or last good one counts"
        )
    if not library.problems:
        yield Check("runbooks", Status.OK, ", ".join(sorted(library().runbooks)))


def _http(settings: Settings) -> Check:
    try:
        require_safe_bind(settings)
    except SettingsError as error:
        return Check("http", Status.FAIL, str(error), "set BADDAY_API_TOKEN in .env, or bind to 127.0.0.1")
    return Check("http", Status.OK, f"will listen on {settings.http_host}:{settings.http_port}")


def _public_url(settings: Settings) -> Check:
    if is_loopback(urlsplit(settings.public_url).hostname) and not is_loopback(settings.http_host):
        return Check(
            "public-url",
            Status.WARN,
            f"links that people get begin with {settings.public_url}, which only this machine can open",
            "set BADDAY_PUBLIC_URL to the address by which people reach the bot",
        )
    return Check("public-url", Status.OK, settings.public_url)


async def _database(settings: Settings) -> Check:
    try:
        engine = create_engine(settings.database_url)
    except DatabaseError as error:
        return Check("database", Status.FAIL, str(error), "correct DATABASE_URL in .env")
    try:
        async with asyncio.timeout(ANSWER_WITHIN), engine.connect() as connection:
            revision = await connection.run_sync(_revision)
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        # The driver's message may repeat the URL with its password, so only the kind of error is told.
        reason = type(getattr(error, "orig", None) or error).__name__
        return Check(
            "database", Status.FAIL, f"does not answer ({reason})", "start it, or correct DATABASE_URL in .env"
        )
    finally:
        await engine.dispose()
    head = ScriptDirectory.from_config(migrate.configuration()).get_current_head()
    if revision == head:
        return Check("database", Status.OK, f"{engine.dialect.name}, schema {revision}")
    return Check("database", Status.OK, f"{engine.dialect.name}, will be brought to schema {head} by badday run")


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


async def _watches(catalog: Catalog) -> AsyncIterator[Check]:
    async with Http() as http:
        for watch in catalog.watches.values():
            source = source_for(watch.engine)
            url = source.address(source.Options(page=watch.page))
            polled = await source.poll(http, url, Known())
            if isinstance(polled, Failed):
                yield Check(
                    f"watch {watch.name}",
                    Status.FAIL,
                    polled.reason,
                    "open the address in a browser; correct `page` or `engine` of the watch, or allow the way out",
                )
                continue
            yield Check(f"watch {watch.name}", Status.OK, f"{url} answers")
