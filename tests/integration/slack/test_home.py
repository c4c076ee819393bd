"""App Home against the local workspace: it follows what happens, seldom enough, and clicks in it are answered."""

import asyncio
import json
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from bot.incidents import follow_ups, incidents
from bot.slack import homes
from bot.store import outbox
from bot.store.tables import DeliveryAttempt, OutboxMessage
from tests.integration.slack.conftest import Place, eventually, utc_now


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that no test waits for the pace that people need."""
    monkeypatch.setattr(homes, "AT_MOST_EVERY", timedelta(seconds=0.2))
    monkeypatch.setattr(homes, "LOOK_EVERY", 0.1)


async def shown(place: Place, part: str, *, user: str = "maria", within: float = 12.0) -> str:
    """What somebody's Home says, once it says `part`."""

    async def look() -> str | None:
        home = (await place.get("views", user=user))["home"]
        text = json.dumps(home, ensure_ascii=False)
        return text if part in text else None

    return await eventually(look, within=within)


async def opened(place: Place, *, user: str = "maria") -> str:
    await place.do("home", user=user)
    return await shown(place, "As of", user=user)


async def test_a_page_arrives_in_home_and_is_acknowledged_there(place: Place) -> None:
    await place.face()
    assert "Nobody waits for you" in await opened(place)
    incident = await place.open_incident(severity="sev2")
    text = await shown(place, "Can't take it")
    assert "Something is wrong: test" in text
    await place.do("click", user="maria", view="home", action_id="acknowledge")
    await shown(place, "◐ Acknowledged by Maria Ortiz")
    async with place.db.reading() as session:
        kept = await incidents.get(session, incident.id or 0)
    assert kept is not None
    assert kept.acknowledged_by == "maria"


async def test_a_page_that_somebody_else_took_leaves_my_pages(place: Place) -> None:
    await place.face()
    incident = await place.open_incident(severity="sev2")
    await opened(place)
    await shown(place, "Can't take it")
    async with place.db.transaction() as session:
        await incidents.acknowledge(session, incident.id or 0, version=1, actor="sam", now=utc_now())
    assert "Something is wrong" in await shown(place, "Nobody waits for you")


async def test_a_click_in_home_that_comes_too_late_is_explained_in_a_direct_message(place: Place) -> None:
    await place.face()
    incident = await place.open_incident(severity="sev2")
    await opened(place)
    await shown(place, "Can't take it")
    async with place.db.transaction() as session:
        await incidents.acknowledge(session, incident.id or 0, version=1, actor="sam", now=utc_now())
    await place.do("click", user="maria", view="home", action_id="cannot_take_it")

    async def told() -> list[str]:
        return [one["text"] for one in await place.of_bot("badday") if "Nothing was changed" in one["text"]]

    (said,) = await eventually(told)
    assert "by Sam Lee at " in said
    await shown(place, "Nobody waits for you")


async def test_somebody_who_is_not_in_the_catalog_is_told_how_to_get_there(place: Place) -> None:
    await place.face()
    text = await opened(place, user="ana")
    assert "Badday does not know you yet" in text
    assert "My pages" not in text


async def test_home_shows_my_follow_ups_on_call_and_systems(place: Place) -> None:
    await place.face()
    incident = await place.open_incident()
    async with place.db.transaction() as session:
        await follow_ups.add(
            session, incident.id or 0, text="Ask <!channel>", owner="maria", due=None, actor="sam", now=utc_now()
        )
    text = await opened(place)
    assert "Ask <!channel> (incident 1, follow-up 1)" in text  # plain text, which calls nobody
    assert "Pages of support-bot, lost come to you first" in text
    assert "● Impaired · support-bot: incident 1 is open (△ SEV3)" in text
    assert "○ Not known · lost: nothing was seen of it yet" in text


async def test_home_is_published_seldom_and_not_at_all_while_nothing_changes(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(homes, "AT_MOST_EVERY", timedelta(seconds=2))
    monkeypatch.setattr(homes, "LOOK_WHOLE_EVERY", timedelta())
    await place.face()
    await opened(place)
    for number in range(5):
        await place.open_incident(cause=f"cause {number}")
    await shown(place, "cause 4")

    key = homes.key(await user_id(place, "maria"))
    await place.in_state(key, "sent", latest=True)
    async with place.db.reading() as session:
        sent = select(col(DeliveryAttempt.at)).where(
            col(DeliveryAttempt.outcome) == "sent", col(DeliveryAttempt.detail).is_(None)
        )
        of_home = sent.join(OutboxMessage, col(OutboxMessage.id) == col(DeliveryAttempt.message_id))
        times = list((await session.execute(of_home.where(col(OutboxMessage.key) == key))).scalars())
    assert 2 <= len(times) <= 4
    # An attempt is written down a little after it.
    assert all(later - earlier > timedelta(seconds=1.7) for earlier, later in pairwise(sorted(times)))
    before = len(await place.calls("views.publish"))
    await asyncio.sleep(0.5)
    assert len(await place.calls("views.publish")) == before == len(times)


async def user_id(place: Place, name: str) -> str:
    return next(str(user["id"]) for user in (await place.get("state"))["users"] if user["name"] == name)


async def test_what_died_while_it_was_published_is_published_by_the_next_one(place: Place) -> None:
    face = await place.face()
    await opened(place)
    await face.delivery.stop()
    user = await user_id(place, "maria")
    incident = await place.open_incident(severity="sev2")
    async with place.db.transaction() as session:
        await outbox.edit(session, homes.key(user), now=utc_now())
        dying = {"state": "sending", "lease_owner": "dead", "lease_until": utc_now() + timedelta(seconds=1)}
        await session.execute(update(OutboxMessage).where(col(OutboxMessage.key) == homes.key(user)).values(**dying))
    await place.stop()
    await place.face()
    await shown(place, f"incident {incident.id}")


async def test_two_replicas_publish_a_change_once(place: Place) -> None:
    await place.face()
    await place.face()
    await opened(place)
    before = len(await place.calls("views.publish"))
    await place.open_incident()
    await shown(place, "Something is wrong")
    message = await place.in_state(homes.key(await user_id(place, "maria")), "sent", latest=True)
    assert message.failures == 0
    assert len(await place.calls("views.publish")) == before + 1


async def test_home_outlasts_a_long_refusal_of_slack(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.slack.settling.LONGEST_PAUSE", 0.05)
    await place.face()
    await place.do("fault", kind="error", method="views.publish", error="service_unavailable", times=8)
    await opened(place)
