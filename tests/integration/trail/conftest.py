"""A migrated database with a writer on it."""

from collections.abc import Callable, Iterator
from datetime import datetime

import pytest

from bot.store.database import Database
from tests.integration.trail.calls import Writing


@pytest.fixture
def write(db: Database, database_url: str, now: datetime) -> Iterator[Writing]:
    """Writes sightings at the time `now`."""
    writing = Writing(database_url, lambda: now)
    yield writing
    writing.close()


@pytest.fixture
def another_writer(db: Database, database_url: str, now: datetime) -> Iterator[Callable[[], Writing]]:
    """Makes writers as other processes have them."""
    made: list[Writing] = []

    def make() -> Writing:
        made.append(Writing(database_url, lambda: now))
        return made[-1]

    yield make
    for writing in made:
        writing.close()
