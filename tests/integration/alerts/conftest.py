"""A desk that alerts are sent to, on either engine."""

from collections.abc import AsyncIterator
from datetime import datetime

import pytest

from bot.store.database import Database
from tests.integration.alerts.desk import AlertDesk, an_alert_desk


@pytest.fixture
async def desk(db: Database, now: datetime) -> AsyncIterator[AlertDesk]:
    async with an_alert_desk(db, now) as opened:
        yield opened
