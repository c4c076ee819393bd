"""What a status page's answer means, and which answers are refused."""

import codecs
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.watches.dialect import COMPONENT_WORDS
from bot.watches.snapshot import Snapshot
from bot.watches.status import Status, StatusError, parse, worst
from tests.unit.watches.pages import PAGE_ULID, component, encoded, incident, proxy, statuspage, widget

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def read(document: Any, engine: str | None = None) -> Snapshot:
    return parse(encoded(document), engine=engine)


def test_statuses_are_ranked_with_unknown_between_green_and_a_real_outage() -> None:
    assert [status.value for status in sorted(Status, key=lambda status: status.rank)] == [
        "operational",
        "maintenance",
        "unknown",
        "degraded",
        "partial_outage",
        "major_outage",
    ]
    assert worst([]) is Status.OPERATIONAL
    assert worst([Status.UNKNOWN, Status.DEGRADED, Status.OPERATIONAL]) is Status.DEGRADED


def test_groups_are_left_out_and_names_are_stripped() -> None:
    snapshot = read(statuspage())
    assert snapshot.engine == "statuspage"
    assert [(one.id, one.name, one.group) for one in snapshot.components] == [
        ("c1", "Chat", "Models"),
        ("c2", "Embeddings", None),
    ]
    assert snapshot.indicator is Status.OPERATIONAL


@pytest.mark.parametrize(
    ("changes", "indicator"),
    [
        ({}, "operational"),
        ({"status": {"indicator": "minor"}, "incidents": [incident(impact="critical")]}, "degraded"),
        ({"status": {"indicator": "critical"}}, "major_outage"),
        ({"status": {"indicator": "affected"}}, "unknown"),
        ({"incidents": [incident()]}, "partial_outage"),
        ({"incidents": [incident(impact=None)]}, "unknown"),
        ({"incidents": [incident(status="resolved"), incident(status="postmortem")]}, "operational"),
        ({"components": [component("c", "Chat", "new_word"), component("d", "B", "degraded_performance")]}, "degraded"),
        ({"components": [component("c", "Chat", "new_word")]}, "unknown"),
        ({"scheduled_maintenances": [{"id": "m", "status": "scheduled"}]}, "operational"),
        ({"scheduled_maintenances": [{"id": "m", "status": "verifying"}]}, "maintenance"),
        ({"status": None, "components": None, "incidents": [incident(impact="minor")]}, "degraded"),
    ],
)
def test_green_is_overruled_by_the_parts_of_the_page(changes: dict[str, Any], indicator: str) -> None:
    assert read(statuspage(**changes)).indicator == indicator


def test_an_incident_keeps_the_pages_words_and_has_utc_times() -> None:
    (found,) = read(statuspage(incidents=[incident()])).incidents
    assert (found.id, found.status, found.impact, found.components) == (
        "i1",
        "investigating",
        "partial_outage",
        ("Chat",),
    )
    assert found.started_at is not None
    assert found.started_at.isoformat() == "2026-03-02T09:00:00+00:00"


def test_maintenances_that_are_over_are_not_counted() -> None:
    states = ("scheduled", "in_progress", "verifying", "completed")
    rows = [{"id": state, "name": "Move", "status": state, "scheduled_for": "2026-03-02T09:00Z"} for state in states]
    assert [one.id for one in read(statuspage(scheduled_maintenances=rows)).maintenances] == list(states[:3])


@pytest.mark.parametrize(
    "document",
    [
        {"page": {"id": PAGE_ULID}, "status": {"indicator": "none"}},
        {"components": [component("x", "Chat", page_id=PAGE_ULID)]},
        widget(),
        proxy(),
    ],
)
def test_incident_io_is_known_by_its_ids_and_its_own_shapes(document: dict[str, Any]) -> None:
    assert read(document).engine == "incidentio"


def test_the_widget_lists_what_ongoing_incidents_affect() -> None:
    snapshot = read(widget())
    assert {(one.name, one.status.value, one.group) for one in snapshot.components} == {
        ("Chat", "partial_outage", "APIs"),
        ("Batch", "degraded", "APIs"),
    }
    assert [(one.status, one.impact.value) for one in snapshot.incidents] == [("identified", "degraded")]
    assert snapshot.indicator is Status.PARTIAL_OUTAGE
    assert len(snapshot.maintenances) == 1


def test_the_proxy_overlays_its_components() -> None:
    snapshot = read(proxy())
    assert [(one.name, one.status.value, one.group) for one in snapshot.components] == [
        ("Chat", "operational", "APIs"),
        ("Batch", "major_outage", None),
    ]


def test_a_watch_of_the_statuspage_engine_goes_on_when_the_page_moves_to_incident_io() -> None:
    moved = {"page": {"id": PAGE_ULID}, "status": {"indicator": "major"}}
    assert read(moved, "statuspage").indicator is Status.PARTIAL_OUTAGE


@pytest.mark.parametrize("document", [widget(), proxy()])
def test_incident_ios_own_format_is_not_taken_for_a_healthy_statuspage(document: dict[str, Any]) -> None:
    with pytest.raises(StatusError, match="engine: incidentio"):
        read(document, "statuspage")


@pytest.mark.parametrize("mark", [codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE])
def test_the_byte_order_mark_decides_the_encoding(mark: bytes) -> None:
    encoding = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}[mark]
    body = mark + json.dumps(statuspage(incidents=[incident(name="Störung")]), ensure_ascii=False).encode(encoding)
    assert parse(body).incidents[0].name == "Störung"


RSS = '<rss version="2.0"><channel><title>{}</title></channel></rss>'


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b"<!DOCTYPE html><html></html>", "HTML page"),
        (b"  <html><script>{}</script></html>", "HTML page"),
        (b"<!-- blocked --><!doctype HTML>", "HTML page"),
        (encoded(statuspage())[:-40], "invalid or cut off"),
        (b'{"status": {"indicator": NaN}}', "invalid or cut off"),
        (b"[" * 100_000, "nested too deeply"),
        (b"\xff\xfa\xfb", "not text in utf-8"),
        (b'{"error": "not found"}', "no status page that we know"),
        (b'"operational"', "no status page that we know"),
        (b"[]", "does not tell its engine"),
        (b"<rss><channel>", "invalid or cut off"),
        (b"<svg/>", "no RSS or Atom feed"),
        (b'<!DOCTYPE rss [<!ENTITY a "b">]><rss><channel><title>&a;</title></channel></rss>', "DOCTYPE"),
        (RSS.format("Azure Status").encode(), "engine azure is not supported yet"),
        (RSS.format("Amazon Web Services Service Status").encode(), "engine aws is not supported yet"),
        (RSS.format("Some feed").encode(), "engine feed is not supported yet"),
        (b'<?xml version="1.0" encoding="iso-8859-1"?><rss><channel><title>\xe9</title></channel></rss>', "feed"),
        (b'{"page": {"status": "UP"}}', "engine instatus is not supported yet"),
        (b'{"components": [{"status": "OPERATIONAL"}]}', "engine instatus is not supported yet"),
        (b'{"data": {"attributes": {"aggregate_state": "operational"}}}', "engine betterstack is not supported yet"),
        (b'{"result": {"status_overall": {}}}', "engine statusio is not supported yet"),
        (b'[{"external_desc": ""}]', "engine google is not supported yet"),
        (b'[{"arn": "", "service": ""}]', "engine aws is not supported yet"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_reason(body: bytes, reason: str) -> None:
    with pytest.raises(StatusError, match=reason):
        parse(body)


@pytest.mark.parametrize("engine", ["google", "json", "typo"])
def test_an_engine_that_is_not_built_is_named(engine: str) -> None:
    with pytest.raises(StatusError, match=f"engine {engine} is not supported yet; there are: incidentio, statuspage"):
        parse(b"[]", engine=engine)


def test_a_page_of_another_engine_is_no_outage_but_an_error() -> None:
    with pytest.raises(StatusError, match="engine instatus, not of statuspage"):
        read({"page": {"status": "HASISSUES"}}, "statuspage")


def test_hostile_text_is_cut_and_cleaned() -> None:
    name = "\x00\x1b[31m\ud800" + "x" * 10_000
    (found,) = read(statuspage(incidents=[incident(name=name)])).incidents
    assert len(found.name) == 500
    found.name.encode()
    assert not set("\x00\x1b") & set(found.name)


@given(st.dictionaries(st.sampled_from(["components", "incidents", "scheduled_maintenances", "page"]), JSON_VALUES))
def test_odd_values_never_crash_the_parser(changes: dict[str, Any]) -> None:
    try:
        snapshot = read(statuspage(**changes))
    except StatusError:
        return
    assert Snapshot.from_json(json.loads(json.dumps(snapshot.to_json()))) == snapshot


@given(st.dictionaries(st.sampled_from(["id", "name", "status", "impact", "updated_at", "components"]), JSON_VALUES))
def test_an_odd_field_of_an_incident_costs_no_more_than_the_field(changes: dict[str, Any]) -> None:
    snapshot = read(statuspage(incidents=[incident(**changes), incident(id="sound")]))
    assert [one.id for one in snapshot.incidents][-1] == "sound"
    assert len(snapshot.incidents) == 2


@given(st.binary(max_size=200))
def test_any_bytes_give_a_snapshot_or_a_reason(body: bytes) -> None:
    try:
        parse(body)
    except StatusError:
        return


@given(st.lists(st.sampled_from([*COMPONENT_WORDS, "else"]), max_size=6))
def test_a_page_without_a_word_is_as_bad_as_its_worst_component(words: list[str]) -> None:
    snapshot = read({"components": [component(str(n), "Same name", word) for n, word in enumerate(words)]})
    assert snapshot.indicator is worst(one.status for one in snapshot.components)
    assert len(snapshot.components) == len(words)


@pytest.mark.parametrize("document", [statuspage(incidents=[incident()]), widget(), proxy()])
def test_a_snapshot_survives_the_database(document: dict[str, Any]) -> None:
    maintenance = {"id": "m", "name": "Move", "status": "verifying", "scheduled_for": "2026-03-02T09:00Z"}
    snapshot = read({**document, "scheduled_maintenances": [maintenance]})
    assert Snapshot.from_json(json.loads(json.dumps(snapshot.to_json()))) == snapshot


@pytest.mark.parametrize("data", [{}, {"engine": "x", "indicator": "green"}, {"components": 1}])
def test_a_snapshot_of_another_version_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Snapshot.from_json(data)
