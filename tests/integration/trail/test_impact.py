"""What a bad day does to calls and users, and how an open incident keeps saying it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.catalog import parse_catalog
from bot.incidents import incidents
from bot.incidents.impact import ImpactKeeper, of_incident
from bot.incidents.timeline import root_key
from bot.store import outbox
from bot.store.database import Database
from bot.store.tables import Incident, OutboxMessage
from bot.trail.attempts.grouping import group_now
from bot.trail.calls import Sighting
from bot.trail.queries.finding import Filter
from bot.trail.queries.impact import Impact, fallbacks, impact
from tests.integration.trail.calls import Writing, failed, sighting

CATALOG = parse_catalog("""
badday: 1
people:
  maria: {name: Maria Ortiz, email: maria@example.com}
providers:
  openai: {}
  anthropic: {}
systems:
  support-bot:
    owner: maria
    channel: support-bot
    routes: {chat: {primary: openai, standbys: [anthropic]}}
""")
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


def rescued(at: datetime, trace: int, user: str) -> Sequence[Sighting]:
    """A call that failed and the fallback that answered: nobody saw an error."""
    both = {"trace": bytes([trace]) * 16, "user": user, "input": f"question {trace}"}
    return [
        failed(at, **both),
        sighting(at + SECOND, provider="anthropic", model_asked="claude-haiku-4-5", **both),
    ]


async def a_bad_hour(db: Database, write: Writing, now: datetime) -> None:
    at = now - HOUR / 2
    write(
        *rescued(at, 1, "ana"),
        *rescued(at + SECOND, 2, "bo"),
        failed(at, user="cy"),
        failed(at + SECOND, user="cy"),
        failed(at, conversation_id="chat-1"),
        failed(at),
        sighting(at, user="di"),
        failed(at - 3 * HOUR, user="long ago"),
        failed(at, user="elsewhere", system="search"),
    )
    async with db.transaction() as session:
        await group_now(session, now - 5 * HOUR)


async def test_users_count_whose_request_failed_in_the_end(db: Database, write: Writing, now: datetime) -> None:
    await a_bad_hour(db, write, now)
    async with db.reading() as session:
        found = await impact(session, "support-bot", now - HOUR, now)
    # cy twice, and a conversation without a user; one request names neither.
    assert found == Impact(calls=9, fell_back={("anthropic", "claude-haiku-4-5"): 2}, users=2, nobodys=1)


async def test_where_no_call_of_the_system_arrived_nothing_is_said(db: Database, write: Writing, now: datetime) -> None:
    async with db.reading() as session:
        assert await impact(session, "support-bot", now - HOUR, now) is None
    await a_bad_hour(db, write, now)
    async with db.reading() as session:
        assert await impact(session, "nobody", now - HOUR, now) is None
        assert await impact(session, "support-bot", now, now + HOUR) is None


async def test_calls_that_stood_in_are_listed_newest_first(db: Database, write: Writing, now: datetime) -> None:
    await a_bad_hour(db, write, now)
    async with db.reading() as session:
        found = await fallbacks(session, Filter(systems=("support-bot",), since=now - HOUR), 8)
        assert [one.fell_back_from for one in found] == ["openai/gpt-4.1-mini"] * 2
        assert found[0].started_at > found[1].started_at
        assert await fallbacks(session, Filter(systems=("search",)), 8) == []
        assert len(await fallbacks(session, Filter(), 1)) == 1
        assert await fallbacks(session, Filter(since=now), 8) == []


class Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


async def an_incident(db: Database, now: datetime) -> Incident:
    """An open one whose root message was sent."""
    async with db.transaction() as session:
        incident = await incidents.open_incident(
            session,
            CATALOG,
            system="support-bot",
            cause="provider_status:openai",
            title="OpenAI: API has a major outage",
            severity="sev2",
            known="",
            actor="badday",
            now=now,
            provider="openai",
        )
        assert incident.id is not None
        message = await outbox.get(session, root_key(incident.id))
        assert message is not None
        message.state, message.sent_revision = outbox.State.SENT, message.revision
    return incident


async def root(db: Database, incident: Incident) -> OutboxMessage:
    assert incident.id is not None
    async with db.reading() as session:
        found = await outbox.get(session, root_key(incident.id))
    assert found is not None
    return found


async def test_an_open_incident_is_shown_anew_at_most_once_a_minute_and_only_when_it_changed(
    db: Database, write: Writing, now: datetime
) -> None:
    clock = Clock(now)
    incident = await an_incident(db, now)
    keeper = ImpactKeeper(db, clock)
    assert await keeper.refresh() == 0, "no call, nothing to say"
    write(failed(now - 5 * SECOND, user="ana"))
    clock.now += 15 * SECOND
    assert await keeper.refresh() == 0, "it was shown a moment ago"
    clock.now += 60 * SECOND
    assert await keeper.refresh() == 1
    shown = await root(db, incident)
    assert shown.revision == shown.sent_revision + 1
    clock.now += 120 * SECOND
    write(sighting(now, user="bo"))
    assert await keeper.refresh() == 0, "a call more changes nothing"
    write(failed(now, user="cy"))
    assert await keeper.refresh() == 1
    async with db.transaction() as session:
        await incidents.resolve(session, incident.id or 0, version=None, actor="maria", now=clock.now)
    write(failed(now, user="di"))
    clock.now += 120 * SECOND
    assert await keeper.refresh() == 0, "it is over"


async def test_of_an_ended_incident_its_last_hour_counts(db: Database, write: Writing, now: datetime) -> None:
    incident = await an_incident(db, now - 2 * HOUR)
    write(failed(now - HOUR - SECOND, user="ana"), failed(now - SECOND, user="bo"), failed(now - SECOND, user="cy"))
    async with db.transaction() as session:
        await incidents.resolve(session, incident.id or 0, version=None, actor="maria", now=now - HOUR)
        ended = await incidents.get(session, incident.id or 0)
        assert ended is not None
        found = await of_incident(session, ended, now=now)
    assert found is not None
    assert (found.calls, found.users) == (1, 1)
