"""The menu of an incident's root message: each choice asks in a form, and does what was filled in."""

from typing import Any

from bot.incidents import incidents
from bot.store.tables import Incident
from tests.integration.slack.conftest import Json, Place, eventually, utc_now


async def chosen(place: Place, incident: Incident, choice: str, *, user: str = "sam") -> Json:
    """The form that a choice of the menu opens for somebody."""
    message = await place.in_state(f"incident:{incident.id}:root", "sent")
    value = f"inc:{incident.id}:v{(await now(place, incident)).version}:{choice}"
    await place.do(
        "click", user=user, channel="support-bot", ts=message.slack_ts, action_id="incident_more", value=value
    )

    async def opened() -> Any:
        return (await place.get("views", user=user))["stack"]

    (view,) = await eventually(opened)
    found: Json = view
    return found


async def now(place: Place, incident: Incident) -> Incident:
    async with place.db.reading() as session:
        found = await incidents.get(session, incident.id or 0)
    assert found is not None
    return found


async def becomes(place: Place, incident: Incident, what: str, value: str) -> Incident:
    async def look() -> Incident | None:
        found = await now(place, incident)
        return found if getattr(found, what) == value else None

    return await eventually(look)


async def test_the_severity_is_changed_by_a_form(place: Place) -> None:
    await place.face()
    incident = await place.open_incident(severity="sev2")
    view = await chosen(place, incident, "severity")
    await place.do("submit", user="sam", view=view["id"], values={"severity": {"value": "sev1"}})
    await becomes(place, incident, "severity", "sev1")


async def test_an_incident_is_handed_over_to_somebody_who_is_paged(place: Place) -> None:
    await place.face()
    incident = await place.open_incident(severity="sev2")
    view = await chosen(place, incident, "hand_over", user="maria")
    assert "Maria Ortiz" not in str(view["blocks"][1]["element"])
    await place.do("submit", user="maria", view=view["id"], values={"person": {"value": "sam"}})

    async def paged() -> list[Json]:
        return [one for one in await place.of_bot("badday", user="sam") if "handed over by" in str(one)]

    assert await eventually(paged)


async def test_an_incident_that_was_none_is_resolved_with_the_reason(place: Place) -> None:
    await place.face()
    incident = await place.open_incident(severity="sev2")
    view = await chosen(place, incident, "mistake")
    await place.do("submit", user="sam", view=view["id"], values={"why": {"value": "A load test"}})
    found = await becomes(place, incident, "state", "resolved")
    assert found.resolution == "It was a mistake, no incident: A load test"


async def test_a_form_of_an_incident_that_was_resolved_meanwhile_is_refused_with_who_did_it(place: Place) -> None:
    await place.face()
    incident = await place.open_incident(severity="sev2")
    view = await chosen(place, incident, "severity")
    async with place.db.transaction() as session:
        await incidents.resolve(session, incident.id or 0, version=None, actor="maria", now=utc_now())
    await place.do("submit", user="sam", view=view["id"], values={"severity": {"value": "sev1"}})

    async def refused() -> bool:
        return any("Already resolved by Maria Ortiz" in one["text"] for one in await place.of_bot("badday", user="sam"))

    await eventually(refused)


async def test_the_summary_offers_the_postmortem(place: Place) -> None:
    await place.face()
    incident = await place.open_incident(severity="sev3")
    root = await place.in_state(f"incident:{incident.id}:root", "sent")
    async with place.db.transaction() as session:
        await incidents.resolve(session, incident.id or 0, version=None, actor="maria", now=utc_now())

    async def summary() -> list[Json]:
        replies = await place.messages("support-bot", thread_ts=root.slack_ts)
        return [one for one in replies if "write_postmortem" in str(one)]

    (message,) = await eventually(summary)
    await place.do("click", user="sam", channel="support-bot", ts=message["ts"], action_id="write_postmortem")

    async def shared() -> list[Json]:
        return [one for one in await place.messages("support-bot", thread_ts=root.slack_ts) if one.get("files")]

    assert await eventually(shared)
