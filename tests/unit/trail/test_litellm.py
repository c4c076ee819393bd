"""LiteLLM's own records as calls."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.trail.calls import ErrorClass, Outcome
from bot.trail.mapping.litellm import sightings
from tests.unit.trail.spans_for_tests import calls_of

START = 1_795_440_000.25
GOOD: dict[str, Any] = {
    "id": "chatcmpl-1",
    "litellm_call_id": "call-1",
    "trace_id": "77ae1c0f-365f-4644-b6a1-71705d45d28d",
    "call_type": "acompletion",
    "status": "success",
    "custom_llm_provider": "openai",
    "model": "openai/gpt-4.1-mini",
    "model_group": "primary",
    "stream": True,
    "startTime": START,
    "endTime": START + 2,
    "completionStartTime": START + 0.5,
    "response_cost": 0.0001116,
    "prompt_tokens": 147,
    "completion_tokens": 45,
    "messages": [{"role": "user", "content": "Is it open?"}],
    "end_user": "u-1",
    "metadata": {"user_api_key_alias": "support-bot"},
    "response": {
        "id": "chatcmpl-1",
        "model": "gpt-4.1-mini-2025-04-14",
        "choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": "Until six."}}],
        "usage": {"prompt_tokens": 147, "completion_tokens": 45, "prompt_tokens_details": {"cached_tokens": 64}},
    },
}
FAILED = {
    **GOOD,
    "id": "call-2",
    "litellm_call_id": "call-2",
    "status": "failure",
    "response": {},
    "response_cost": 0.0,
    "prompt_tokens": 0,
    "completion_tokens": 0,
    "error_str": "litellm.Timeout: Request timed out.",
    "error_information": {"error_code": "408", "error_class": "Timeout", "error_message": "Request timed out."},
}


def test_a_record_tells_a_whole_call() -> None:
    (call,) = calls_of(sightings([GOOD], system=None).sightings)
    facts = call.facts
    assert (facts.system, facts.emitter, facts.operation) == ("support-bot", "litellm-generic", "chat")
    assert (facts.provider, facts.model_asked, facts.model_answered) == (
        "openai",
        "gpt-4.1-mini",
        "gpt-4.1-mini-2025-04-14",
    )
    assert (facts.input_tokens, facts.cached_tokens, facts.output_tokens) == (147, 64, 45)
    assert (facts.output, facts.finish_reason, facts.emitter_cost_nano) == ("Until six.", "stop", 111_600)
    assert (facts.start_us, facts.duration_us, facts.first_token_us) == (1_795_440_000_250_000, 2_000_000, 500_000)
    assert (facts.response_id, facts.user, facts.extra["model_group"]) == ("chatcmpl-1", "u-1", "primary")


def test_attempts_of_one_router_call_share_their_trace_and_stay_calls() -> None:
    calls = calls_of(sightings([FAILED, GOOD], system="shop").sightings)
    assert len({call.trace_id for call in calls}) == 1
    assert {call.facts.group_key for call in calls} == {GOOD["trace_id"]}
    failed = next(call.facts for call in calls if call.facts.outcome is Outcome.ERROR)
    assert (failed.error_class, failed.http_status, failed.response_id) == (ErrorClass.TIMEOUT, 408, None)
    assert (failed.input_tokens, failed.emitter_cost_nano) == (None, None)


def test_the_same_record_twice_is_one_call() -> None:
    assert len(calls_of(sightings([GOOD], system="shop").sightings, sightings([GOOD], system="shop").sightings)) == 1


def test_dates_as_text_are_understood() -> None:
    record = {**GOOD, "startTime": "2026-11-23T14:25:45.5Z", "endTime": "2026-11-23 14:25:46.500000"}
    (call,) = calls_of(sightings([record], system="shop").sightings)
    assert call.facts.duration_us == 1_000_000


def test_what_is_no_record_is_refused_alone() -> None:
    found = sightings([GOOD, 7, {"hello": "world"}], system="shop")
    assert (len(found.sightings), sum(found.rejected.values())) == (1, 2)


junk = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)
)
values = junk | st.dictionaries(st.sampled_from(["usage", "choices", "id", "message", "error_code"]), junk, max_size=3)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from([*sorted(GOOD), "error_information", "model_parameters"]), values, max_size=9))
def test_no_record_makes_it_fail(record: dict[str, Any]) -> None:
    sightings([{**GOOD, **record}, record], system=None)
