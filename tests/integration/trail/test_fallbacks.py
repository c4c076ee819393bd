"""The fallback register over stored calls, on both engines."""

from datetime import datetime, timedelta

from bot.catalog import parse_catalog
from bot.catalog.models import FallbackTrigger
from bot.store.database import Database
from bot.trail.attempts.fallbacks import Entry, Verdict, register
from bot.trail.attempts.grouping import group_now
from bot.trail.calls import ErrorClass
from tests.integration.trail.told import Told, tell

CATALOG = parse_catalog("""
badday: 1
people:
  maria: {name: Maria Ortiz, email: maria@example.com}
providers:
  northwind: {}
  cirrus: {}
systems:
  support-bot:
    owner: maria
    channel: support-bot
    routes: {chat: {primary: northwind, standbys: [cirrus]}}
""")
CIRRUS = {"provider": "Cirrus", "model_asked": "c-small"}
LARGE = {"model_asked": "nw-small"}
SECOND = timedelta(seconds=1)


def story(start: datetime) -> list[Told]:
    """Five requests: a fallback, a retry, a failure, a fallback to another model, an overload that was retried."""
    told: list[Told] = []

    def request(*attempts: Told) -> None:
        trace = bytes([len(told) + 1]) * 16
        for number, attempt in enumerate(attempts):
            attempt.at = start + len(told) * 60 * SECOND + number * SECOND
            attempt.trace, attempt.parent = trace, b"app-span"
        told.extend(attempts)

    request(Told(start, ErrorClass.TIMEOUT), Told(start, facts=CIRRUS))
    request(Told(start, ErrorClass.TIMEOUT), Told(start))
    request(Told(start, ErrorClass.TIMEOUT))
    request(Told(start, ErrorClass.MALFORMED_OUTPUT), Told(start, facts=LARGE))
    request(Told(start, ErrorClass.RATE_LIMIT), Told(start, ErrorClass.OVERLOADED), Told(start))
    request(Told(start, ErrorClass.BAD_REQUEST))
    return told


async def test_the_register_tells_what_followed_each_kind_of_failure(
    db: Database, database_url: str, now: datetime
) -> None:
    start = now - timedelta(hours=1)
    tell(database_url, story(start), received=now)
    tell(database_url, [Told(now, ErrorClass.TIMEOUT, facts={"system": "another"})], received=now)
    async with db.transaction() as session:
        await group_now(session, start)
    async with db.reading() as session:
        entries = await register(session, CATALOG, "support-bot", start)
        later = await register(session, CATALOG, "support-bot", now)
        unlisted = await register(session, CATALOG, "another", start)
    by_key: dict[tuple[str, FallbackTrigger], Entry] = {(entry.dependency, entry.trigger): entry for entry in entries}
    assert len(by_key) == 6
    timeouts = by_key["northwind", FallbackTrigger.TIMEOUT]
    assert dict(timeouts.happened) == {"fell back to cirrus": 1, "tried again": 1, "failed": 1}
    assert (timeouts.expected, timeouts.verdict) == ("cirrus (standby)", Verdict.USERS_SAW_ERRORS)
    assert dict(by_key["northwind", FallbackTrigger.RATE_LIMIT].happened) == {"tried again": 2}
    malformed = by_key["northwind", FallbackTrigger.MALFORMED]
    assert dict(malformed.happened) == {"fell back to northwind/nw-small": 1}
    assert malformed.verdict is Verdict.OTHER
    assert by_key["cirrus", FallbackTrigger.TIMEOUT].verdict is Verdict.NOT_SEEN
    assert {entry.verdict for entry in later} == {Verdict.NOT_SEEN}
    assert [entry.dependency for entry in unlisted if entry.happened] == ["northwind"]
