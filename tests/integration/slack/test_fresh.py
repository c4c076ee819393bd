"""What is sent from memory shows what would have been read, and a sender that died leaves nothing behind."""

import json
from datetime import UTC, datetime
from functools import partial

from bot.alerts import formats
from bot.alerts.batch import take
from bot.alerts.said import Scope
from bot.incidents.opening import Batch, Claim
from bot.slack.fresh import Fresh
from bot.slack.queue import LEASE
from bot.slack.rendering import render
from bot.slack.views.look import Look
from bot.store import leases
from bot.store.database import Database
from bot.store.tables import OutboxMessage
from tests.integration.alerts.desk import CATALOG, alert
from tests.integration.slack.conftest import Place, eventually

ALERTS = [
    alert("QueueFull", severity="critical"),
    alert("Slow", severity="critical", n="1"),
    alert("Slow", severity="critical", n="2"),
    alert("Odd", system="search", severity="warning"),
]


async def opened(db: Database, now: datetime, claim: Claim) -> Batch:
    said = formats.client_api(json.dumps(ALERTS).encode(), Scope(CATALOG, None), now).alerts
    taken = await db.batch(partial(take, catalog=CATALOG, said=said, now=now, claim=claim))
    assert not taken.left
    return taken.opened


async def test_what_is_shown_from_memory_is_what_the_rows_say(db: Database, now: datetime) -> None:
    batch = await opened(db, now, Claim(leases.new_owner(), LEASE))
    fresh = Fresh.of(batch)
    assert [message.kind for message in batch.messages] == ["page", "incident_root", "incident_root", "incident_root"]
    async with db.reading() as session:
        look = Look(session, CATALOG, now)
        for message in batch.messages:
            row = await session.get_one(OutboxMessage, message.id)
            assert fresh.render(CATALOG, message, None) == await render(look, row), message.key


async def test_what_a_dead_sender_held_is_looked_up_and_sent_once(place: Place) -> None:
    """What kill -9 leaves behind between the commit and the request."""
    long_ago = datetime.now(UTC) - 2 * LEASE
    await opened(place.db, long_ago, Claim("dead", LEASE))
    await place.face()

    async def shown() -> bool:
        messages = await place.messages("support-bot")
        return sum("QueueFull" in str(message) for message in messages) == 1 and "Slow" in str(messages)

    assert await eventually(shown, within=25)
