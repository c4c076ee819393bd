"""Plain logs of calls, one a line."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.trail.calls import ErrorClass, Kind, Outcome, Sighting
from bot.trail.importing.jsonl import LineError, sighting


def read(**record: Any) -> Sighting:
    return sighting(json.dumps(record).encode())


def test_a_time_and_an_output_are_a_call() -> None:
    seen = read(ts="2026-03-02T14:00:00Z", output="Refunds take 30 days.")
    assert seen.kind is Kind.CALL
    assert (len(seen.trace_id), len(seen.span_id), seen.parent_span_id) == (16, 8, None)
    facts = seen.facts
    assert facts.start_us == int(datetime(2026, 3, 2, 14, tzinfo=UTC).timestamp()) * 1_000_000
    assert (facts.output, facts.outcome, facts.error_class, facts.system) == (
        "Refunds take 30 days.",
        Outcome.OK,
        None,
        "unknown",
    )


@pytest.mark.parametrize(
    "ts", ["2026-03-02T14:00:00", "2026-03-02T15:00:00+01:00", *(1772460000 * 10**n for n in (0, 3, 6, 9))]
)
def test_times_may_be_text_or_any_unit_since_1970(ts: Any) -> None:
    assert read(ts=ts, output="x").facts.start_us == 1_772_460_000_000_000


def test_the_usual_fields_are_kept() -> None:
    facts = read(
        ts="2026-03-02T14:00:00.250Z",
        id=4711,
        system="search",
        user="u-1",
        model="gpt-4.1-mini",
        prompt_version=3,
        input=[{"role": "user", "content": "hello"}],
        output={"answer": 42},
        latency_ms=1203.5,
        cost="0.00012",
    ).facts
    assert (facts.external_id, facts.system, facts.user) == ("4711", "search", "u-1")
    assert (facts.model_asked, facts.prompt_version) == ("gpt-4.1-mini", "3")
    assert facts.input == '[{"role":"user","content":"hello"}]'
    assert facts.output == '{"answer":42}'
    assert (facts.duration_us, facts.emitter_cost_nano) == (1_203_500, 120_000)


def test_what_calls_list_prints_can_be_read_again() -> None:
    seen = read(
        call_id="c_0123456789abc",
        started_at="2026-03-02T14:00:00Z",
        trace_id="ab" * 16,
        span_id="cd" * 8,
        outcome="error",
        error_class="timeout",
        http_status=None,
        attempt_group="c_0123456789abb",
        attempt=2,
        is_final=True,
        input=None,
        output=None,
        cost=None,
        cost_source=None,
    )
    assert (seen.trace_id, seen.span_id) == (bytes.fromhex("ab" * 16), bytes.fromhex("cd" * 8))
    facts = seen.facts
    assert (facts.external_id, facts.outcome, facts.error_class) == ("c_0123456789abc", "error", "timeout")
    assert (facts.group_key, facts.attempt_hint) == ("c_0123456789abb", 1)


def test_a_call_is_known_again_by_its_id_whatever_else_the_line_says() -> None:
    first, again = read(ts=1772460000, id="a", output="x"), read(ts=1772460001, id="a", output="y")
    other = read(ts=1772460000, id="b", output="x")
    assert (first.trace_id, first.span_id) == (again.trace_id, again.span_id)
    assert first.span_id != other.span_id


def test_without_an_id_it_is_known_by_its_content_in_any_order() -> None:
    first = sighting(b'{"ts": 1772460000, "output": "x"}')
    again = sighting(b'{"output":"x","ts":1772460000}')
    other = sighting(b'{"output":"y","ts":1772460000}')
    assert (first.trace_id, first.span_id) == (again.trace_id, again.span_id)
    assert first.span_id != other.span_id


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        ({"error_class": "timeout"}, Outcome.ERROR),
        ({"error_text": "boom"}, Outcome.ERROR),
        ({"outcome": "error"}, Outcome.ERROR),
        ({"error_class": "truncated", "output": "Refunds ta"}, Outcome.OK),
        ({"error_class": "malformed_output", "output": "{"}, Outcome.OK),
    ],
)
def test_a_failed_call_needs_no_output(told: dict[str, Any], outcome: Outcome) -> None:
    facts = read(ts=1772460000, **told).facts
    assert facts.outcome is outcome
    assert facts.error_class in (None, *ErrorClass)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{", "no JSON"),
        (b"[]", "must hold one JSON object"),
        (b'{"output": "x"}', "ts is missing"),
        (b'{"ts": "soon", "output": "x"}', "ts: Input should be a valid datetime"),
        (b'{"ts": 1772460000}', "output is missing"),
        (b'{"ts": 1772460000, "output": "x", "input_tokens": -1}', "input_tokens: "),
        (b'{"ts": 1772460000, "output": "x", "error_class": "bad luck"}', "error_class: "),
        (b'{"ts": 1772460000, "output": "x", "input": ' + b"[" * 900 + b"]" * 900 + b"}", "nested too deeply"),
    ],
)
def test_a_line_that_tells_no_call_is_refused_with_the_reason(line: bytes, why: str) -> None:
    with pytest.raises(LineError, match=why):
        sighting(line)


@settings(deadline=None)
@given(st.binary() | st.recursive(st.none() | st.floats() | st.text(), st.lists).map(lambda v: json.dumps(v).encode()))
def test_any_line_is_a_call_or_refused(line: bytes) -> None:
    try:
        sighting(line)
    except LineError:
        pass


@settings(deadline=None)
@given(
    st.fixed_dictionaries(
        {"ts": st.datetimes() | st.just("now")},
        optional={
            "id": st.text() | st.integers(),
            "output": st.text(),
            "cost": st.floats() | st.text(),
            "latency_ms": st.floats(),
            "trace_id": st.text(),
            "model": st.text(),
        },
    )
)
def test_odd_fields_are_taken_or_refused(record: dict[str, Any]) -> None:
    try:
        facts = sighting(json.dumps(record, default=str).encode("utf-8", "surrogatepass")).facts
    except LineError:
        return
    assert "\0" not in (facts.output or "") + (facts.external_id or "") + (facts.model_asked or "")
