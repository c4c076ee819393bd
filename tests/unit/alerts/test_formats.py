"""What each format says, and what is wrong with a body that says nothing."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.alerts import formats
from bot.alerts.said import PayloadError, Reading, Said, Scope, severity_of
from bot.catalog import Catalog, parse_catalog
from bot.incidents.severity import Severity

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ONE = parse_catalog("""
badday: 1
people: {maria: {name: Maria Ortiz, email: maria@example.com}}
systems: {support-bot: {owner: maria, channel: support-bot}}
""")
TWO = parse_catalog("""
badday: 1
people: {maria: {name: Maria Ortiz, email: maria@example.com}}
systems: {support-bot: {owner: maria, channel: support-bot}, search: {owner: maria, channel: search}}
""")
GRAFANA = {
    "receiver": "badday",
    "status": "firing",
    "orgId": 1,
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "Answers are slow", "grafana_folder": "AI", "severity": "critical"},
            "annotations": {"summary": "p95 above 8 s", "runbook_url": "https://wiki.example/slow"},
            "startsAt": "2026-03-02T10:51:03.157076+02:00",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "https://grafana.example/alerting/abc/edit",
            "fingerprint": "c6eadffa33fcdf37",
            "silenceURL": "https://grafana.example/alerting/silence/new",
            "dashboardURL": "https://grafana.example/d/xyz",
            "panelURL": "https://grafana.example/d/xyz?viewPanel=2",
            "values": {"B": 9.2, "C": 1},
            "valueString": "[ var='B' labels={} value=9.2 ]",
        }
    ],
    "groupLabels": {},
    "commonLabels": {},
    "commonAnnotations": {},
    "externalURL": "https://grafana.example/",
    "version": "1",
    "groupKey": "{}:{}",
    "truncatedAlerts": 0,
    "title": "[FIRING:1] Answers are slow",
    "state": "alerting",
    "message": "**Firing**",
}
WEBHOOK = {
    "version": "4",
    "groupKey": '{}:{alertname="QueueFull"}',
    "truncatedAlerts": 0,
    "status": "resolved",
    "receiver": "badday",
    "groupLabels": {"alertname": "QueueFull"},
    "commonLabels": {"alertname": "QueueFull"},
    "commonAnnotations": {},
    "externalURL": "http://alertmanager:9093",
    "alerts": [
        {
            "status": "resolved",
            "labels": {"alertname": "QueueFull", "instance": "a"},
            "annotations": {},
            "startsAt": "2026-03-02T08:00:00Z",
            "endsAt": "2026-03-02T08:30:00Z",
            "generatorURL": "/graph?g0.expr=up",
            "fingerprint": "fbab788ec4c1018b",
        },
        {
            "status": "firing",
            "labels": {"alertname": "QueueFull", "instance": "b"},
            "annotations": {"description": "1,200 jobs wait"},
            "startsAt": "2026-03-02T08:00:00Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus:9090/graph",
        },
    ],
}


def read(
    body: Any,
    format_: Callable[[bytes, Scope, datetime], Reading] = formats.client_api,
    catalog: Catalog = ONE,
    token_system: str | None = None,
) -> Reading:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return format_(content, Scope(catalog, token_system), NOW)


def one(**fields: Any) -> Said:
    reading = read([{"labels": {"alertname": "QueueFull"}} | fields])
    assert not reading.faults
    (said,) = reading.alerts
    return said


def field_of(body: Any, **options: Any) -> str:
    with pytest.raises(PayloadError) as caught:
        read(body, **options)
    return caught.value.fault.field


def test_the_least_that_an_alert_may_say() -> None:
    said = one()
    assert (said.system, said.cause, said.title) == ("support-bot", "QueueFull", "QueueFull")
    assert said.severity is Severity.SEV2
    assert said.firing
    assert (said.starts_at, said.ends_at, said.url) == (None, None, None)


def test_the_title_is_the_summary_and_the_text_the_description() -> None:
    said = one(
        annotations={"summary": "Jobs wait", "description": "1,200 of them"},
        generatorURL="http://prometheus:9090/graph",
    )
    assert (said.title, said.text, said.url) == ("Jobs wait", "1,200 of them", "http://prometheus:9090/graph")


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("critical", "sev1"),
        ("page", "sev1"),
        ("Critical", "sev1"),
        ("error", "sev2"),
        (None, "sev2"),
        ("none", "sev2"),
        ("warning", "sev3"),
        ("warn", "sev3"),
        ("info", "sev3"),
        ("note", "sev3"),
        ("sev1", "sev1"),
    ],
)
def test_severities_are_the_contracts(word: str | None, severity: str) -> None:
    assert severity_of(word) == severity


def test_an_end_that_is_past_resolves_and_one_to_come_does_not() -> None:
    assert not one(endsAt="2026-03-02T08:59:59Z").firing
    later = one(endsAt="2026-03-02T09:04:00Z")
    assert later.firing
    assert later.ends_at == NOW + timedelta(minutes=4)


@pytest.mark.parametrize("absent", [None, "", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"])
def test_times_that_go_writes_for_none_are_none(absent: str | None) -> None:
    said = one(startsAt=absent, endsAt=absent)
    assert said.firing
    assert (said.starts_at, said.ends_at) == (None, None)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02T10:00:00+02:00",
        "2026-03-02T02:30:00.000-05:30",
        "2026-03-02T08:00:00.000000000Z",
        "2026-03-02t08:00:00z",
        "2026-03-02 08:00:00Z",
    ],
)
def test_any_offset_of_rfc_3339_is_read(text: str) -> None:
    assert one(startsAt=text).starts_at == NOW - timedelta(hours=1)


@given(
    st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(9000, 1, 1)),  # noqa: DTZ001 - given a zone below
    st.integers(-14 * 60, 14 * 60),
)
def test_every_time_with_an_offset_is_the_moment_that_it_says(naive: datetime, offset: int) -> None:
    moment = naive.replace(tzinfo=timezone(timedelta(minutes=offset)))
    assert one(startsAt=moment.isoformat(timespec="microseconds")).starts_at == moment


@pytest.mark.parametrize(
    "text",
    [5, 1_700_000_000, "1700000000", "yesterday", "2026-03-02", "2026-03-02T09:00:00", "2026-02-30T09:00:00Z", {}],
)
def test_what_is_no_time_is_named(text: Any) -> None:
    assert field_of([{"labels": {"alertname": "A"}}, {"labels": {"alertname": "A"}, "endsAt": text}]) == "[1].endsAt"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (b"{", "body"),
        (b"\xff\xfe", "body"),
        (b"[" * 100_000, "body"),
        (b'[{"labels": {"alertname": "\\ud800"}}]', "body"),
        ({"labels": {}}, "body"),
        (["alert"], "[0]"),
        ([{}], "[0].labels"),
        ([{"labels": None}], "[0].labels"),
        ([{"labels": ["alertname"]}], "[0].labels"),
        ([{"labels": {"alertname": "A", "n": 1}}], "[0].labels.n"),
        ([{"labels": {"alertname": "A"}, "annotations": {"summary": None}}], "[0].annotations.summary"),
        ([{"labels": {"alertname": "A"}, "generatorURL": 5}], "[0].generatorURL"),
    ],
)
def test_a_body_of_another_shape_is_refused_as_a_whole(body: Any, field: str) -> None:
    assert field_of(body) == field


def test_an_empty_list_says_nothing() -> None:
    assert read([]) == Reading([], [])


@pytest.mark.parametrize(
    ("alert", "field"),
    [
        ({"labels": {}}, "[1].labels"),
        ({"labels": {"alertname": ""}}, "[1].labels"),
        ({"labels": {"alertname": " "}}, "[1].labels.alertname"),
        ({"labels": {"instance": "a"}}, "[1].labels.alertname"),
        ({"labels": {"alertname": "A" * 201}}, "[1].labels.alertname"),
        ({"labels": {"alertname": "A", "": "b"}}, "[1].labels"),
        ({"labels": {"alertname": "A", "system": "nobody"}}, "[1].labels.system"),
        (
            {"labels": {"alertname": "A"}, "startsAt": "2026-03-02T09:00:00Z", "endsAt": "2026-03-02T08:00:00Z"},
            "[1].endsAt",
        ),
    ],
)
def test_one_alert_that_cannot_be_taken_leaves_the_others(alert: Any, field: str) -> None:
    reading = read([{"labels": {"alertname": "Good"}}, alert, {"labels": {"alertname": "Also good"}}])
    assert [said.cause for said in reading.alerts] == ["Good", "Also good"]
    (fault,) = reading.faults
    assert fault.field == field
    assert fault.detail


def test_with_several_systems_an_alert_has_to_name_its_own() -> None:
    (fault,) = read([{"labels": {"alertname": "A"}}], catalog=TWO).faults
    assert fault.field == "[0].labels.system"
    assert "support-bot, search" in fault.detail
    (said,) = read([{"labels": {"alertname": "A", "system": "search"}}], catalog=TWO).alerts
    assert said.system == "search"


def test_a_systems_token_speaks_for_that_system_alone() -> None:
    (said,) = read([{"labels": {"alertname": "A"}}], catalog=TWO, token_system="search").alerts
    assert said.system == "search"
    (fault,) = read(
        [{"labels": {"alertname": "A", "system": "support-bot"}}], catalog=TWO, token_system="search"
    ).faults
    assert (fault.status, fault.field) == (403, "[0].labels.system")


def test_nul_becomes_something_that_every_database_stores() -> None:
    assert one(annotations={"summary": "a\0b"}).title == "a\ufffdb"


def test_grafana() -> None:
    (said,) = read(GRAFANA, formats.grafana).alerts
    assert (said.cause, said.title, said.severity) == ("Answers are slow", "p95 above 8 s", "sev1")
    assert said.url == "https://grafana.example/d/xyz?viewPanel=2"
    assert said.text == "[ var='B' labels={} value=9.2 ]"
    assert said.starts_at == datetime(2026, 3, 2, 8, 51, 3, 157076, tzinfo=UTC)
    assert said.firing


def test_alertmanagers_webhook() -> None:
    over, firing = read(WEBHOOK, formats.alertmanager_webhook).alerts
    assert (over.firing, over.ends_at, over.url) == (False, NOW - timedelta(minutes=30), None)
    assert (firing.firing, firing.ends_at, firing.text) == (True, None, "1,200 jobs wait")


def test_the_same_alert_by_prometheus_and_by_alertmanager_is_the_same() -> None:
    (direct,) = read([{"labels": {"instance": "b", "alertname": "QueueFull", "system": "support-bot"}}]).alerts
    _, relayed = read(WEBHOOK, formats.alertmanager_webhook).alerts
    assert direct.fingerprint == relayed.fingerprint


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"alerts": None}, "alerts"),
        ({"alerts": [{"labels": {"alertname": "A"}}]}, "alerts[0].status"),
        ({"alerts": [{"labels": {"alertname": "A"}, "status": "pending"}]}, "alerts[0].status"),
    ],
)
def test_a_webhook_of_another_shape_is_refused(change: Any, field: str) -> None:
    assert field_of(GRAFANA | change, format_=formats.grafana) == field


GENERIC = {"system": "support-bot", "cause": "nightly-evals", "status": "firing"}


def test_generic() -> None:
    (said,) = read(
        GENERIC
        | {"severity": "warning", "title": "Evals are late", "text": "since 02:00", "url": "https://ci.example/7"},
        formats.generic,
    ).alerts
    assert (said.cause, said.title, said.text) == ("nightly-evals", "Evals are late", "since 02:00")
    assert (said.severity, said.url, said.firing) == ("sev3", "https://ci.example/7", True)
    (over,) = read(GENERIC | {"status": "resolved"}, formats.generic).alerts
    assert not over.firing
    assert over.fingerprint == said.fingerprint


def test_generic_alerts_of_one_cause_are_told_apart_by_their_key() -> None:
    keys = [{}, {"dedupe_key": "a"}, {"dedupe_key": "b"}]
    assert len({read(GENERIC | key, formats.generic).alerts[0].fingerprint for key in keys}) == 3


@pytest.mark.parametrize("missing", ["cause", "status"])
def test_generic_needs_its_fields(missing: str) -> None:
    body = {name: value for name, value in GENERIC.items() if name != missing}
    assert field_of(body, format_=formats.generic) == missing


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"system": None}, "system"),
        ({"system": "x"}, "system"),
        ({"cause": " "}, "cause"),
        ({"severity": "x"}, "severity"),
    ],
)
def test_generic_names_the_field_that_is_wrong(change: Any, field: str) -> None:
    (fault,) = read(GENERIC | change, formats.generic).faults
    assert fault.field == field


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
TEXTS = st.dictionaries(
    st.sampled_from(["alertname", "system", "severity", "summary", "n", ""]) | st.text(), st.text(), max_size=6
)
LIKE_ALERTS = st.lists(
    st.fixed_dictionaries(
        {"labels": TEXTS | JSON},
        optional={
            "annotations": TEXTS | JSON,
            "startsAt": st.datetimes().map(str) | JSON,
            "endsAt": JSON,
            "status": st.sampled_from(["firing", "resolved"]) | JSON,
            "generatorURL": JSON,
        },
    ),
    max_size=4,
)


@pytest.mark.parametrize(
    "format_", [formats.client_api, formats.alertmanager_webhook, formats.grafana, formats.generic]
)
@given(body=JSON | LIKE_ALERTS | st.fixed_dictionaries({"alerts": LIKE_ALERTS}) | st.binary())
def test_whatever_is_sent_is_read_or_refused_by_a_field(
    format_: Callable[[bytes, Scope, datetime], Reading], body: Any
) -> None:
    try:
        reading = read(body, format_)
    except PayloadError as error:
        reading = Reading(faults=[error.fault])
    assert all(fault.field and fault.detail for fault in reading.faults)
    for said in reading.alerts:
        assert said.cause
        assert said.title
        assert said.system in ONE.systems
        assert "\0" not in json.dumps([said.title, said.text, *said.labels.values()], ensure_ascii=False)


@given(st.dictionaries(st.text(min_size=1), st.text(min_size=1), max_size=5))
def test_the_order_of_labels_does_not_matter_and_their_values_do(labels: dict[str, str]) -> None:
    labels = {name.replace("\0", "") or "x": value for name, value in labels.items()} | {"alertname": "A"}
    labels.pop("system", None)
    (first,) = read([{"labels": labels}]).alerts
    (second,) = read([{"labels": dict(reversed(labels.items()))}]).alerts
    (other,) = read([{"labels": labels | {"added": "y"}}]).alerts
    assert first.fingerprint == second.fingerprint
    assert (other.fingerprint == first.fingerprint) is (labels.get("added") == "y")
