"""What a simulated status page says, and when."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.demo.health import Condition, Event
from bot.sandbox.demo.statuspage import CHAT_COMPONENT, StatusPage

START = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
PAGE = StatusPage("northwind", "Northwind AI", "http://127.0.0.1:9", START, lag=timedelta(seconds=1))


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def told(condition: Condition, seconds: float) -> dict[str, Any]:
    return PAGE.summary(condition.history(at(seconds)), at(seconds))


def chat(summary: dict[str, Any]) -> str:
    return next(str(component["status"]) for component in summary["components"] if component["name"] == CHAT_COMPONENT)


def an_outage() -> Condition:
    condition = Condition(START)
    condition.apply(Event.FAIL, at(10))
    condition.apply(Event.HEAL, at(30))
    return condition


def test_a_healthy_page_is_green_and_holds_no_incident() -> None:
    summary = told(Condition(START), 5)
    assert summary["status"] == {"indicator": "none", "description": "All Systems Operational"}
    assert summary["incidents"] == []
    assert chat(summary) == "operational"


def test_the_page_is_late_by_its_lag() -> None:
    condition = an_outage()
    assert chat(told(condition, 10.9)) == "operational"
    assert chat(told(condition, 11)) == "major_outage"


def test_the_group_repeats_its_worst_component() -> None:
    summary = told(an_outage(), 12)
    group = next(component for component in summary["components"] if component["group"])
    children = {component["id"] for component in summary["components"] if component["group_id"] == group["id"]}
    assert group["status"] == "major_outage"
    assert set(group["components"]) == children


def test_an_incident_goes_through_its_words_and_then_leaves_the_summary() -> None:
    condition = an_outage()
    words = [incident["status"] for seconds in (12, 20, 32) for incident in told(condition, seconds)["incidents"]]
    assert words == ["investigating", "identified", "monitoring"]
    assert told(condition, 40)["incidents"] == []
    archive = PAGE.archive(condition.history(at(40)), at(40))
    (incident,) = archive["incidents"]
    assert incident["status"] == "resolved"
    assert incident["impact"] == "critical"
    assert [update["status"] for update in incident["incident_updates"]] == [
        "resolved",
        "monitoring",
        "identified",
        "investigating",
    ]


def test_a_relapse_while_recovering_stays_one_incident() -> None:
    condition = an_outage()
    condition.apply(Event.FAIL, at(31))
    (incident,) = PAGE.archive(condition.history(at(40)), at(40))["incidents"]
    assert incident["status"] == "identified"


def test_nothing_changes_between_two_polls_of_a_quiet_page() -> None:
    condition = Condition(START)
    assert told(condition, 5) == told(condition, 500)


@given(st.lists(st.tuples(st.sampled_from([Event.FAIL, Event.SLOW, Event.HEAL]), st.floats(0, 8)), max_size=20))
def test_whatever_happens_the_page_has_at_most_one_open_incident_and_agrees_with_its_component(
    steps: list[tuple[Event, float]],
) -> None:
    condition, seconds = Condition(START), 0.0
    for event, later in steps:
        seconds += later
        condition.apply(event, at(seconds))
        summary = told(condition, seconds)
        assert len(summary["incidents"]) == (0 if chat(summary) == "operational" else 1)
