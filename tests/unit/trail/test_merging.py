"""Which spans tell of the same call: calls are counted, not spans, in whatever order and batches they come."""

import json
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.trail.calls import ErrorClass, Kind, Outcome, Sighting, StoredCall
from bot.trail.merging.joining import settle
from bot.trail.merging.merge import Known, merge
from bot.trail.receiving.otlp import decode_logs, decode_traces
from tests.unit.trail.spans_for_tests import (
    MAPPER,
    RECEIVED_US,
    START_US,
    calls_of,
    keep,
    mapped,
    played,
    record,
    span,
    span_id,
    trace,
)

FIXTURES = Path(__file__).parents[2] / "fixtures" / "otlp"
NATIVE = "com.anthropic.sdk.python"
OPENLLMETRY = "opentelemetry.instrumentation.anthropic"
OPENINFERENCE = "openinference.instrumentation.anthropic"


def chat(model: str = "claude-haiku-4-5", **told: Any) -> dict[str, Any]:
    """Attributes of a call."""
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "anthropic", "gen_ai.request.model": model}
    return attributes | {name.replace("__", "."): value for name, value in told.items()}


def answered(number: int = 1, **told: Any) -> dict[str, Any]:
    """Attributes of a call with an answer."""
    usage = {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 10}
    return chat(**told) | usage | {"gen_ai.response.id": f"msg_{number}", "gen_ai.response.finish_reasons": ["stop"]}


def sighted(*spans: Any) -> list[Sighting]:
    return mapped(*spans).sightings


def test_the_same_bytes_twice_are_one_call_and_change_nothing() -> None:
    sightings = sighted(span(answered()))
    known = played([sightings])
    again = merge(sightings, known, lambda _: 1, received_us=RECEIVED_US + 5)
    assert (again.added, again.changed, again.removed, again.spans) == ([], [], [], [])


def test_nothing_that_is_given_is_changed_once_it_is_settled() -> None:
    sightings = sighted(
        span(answered(), own="a"), span(answered(), own="b", of="u", scope=NATIVE), span(chat(), own="c", start=0)
    )
    for one in sightings:
        settle(one.facts)
    before = [replace(one, facts=replace(one.facts)) for one in sightings]
    known = played([sightings[:1]])
    stored = {id_: replace(call, facts=replace(call.facts)) for id_, call in known.calls.items()}
    merge(sightings, known, lambda _: 1, received_us=RECEIVED_US)
    assert sightings == before
    assert known.calls == stored


def test_two_traces_with_one_response_id_are_one_call() -> None:
    calls = calls_of(
        sighted(span(answered(), scope=NATIVE, of="inner", start=10, took=80)),
        sighted(span(answered(), scope=OPENLLMETRY, of="outer", took=100)),
    )
    assert len(calls) == 1
    assert calls[0].trace_id == trace("outer")  # the instrumentation's span stands for it, not the SDK's own
    assert calls[0].facts.duration_us == 100


def test_a_response_id_that_comes_again_later_is_another_call() -> None:
    first, again = answered(), answered()
    calls = calls_of(
        sighted(span(first, of="a", own="a")),
        sighted(span(again, of="b", own="b", start=3_600_000_000)),
        sighted(span(again, of="c", own="c", start=7_200_000_000)),
    )
    assert len(calls) == 3


def test_one_emitter_s_answers_with_one_id_in_several_traces_are_several_calls() -> None:
    told = (span(answered(), of=f"t{n}", own=f"s{n}", start=n * 2_000_000) for n in range(4))
    assert len(calls_of(sighted(*told))) == 4


def test_two_unknown_instrumentations_of_one_answer_are_one_call_in_any_trace() -> None:
    inner = span(answered(), scope="one", of="a", own="a", start=10, took=80)
    outer = span(answered(), scope="other", of="b", own="b", took=100)
    assert len(calls_of(sighted(inner, outer))) == len(calls_of(sighted(outer), sighted(inner))) == 1


def test_response_ids_of_two_systems_have_nothing_to_do_with_each_other() -> None:
    one = sighted(span(answered(), of="a", service="shop"))
    other = sighted(span(answered(), of="b", service="kitchen"))
    assert len(calls_of(one + other)) == 2


def test_a_call_right_inside_a_call_is_the_same_call() -> None:
    inner = span(answered(), scope=NATIVE, own="in", parent="out", start=5, took=50)
    outer = span(chat(), scope=OPENINFERENCE, own="out", took=60)
    for batches in ([[inner], [outer]], [[outer], [inner]], [[inner, outer]]):
        (call,) = calls_of(*(sighted(*batch) for batch in batches))
        assert (call.span_id, call.facts.response_id) == (span_id("out"), "msg_1")


def test_two_calls_of_one_emitter_inside_another_are_two_calls() -> None:
    outer = span(answered(1), scope="litellm", own="out", took=100)
    first = span(answered(1), scope=OPENLLMETRY, own="a", parent="out", took=20)
    second = span(answered(2), scope=OPENLLMETRY, own="b", parent="out", start=30, took=20)
    assert len(calls_of(sighted(outer, first, second))) == 2
    assert len(calls_of(sighted(second), sighted(first), sighted(outer))) == 2


def test_a_try_that_failed_before_the_answer_is_a_call_of_its_own() -> None:
    outer = span(answered(), scope="litellm", own="out", took=100)
    failed = span(chat(error__type="RateLimitError"), scope=OPENLLMETRY, own="a", parent="out", took=20, status=2)
    good = span(answered(), scope=OPENLLMETRY, own="b", parent="out", start=30, took=20)
    for batches in ([[outer, failed, good]], [[failed], [good], [outer]], [[good], [outer], [failed]]):
        calls = calls_of(*(sighted(*batch) for batch in batches))
        assert sorted(call.facts.outcome for call in calls) == [Outcome.ERROR, Outcome.OK]


def test_an_outer_span_that_adds_up_its_calls_does_not_spoil_their_counts() -> None:
    total = chat(gen_ai__usage__input_tokens=300, gen_ai__usage__output_tokens=30, gen_ai__completion="All in all.")
    outer = span(total, own="out", took=100)
    first = span(answered(1), own="a", parent="out", took=20)
    second = span(answered(2), own="b", parent="out", start=30, took=20)
    for batches in ([[outer, first, second]], [[second], [first], [outer]], [[outer], [first], [second], [outer]]):
        calls = calls_of(*(sighted(*batch) for batch in batches))
        assert [call.facts.input_tokens for call in calls] == [100, 100]


def test_an_attempt_under_the_call_that_answered_stays_a_call() -> None:
    attempt = span(
        {"gen_ai.system": "openai", "gen_ai.request.model": "gpt-4.1-mini", "pydantic_ai.model_request.attempt": 0},
        scope="pydantic-ai",
        name="model request attempt gpt-4.1-mini",
        own="try",
        parent="chat",
        status=2,
        message="ModelTimeoutError: Request timed out.",
    )
    final = span(answered(), scope="pydantic-ai", own="chat")
    calls = calls_of(sighted(attempt, final))
    assert {call.kind for call in calls} == {Kind.ATTEMPT, Kind.CALL}


def test_failed_spans_beside_each_other_of_two_emitters_are_one_call() -> None:
    inner = span(chat(error__type="overloaded_error"), scope=NATIVE, own="n", parent="app", start=2, took=20, status=2)
    outer = span(chat(error__type="OverloadedError"), scope=OPENLLMETRY, own="o", parent="app", took=25, status=2)
    for batches in ([[inner], [outer]], [[outer], [inner]]):
        (call,) = calls_of(*(sighted(*batch) for batch in batches))
        assert call.facts.error_class is ErrorClass.OVERLOADED


def test_equal_calls_of_one_emitter_at_the_same_time_are_several() -> None:
    calls = calls_of(sighted(*(span(chat(), own=f"s{n}", parent="app") for n in range(3))))
    assert len(calls) == 3


@pytest.mark.parametrize("native_first", [True, False])
def test_a_failure_that_the_sdk_reports_in_a_trace_of_its_own_is_one_call(native_first: bool) -> None:
    native = sighted(
        span(chat(error__type="overloaded_error"), scope=NATIVE, of="n", own="n", start=900, took=20_000, status=2)
    )
    outer = sighted(
        span(chat(error__type="OverloadedError"), scope=OPENLLMETRY, of="o", own="o", took=24_000, status=2)
    )
    batches = [native, outer] if native_first else [outer, native]
    (call,) = calls_of(*batches)
    assert call.trace_id == trace("o")


def test_ten_failures_at_once_told_by_two_emitters_are_ten_calls() -> None:
    sightings = []
    for n in range(10):
        told = {"took": 20_000, "status": 2}
        outer = chat(error__type="OverloadedError")
        inner = chat(error__type="overloaded_error")
        sightings += sighted(span(outer, scope=OPENLLMETRY, of=f"o{n}", own=f"o{n}", start=n * 100, **told))
        sightings += sighted(span(inner, scope=NATIVE, of=f"n{n}", own=f"n{n}", start=n * 100 + 50, **told))
    Random(7).shuffle(sightings)
    assert len(calls_of(*([one] for one in sightings))) == 10


def test_an_answer_without_an_id_is_found_by_its_counts_and_time() -> None:
    hidden = span(
        {
            "openinference.span.kind": "LLM",
            "llm.provider": "anthropic",
            "llm.request.model_name": "claude-haiku-4-5",
            "llm.token_count.prompt": 100,
            "llm.token_count.completion": 10,
        },
        scope=OPENINFERENCE,
        of="o",
        own="o",
        took=24_000,
    )
    native = span(answered(), scope=NATIVE, of="n", own="n", start=900, took=20_000)
    for batches in ([[hidden], [native]], [[native], [hidden]]):
        (call,) = calls_of(*(sighted(*batch) for batch in batches))
        assert call.facts.response_id == "msg_1"


def test_meeting_points_are_given_up_once_both_have_met() -> None:
    native = span(answered(), scope=NATIVE, of="n", own="n", start=900, took=20_000)
    outer = span(answered(), scope=OPENLLMETRY, of="o", own="o", took=24_000)
    changes = merge(sighted(native, outer), Known(), lambda _: 1, received_us=RECEIVED_US)
    assert [one.trace_id for one in changes.spans] == [trace("n")]


def test_the_second_span_of_a_stream_is_found_in_another_trace() -> None:
    first = span(
        {"request_data": "{}", "gen_ai.system": "openai", "gen_ai.request.model": "m", "gen_ai.input.messages": "hi"},
        scope="logfire.openai",
        of="a",
        own="a",
        took=3_000,
    )
    second = span(
        {
            "request_data": "{}",
            "duration": 0.08,
            "gen_ai.system": "openai",
            "gen_ai.request.model": "m",
            "gen_ai.input.messages": "hi",
            "gen_ai.output.messages": "hello",
            "gen_ai.usage.output_tokens": 3,
        },
        scope="logfire.openai",
        name="streaming response from 'm' took 0.08s",
        of="b",
        own="b",
        start=83_500,
        took=0,
    )
    for batches in ([[first], [second]], [[second], [first]], [[first, second]]):
        (call,) = calls_of(*(sighted(*batch) for batch in batches))
        assert (call.facts.output, call.facts.output_tokens) == ("hello", 3)
        assert call.facts.duration_us == 83_500


def test_a_part_alone_is_no_call() -> None:
    assert calls_of(sighted(record("gen_ai.user.message", {"content": "hi"}))) == []


def test_records_under_a_span_that_is_no_call_are_let_go() -> None:
    agent = span({"gen_ai.operation.name": "invoke_agent"})
    talk = record("gen_ai.user.message", {"content": "hi"})
    assert calls_of(sighted(talk), sighted(agent), sighted(talk)) == []


def test_a_late_id_unites_two_calls_and_the_earlier_one_stays() -> None:
    first = sighted(span(chat(), own="a", of="x"))
    second = sighted(span(answered(), own="b", of="y", start=500, scope=NATIVE))
    late = sighted(span(answered(), own="a", of="x"))
    known = played([first, second])
    ids = sorted(known.calls)
    changes = merge(late, known, lambda _: 1, received_us=RECEIVED_US)
    assert [call.id for call in changes.removed] == [ids[1]]
    keep(known, changes)
    assert list(known.calls) == [ids[0]]
    again = merge(second, known, lambda _: 1, received_us=RECEIVED_US)
    assert (again.added, again.changed, again.removed) == ([], [], [])


@pytest.mark.parametrize("start", [-START_US, 30 * 86_400_000_000])
def test_a_start_that_cannot_be_is_the_arrival_and_stays_it(start: int) -> None:
    sightings = sighted(span(answered(), start=start))
    known = played([sightings])
    (call,) = known.calls.values()
    assert call.facts.start_us == RECEIVED_US
    again = merge(sightings, known, lambda _: 1, received_us=RECEIVED_US + 60_000_000)
    assert (again.added, again.changed) == ([], [])


def test_a_wrapper_that_comes_late_still_tells_what_its_calls_were_for() -> None:
    call = span(
        {"ai.operationId": "ai.generateText.doGenerate", "ai.model.id": "m", "ai.response.text": "{"}, parent="w"
    )
    around = span(
        {"ai.operationId": "ai.generateText", "ai.schema": '{"type":"object"}', "ai.telemetry.metadata.userId": "u"},
        own="w",
    )
    for batches in ([[call], [around]], [[around], [call]]):
        (found,) = calls_of(*(sighted(*batch) for batch in batches))
        assert (found.facts.error_class, found.facts.user) == (ErrorClass.MALFORMED_OUTPUT, "u")


# any order, any batches


def scenarios() -> dict[str, list[Sighting]]:
    """Sightings of every recorded scenario."""
    found: dict[str, list[Sighting]] = {}
    for folder in sorted(path for path in FIXTURES.iterdir() if path.is_dir()):
        for entry in json.loads((folder / "index.json").read_bytes()):
            for request in entry["requests"]:
                body = (folder / request["file"]).read_bytes()
                decode = decode_logs if "/logs" in request["path"] else decode_traces
                sightings = MAPPER.map(decode(body, True), system=None).sightings
                found.setdefault(f"{folder.name}/{entry['scenario']}", []).extend(sightings)
    return {name: sightings for name, sightings in found.items() if len(sightings) > 1}


SCENARIOS = scenarios()


def as_told(known: Known) -> list[tuple[Any, ...]]:
    """Calls without their ids."""

    def telling(call: StoredCall) -> tuple[Any, ...]:
        return (call.trace_id, call.span_id, call.parent_span_id, call.kind, call.facts)

    return sorted(map(telling, known.calls.values()), key=lambda one: one[:2])


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(SCENARIOS)), st.randoms(use_true_random=False))
def test_recorded_scenarios_give_the_same_calls_in_any_order_and_any_batches(name: str, random: Random) -> None:
    sightings = SCENARIOS[name]
    received_us = max(one.facts.start_us for one in sightings) + 60_000_000
    shuffled = random.sample(sightings, len(sightings)) + random.sample(sightings, 1)
    batches = []
    while shuffled:
        size = random.randint(1, len(shuffled))
        batches.append(shuffled[:size])
        shuffled = shuffled[size:]
    assert as_told(played(batches, received_us)) == as_told(played([sightings], received_us))
