"""What every test may ask for: a database on either engine, and times."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.store import migrate
from bot.store.database import Database
from tests.postgres import PostgresServer, server

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    return START


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with server() as running:
        yield running


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database; the test runs once on each engine."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'badday.db'}"
        return
    running: PostgresServer = request.getfixturevalue("postgres")
    with running.database() as url:
        yield url


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    """A migrated database; the test runs once on each engine."""
    database = Database(database_url)
    await migrate.upgrade(database.engine)
    try:
        yield database
    finally:
        await database.close()
