"""People ask by command, click and form; each is acknowledged at once, done once, and answered."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from bot.incidents import incidents
from bot.runbooks import arming
from bot.store.tables import InboxItem, Incident
from tests.integration.slack.conftest import CATALOG, Json, Place, eventually, utc_now


async def whispered(place: Place, user: str, part: str, channel: str = "support-bot") -> str:
    async def look() -> list[str]:
        return [text for text in await place.whispers(user, channel) if part in text]

    return (await eventually(look))[-1]


async def root_of(place: Place, incident: Incident) -> Json:
    message = await place.in_state(f"incident:{incident.id}:root", "sent")
    return next(one for one in await place.of_bot() if one["ts"] == message.slack_ts)


async def incident_now(place: Place, number: int) -> Incident:
    async with place.db.reading() as session:
        found = await incidents.get(session, number)
    assert found is not None
    return found


async def test_status_answers_with_systems_watches_and_incidents(place: Place) -> None:
    await place.face()
    await place.open_incident()
    answer = await place.do("command", user="maria", channel="support-bot", command="/badday", text="status")
    assert answer["acknowledged"]
    assert "1 open incident" in await whispered(place, "maria", "open incident")


async def test_a_command_works_where_the_bot_is_no_member(place: Place) -> None:
    await place.face()
    await place.do("command", user="maria", channel="general", command="/badday", text="help")
    assert "/badday status" in await whispered(place, "maria", "What you can type", "general")


async def test_an_unknown_word_is_answered_with_what_may_have_been_meant(place: Place) -> None:
    await place.face()
    await place.do("command", user="maria", channel="support-bot", command="/badday", text="statsu <!channel>")
    said = await whispered(place, "maria", "There is no command")
    assert "Did you mean `/badday status`?" in said


async def test_a_word_of_the_whole_desk_that_nothing_stands_behind_yet_says_so(place: Place) -> None:
    await place.face()
    await place.do("command", user="maria", channel="support-bot", command="/badday", text="drill")
    await whispered(place, "maria", "`/badday drill` is not there yet")


async def test_arming_an_unknown_system_names_those_there_are(place: Place) -> None:
    await place.face()
    await place.do("command", user="maria", channel="support-bot", command="/badday", text="arm x")
    assert "; there are: `" in await whispered(place, "maria", "There is no system")


async def test_a_mention_and_a_direct_message_are_commands_too(place: Place) -> None:
    await place.face()
    bot = (await place.get("state"))["app"]["bot_user_id"]
    await place.do("message", user="maria", channel="support-bot", text=f"<@{bot}> help")
    await whispered(place, "maria", "What you can type")


async def test_a_click_acknowledges_and_the_second_person_is_told_who_was_first(place: Place) -> None:
    await place.face()
    incident = await place.open_incident(severity="sev2")
    root = await root_of(place, incident)
    clicks = [
        place.do("click", user=user, channel="support-bot", ts=root["ts"], action_id="acknowledge")
        for user in ("maria", "sam")
    ]
    assert all(answer["acknowledged"] for answer in await asyncio.gather(*clicks))

    async def acknowledged() -> Any:
        return (await incident_now(place, incident.id or 0)).acknowledged_by

    winner = await eventually(acknowledged)
    loser = "sam" if winner == "maria" else "maria"
    name = {"maria": "Maria Ortiz", "sam": "Sam Lee"}[winner]
    assert f"Already acknowledged by {name} at " in await whispered(place, loser, "Already acknowledged")


async def test_a_resolve_form_that_was_open_too_long_is_refused(place: Place) -> None:
    await place.face()
    incident = await place.open_incident()
    root = await root_of(place, incident)
    await place.do("click", user="maria", channel="support-bot", ts=root["ts"], action_id="resolve")

    async def opened() -> Any:
        return (await place.get("views", user="maria"))["stack"]

    (view,) = await eventually(opened)
    async with place.db.transaction() as session:
        await incidents.acknowledge(session, incident.id or 0, version=1, actor="sam", now=utc_now())
        await session.execute(update(Incident).values(version=7))
    await place.do("submit", user="maria", view=view["id"], values={})

    async def refused() -> bool:
        return any("Out of date by Sam Lee" in one["text"] for one in await place.of_bot("badday"))

    await eventually(refused)
    assert (await incident_now(place, incident.id or 0)).state == "acknowledged"


async def test_only_the_owner_or_a_deputy_arms_a_system(place: Place) -> None:
    await place.face()
    await place.do("command", user="ana", channel="support-bot", command="/badday", text="arm support-bot")
    assert "Maria Ortiz, Sam Lee" in await whispered(place, "ana", "Only its owner or a deputy")
    await place.do("command", user="sam", channel="support-bot", command="/badday", text="arm support-bot")
    await whispered(place, "sam", "support-bot is armed")
    async with place.db.reading() as session:
        assert await arming.is_armed(session, CATALOG, "support-bot")
    await place.do("command", user="maria", channel="support-bot", command="/badday", text="disarm support-bot")
    await whispered(place, "maria", "is disarmed")


async def test_an_incident_is_opened_by_a_form_that_checks_its_answers_first(place: Place) -> None:
    await place.face()
    await place.do("command", user="maria", channel="support-bot", command="/badday", text="incident open")

    async def opened() -> Any:
        return (await place.get("views", user="maria"))["stack"]

    (view,) = await eventually(opened)
    wrong = await place.do(
        "submit", user="maria", view=view["id"], values={"title": {"value": "x"}, "system": {"value": "support-bot"}}
    )
    assert wrong["response_action"] == "errors"
    assert "title" in wrong["errors"]
    await place.do(
        "submit",
        user="maria",
        view=view["id"],
        values={"title": {"value": "Answers are <b>empty</b>"}, "known": {"value": "since <!channel> noon"}},
    )
    assert "Maria Ortiz is being paged" in await whispered(place, "maria", "is open")
    await place.in_state("incident:1:root", "sent")
    (root, *_) = await place.of_bot()
    assert "Answers are &lt;b&gt;empty&lt;/b&gt;" in root["text"]


async def test_a_form_that_came_too_late_is_explained(place: Place) -> None:
    await place.do("clock", set="2026-03-02T09:00:00+00:00")
    await place.face()
    await place.do("fault", kind="error", method="views.open", error="expired_trigger_id")
    await place.do("command", user="maria", channel="support-bot", command="/badday", text="incident open")
    assert "try once more" in await whispered(place, "maria", "took too long")


async def test_home_shows_open_incidents_and_follows_them(place: Place) -> None:
    await place.face()
    await place.do("home", user="maria")

    async def calm() -> Any:
        return "Nothing needs you" in str((await place.get("views", user="maria"))["home"])

    await eventually(calm)
    incident = await place.open_incident(severity="sev2")

    async def listed() -> Any:
        return "Something is wrong" in str((await place.get("views", user="maria"))["home"])

    await eventually(listed)
    await place.do("click", user="maria", view="home", action_id="acknowledge")

    async def acknowledged() -> Any:
        return (await incident_now(place, incident.id or 0)).acknowledged_by == "maria"

    await eventually(acknowledged)


async def test_a_redelivered_event_is_worked_on_once(place: Place) -> None:
    await place.face()
    await place.do("fault", kind="redeliver", times=2)
    bot = (await place.get("state"))["app"]["bot_user_id"]
    await place.do("message", user="maria", channel="support-bot", text=f"<@{bot}> help")
    await whispered(place, "maria", "What you can type")
    await asyncio.sleep(1.0)
    assert len([text for text in await place.whispers("maria") if "What you can type" in text]) == 1


async def test_what_was_accepted_before_a_crash_is_done_after_it(place: Place) -> None:
    face = await place.face()
    await face.worker.stop()
    await place.do("command", user="maria", channel="support-bot", command="/badday", text="help")
    await place.stop()
    async with place.db.reading() as session:
        (item,) = (await session.execute(select(InboxItem))).scalars().all()
    assert item.state == "pending"
    await place.face()
    await whispered(place, "maria", "What you can type")


async def test_an_item_that_fails_is_kept_with_its_reason_and_stops_nobody(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("bot.slack.worker.homes.opened", broken)
    await place.face()
    await place.do("home", user="maria")

    async def failed() -> Any:
        async with place.db.reading() as session:
            return (await session.execute(select(InboxItem).where(col(InboxItem.state) == "failed"))).scalars().all()

    await eventually(failed)
    await place.do("command", user="maria", channel="support-bot", command="/badday", text="help")
    await whispered(place, "maria", "What you can type")
