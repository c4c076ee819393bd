"""An incident's life as people lead it: typed, clicked, reacted, and by shortcut; whoever is refused is told why."""

import base64
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from bot.incidents import follow_ups, incidents, pictures, roles, timeline
from bot.paging import escalation
from bot.store.tables import Incident, Picture, TimelineEntry
from tests.integration.slack.conftest import Json, Place, eventually, utc_now
from tests.integration.slack.test_asking import incident_now, root_of, whispered

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


async def typed(place: Place, text: str, *, user: str = "maria") -> None:
    await place.do("command", user=user, channel="support-bot", command="/badday", text=text)


async def told(place: Place, root: Json, part: str, *, user: str = "maria") -> Json:
    """The first message of the thread that says it."""

    async def look() -> Json | None:
        found = await place.messages(user=user, thread_ts=root["ts"])
        return next((one for one in found if part in str(one) and one["ts"] != root["ts"]), None)

    look.__qualname__ = f"looking for {part!r} in the thread"
    return await eventually(look)


async def entries(place: Place, number: int, kind: str) -> list[TimelineEntry]:
    async with place.db.reading() as session:
        return [entry for entry in await timeline.entries(session, number) if entry.kind == kind]


async def form_of(place: Place, user: str = "maria") -> Json:
    async def opened() -> Any:
        return (await place.get("views", user=user))["stack"]

    (view,) = await eventually(opened)
    found: Json = view
    return found


async def test_a_severity_that_pages_begins_to_page_and_sev3_ends_it(place: Place) -> None:
    await place.face()
    incident = await place.open_incident(severity="sev3")
    number = incident.id or 0
    root = await root_of(place, incident)
    await typed(place, f"incident {number} severity sev1")
    await whispered(place, "maria", f"Incident {number} is sev1 now")
    await told(place, root, "Severity changed from sev3 to sev1: paging begins")
    async with place.db.reading() as session:
        assert await escalation.of(session, number) is not None
    await typed(place, f"incident {number} severity sev3")
    await told(place, root, "nobody is paged any more")
    async with place.db.reading() as session:
        assert await escalation.of(session, number) is None
    await typed(place, "incident severity sev9")
    await whispered(place, "maria", "How grave is it?")


async def test_status_roles_and_title_are_in_the_thread_and_on_the_root(place: Place) -> None:
    await place.face()
    incident = await place.open_incident()
    root = await root_of(place, incident)
    await place.do(
        "message", user="sam", channel="support-bot", thread_ts=root["ts"], text="@badday incident role lead me"
    )
    await told(place, root, "Took the role lead")
    await place.do(
        "message",
        user="sam",
        channel="support-bot",
        thread_ts=root["ts"],
        text="@badday incident status identified the cap <is> spent",
    )
    await told(place, root, "Identified: the cap <is> spent")
    await typed(place, "incident 1 title Answers stop at the daily cap")
    await told(place, root, "Title changed to")

    async def shown() -> bool:
        now = str(await root_of(place, incident))
        return "lead: Sam Lee" in now and "identified" in now and "daily cap" in now

    await eventually(shown)
    await typed(place, "incident 1 role lead nobody")
    await told(place, root, "Nobody is lead any more")
    async with place.db.reading() as session:
        assert not await roles.of_incident(session, 1)


async def test_a_reaction_keeps_a_message_with_its_author_once_and_its_picture(place: Place) -> None:
    await place.face()
    root = await root_of(place, await place.open_incident())
    upload = await place.do(
        "upload",
        user="sam",
        channel="support-bot",
        thread_ts=root["ts"],
        text="the graph of <@everyone> & more",
        files=[{"name": "graph.png", "content_base64": base64.b64encode(PNG).decode()}],
    )
    for user in ("maria", "ana"):
        await place.do("react", user=user, channel="support-bot", ts=upload["ts"], name="memo")
        await told(place, root, "Kept in the timeline" if user == "maria" else "kept by Maria Ortiz", user=user)
    (note,) = await entries(place, 1, "note")
    assert note.actor == "sam"
    assert "the graph of" in note.text
    assert f"{note.at.timestamp():.0f}" == f"{float(upload['ts']):.0f}"

    async def fetched() -> Picture | None:
        async with place.db.reading() as session:
            return next((one for one in await pictures.of_incident(session, 1) if one.content), None)

    picture = await eventually(fetched)
    assert (picture.content, picture.mimetype, picture.entry_id) == (PNG, "image/png", note.id)


async def test_what_only_says_that_it_is_a_picture_is_not_kept(place: Place) -> None:
    await place.face()
    root = await root_of(place, await place.open_incident())
    upload = await place.do(
        "upload",
        user="sam",
        channel="support-bot",
        thread_ts=root["ts"],
        text="look",
        files=[{"name": "evil.png", "content_base64": base64.b64encode(b"<script>alert(1)</script>").decode()}],
    )
    await place.do("react", user="sam", channel="support-bot", ts=upload["ts"], name="pushpin")

    async def refused() -> Picture | None:
        async with place.db.reading() as session:
            return next((one for one in await pictures.of_incident(session, 1) if one.error), None)

    picture = await eventually(refused)
    assert picture.content is None
    assert "no PNG" in (picture.error or "")


async def test_other_reactions_and_other_threads_keep_nothing(place: Place) -> None:
    await place.face()
    root = await root_of(place, await place.open_incident())
    inside = await place.do("message", user="sam", channel="support-bot", thread_ts=root["ts"], text="inside")
    outside = await place.do("message", user="sam", channel="support-bot", text="outside")
    await place.do("react", user="sam", channel="support-bot", ts=inside["ts"], name="eyes")
    await place.do("react", user="sam", channel="support-bot", ts=outside["ts"], name="memo")
    await place.do("react", user="sam", channel="support-bot", ts=inside["ts"], name="memo")
    await told(place, root, "Kept in the timeline", user="sam")
    assert [note.text for note in await entries(place, 1, "note")] == ["inside"]


async def test_the_shortcuts_keep_a_message_and_open_an_incident_from_one(place: Place) -> None:
    await place.face()
    said = await place.do("message", user="sam", channel="support-bot", text="Answers are empty\nsince noon")
    await place.do("shortcut", user="maria", callback_id="add_to_timeline", channel="support-bot", ts=said["ts"])
    await whispered(place, "maria", "No incident is open")
    await place.do("shortcut", user="maria", callback_id="open_incident_from", channel="support-bot", ts=said["ts"])
    view = await form_of(place)
    assert "Answers are empty" in str(view["blocks"])
    values = {
        "title": {"value": "Answers are empty"},
        "severity": {"value": {"type": "radio_buttons", "selected_option": {"value": "sev3"}}},
    }
    await place.do("submit", user="maria", view=view["id"], values=values)
    await whispered(place, "maria", "Incident 1 of support-bot is open")
    (note,) = await entries(place, 1, "note")
    assert (note.actor, note.text) == ("sam", "Answers are empty\nsince noon")
    await place.do("shortcut", user="ana", callback_id="add_to_timeline", channel="support-bot", ts=said["ts"])
    await whispered(place, "ana", "already, kept by Maria Ortiz")


async def test_resolve_asks_what_it_was_and_keeps_a_follow_up(place: Place) -> None:
    await place.face()
    incident = await place.open_incident()
    root = await root_of(place, incident)
    await place.do("click", user="maria", channel="support-bot", ts=root["ts"], action_id="resolve")
    await place.do("click", user="sam", channel="support-bot", ts=root["ts"], action_id="resolve")
    view, late = await form_of(place), await form_of(place, "sam")
    values = {
        "what": {"value": "The cap was spent"},
        "ended": {"value": "It was raised"},
        "follow_up": {"value": "Alarm at 80 % of the cap"},
    }
    await place.do("submit", user="maria", view=view["id"], values=values)
    await told(place, root, "The cap was spent")
    now = await incident_now(place, 1)
    assert (now.state, now.resolution) == ("resolved", "The cap was spent\nEnded by: It was raised")
    async with place.db.reading() as session:
        (todo,) = await follow_ups.open_of(session, "maria")
    assert todo.text == "Alarm at 80 % of the cap"
    await place.do("submit", user="sam", view=late["id"], values={})

    async def refused() -> bool:
        said = await place.of_bot("badday", user="sam")
        return any("Already resolved by Maria Ortiz" in one["text"] for one in said)

    await eventually(refused)


async def test_follow_ups_are_given_by_name_with_a_day_and_ticked_off(place: Place) -> None:
    await place.face()
    root = await root_of(place, await place.open_incident())
    await typed(place, "incident 1 follow-up @sam raise the limit by 2099-12-01")
    await whispered(place, "maria", "Follow-up 1 of incident 1 is written down for Sam Lee")
    await told(place, root, "Follow-up 1: raise the limit, due 2099-12-01")
    for wrong, why in (("by 2001-01-01", "is over already"), ("by 2099-13-01", "no day"), ("", "3 to 500")):
        await typed(place, f"incident 1 follow-up {'more ' if wrong else ''}{wrong}")
        await whispered(place, "maria", why)
    await typed(place, "incident 1 done 1", user="sam")
    await whispered(place, "sam", "Done: raise the limit")
    await typed(place, "incident 1 done 1")
    await whispered(place, "maria", "was done already")
    await typed(place, "incident 1 done 7")
    await whispered(place, "maria", "has no follow-up 7; it has 1")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("incident list", "No incident is open"),
        ("incident 9", "There is no incident 9"),
        ("incident 9 status identified", "There is no incident 9"),
        ("incident sttaus identified", "Did you mean `status`?"),
        ("note something", "No incident is open"),
    ],
)
async def test_what_cannot_be_done_says_what_to_do(place: Place, text: str, answer: str) -> None:
    await place.face()
    await typed(place, text)
    await whispered(place, "maria", answer)


async def test_a_note_is_typed_and_shown_with_the_incident(place: Place) -> None:
    await place.face()
    root = await root_of(place, await place.open_incident())
    await typed(place, "note 1 raised the limit &amp; waiting")
    await told(place, root, "raised the limit")
    await typed(place, "incident 1")
    shown = await whispered(place, "maria", "Last in the timeline")
    assert "raised the limit" in shown
    assert "Status investigating" in shown
    await typed(place, "incident list")
    assert "Something is wrong" in await whispered(place, "maria", "*Open incidents*")


async def test_two_open_incidents_are_told_apart(place: Place) -> None:
    await place.face()
    await place.open_incident()
    await place.open_incident(cause="other")
    await typed(place, "incident status identified")
    assert "1 (support-bot" in await whispered(place, "maria", "Which incident?")


async def test_an_ended_incident_takes_no_new_severity_and_says_who_ended_it(place: Place) -> None:
    await place.face()
    await place.open_incident()
    async with place.db.transaction() as session:
        await incidents.resolve(session, 1, version=None, actor="sam", now=utc_now())
    await typed(place, "incident 1 severity sev1")
    await whispered(place, "maria", "Already resolved by Sam Lee")
    async with place.db.reading() as session:
        assert (await session.execute(select(col(Incident.severity)))).scalar_one() == "sev3"
