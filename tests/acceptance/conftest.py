"""A desk on each database engine."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.acceptance.desk import Desk, a_desk


@pytest.fixture
async def desk(tmp_path: Path, database_url: str) -> AsyncIterator[Desk]:
    """The whole bot on SQLite and on PostgreSQL; the test starts the processes it wants."""
    async with a_desk(tmp_path, database_url) as opened:
        yield opened
