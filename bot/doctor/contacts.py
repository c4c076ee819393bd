"""What the doctor looks at in ways to reach people: whether links and calls come back, and what was ever confirmed."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy.exc import SQLAlchemyError

from bot.catalog import Catalog
from bot.doctor.check import Check, Status
from bot.loopback import is_loopback
from bot.paging import contact_tests, registry, ways
from bot.settings import Settings
from bot.store.database import Database, DatabaseError

ANSWER_WITHIN = 10.0
STALE = timedelta(days=180)
"""Phones are changed, keys are revoked: so old a confirmation proves little."""
Confirmed = Mapping[tuple[str, str], datetime]


async def checks(settings: Settings, catalog: Catalog, now: datetime) -> AsyncIterator[Check]:
    """Everything about ways beside Slack; who has none is told by bot.doctor.cover."""
    for check in judge(catalog, await _confirmed(settings), settings.public_url, now):
        yield check


def judge(catalog: Catalog, confirmed: Confirmed, public_url: str, now: datetime) -> Iterator[Check]:
    """Pure."""
    beside_slack = {
        person: [one["kind"] for one in ways.of_person(catalog, person) if one["kind"] not in registry.BUILT_IN]
        for person in catalog.people
    }
    if any(beside_slack.values()) and is_loopback(urlsplit(public_url).hostname):
        yield Check(
            "links of pages",
            Status.WARN,
            f"they begin with {public_url}: only this machine can open them, and no pressed key comes back",
            "set BADDAY_PUBLIC_URL to an address that phones and Twilio reach; "
            "/ack and /hooks are what has to be let through",
        )
    for person, kinds in beside_slack.items():
        if kinds:
            yield _tested(person, kinds, confirmed, now)


def _tested(person: str, kinds: list[str], confirmed: Confirmed, now: datetime) -> Check:
    name = f"tested {person}"
    told, missing = [], []
    for kind in dict.fromkeys(kinds):
        at = confirmed.get((person, kind))
        if at is not None and now - at <= STALE:
            told.append(f"{ways.name(kind)} last confirmed {at:%Y-%m-%d}")
        else:
            missing.append(f"{ways.name(kind)} {'never' if at is None else f'not since {at:%Y-%m-%d}'}")
    if missing:
        said = f"not confirmed: {', '.join(missing)}" + (f"; {', '.join(told)}" if told else "")
        return Check(name, Status.WARN, said, f"try it in Slack: /badday page test {person}")
    return Check(name, Status.OK, ", ".join(told))


async def _confirmed(settings: Settings) -> Confirmed:
    """Nothing where the database cannot be read or has no tables yet, which is a check of its own."""
    try:
        database = Database(settings.database_url)
    except DatabaseError:
        return {}
    try:
        async with asyncio.timeout(ANSWER_WITHIN), database.reading() as session:
            return await contact_tests.last_confirmed(session)
    except (SQLAlchemyError, OSError, TimeoutError):
        return {}
    finally:
        await database.close()
