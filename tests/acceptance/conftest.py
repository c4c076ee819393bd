"""A desk on each database engine."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.acceptance.desk import Desk, a_desk
from tests.acceptance.processes import by_fork


@pytest.fixture
async def desk(tmp_path: Path, database_url: str) -> AsyncIterator[Desk]:
    """The whole bot on SQLite and on PostgreSQL; the test starts the processes it wants.

    Its workspace has no limit of rate, so that nobody waits for it; `test_outage` and `test_deployments` keep it.
    """
    async with a_desk(tmp_path, database_url, launch=by_fork, rate_limit=False) as opened:
        yield opened
