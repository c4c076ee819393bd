"""What every test may ask for: a database on either engine, and times."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.store import migrate
from bot.store.database import Database
from tests.postgres import PostgresServer, server

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ENGINES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


@pytest.fixture
def now() -> datetime:
    return START


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with server() as running:
        yield running


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite database to copy: a copy costs a hundredth of the migrations."""
    file = tmp_path_factory.mktemp("migrated") / "badday.db"
    migrated(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def migrated_template(postgres: PostgresServer) -> Iterator[str]:
    """The name of a migrated PostgreSQL database to copy."""
    with postgres.database() as url:
        migrated(url)
        yield postgres.name(url)


def migrated(url: str) -> None:
    async def migrate_and_close() -> None:
        database = Database(url)
        try:
            await migrate.upgrade(database.engine)
        finally:
            await database.close()

    asyncio.run(migrate_and_close())


@pytest.fixture(params=ENGINES)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without a table; the test runs once on each engine."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'badday.db'}"
        return
    running: PostgresServer = request.getfixturevalue("postgres")
    with running.database() as url:
        yield url


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a migrated database that holds nothing yet; the test runs once on each engine."""
    if request.param == "sqlite":
        file = tmp_path / "badday.db"
        shutil.copyfile(request.getfixturevalue("migrated_file"), file)
        yield f"sqlite:///{file}"
        return
    template: str = request.getfixturevalue("migrated_template")
    running: PostgresServer = request.getfixturevalue("postgres")
    with running.database(template) as url:
        yield url


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    """An open database; the test runs once on each engine."""
    database = Database(database_url)
    try:
        yield database
    finally:
        await database.close()
