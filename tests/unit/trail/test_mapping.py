"""Spans and records as the conventions and the emitters' documents write them, and the facts that are read."""

import json
from typing import Any

import pytest

from bot.trail.calls import ErrorClass, Kind, Outcome
from tests.unit.trail.spans_for_tests import calls_of, facts_of, mapped, record, span

ASKED = [{"role": "user", "parts": [{"type": "text", "content": "Is it open?"}]}]
ANSWERED = [{"role": "assistant", "parts": [{"type": "text", "content": "Until six."}], "finish_reason": "stop"}]
LATEST = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4.1-mini",
    "gen_ai.response.model": "gpt-4.1-mini-2025-04-14",
    "gen_ai.response.id": "chatcmpl-1",
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.usage.input_tokens": 100,
    "gen_ai.usage.cache_read.input_tokens": 40,
    "gen_ai.usage.cache_write.input_tokens": 8,
    "gen_ai.usage.output_tokens": 10,
    "gen_ai.usage.reasoning.output_tokens": 4,
    "gen_ai.response.time_to_first_chunk": 0.25,
    "gen_ai.conversation.id": "conv-1",
    "gen_ai.prompt.name": "opening-hours",
    "gen_ai.prompt.version": "7",
    "gen_ai.system_instructions": [{"type": "text", "content": "Be brief."}],
    "gen_ai.input.messages": ASKED,
    "gen_ai.output.messages": ANSWERED,
}


def test_the_latest_conventions_with_structured_content_tell_everything() -> None:
    facts = facts_of(span(LATEST))
    assert facts.system == "shop"
    assert (facts.provider, facts.model_asked, facts.model_answered) == (
        "openai",
        "gpt-4.1-mini",
        "gpt-4.1-mini-2025-04-14",
    )
    assert (facts.input_tokens, facts.cached_tokens, facts.cache_write_tokens) == (100, 40, 8)
    assert (facts.output_tokens, facts.reasoning_tokens, facts.cached_split_told) == (10, 4, True)
    assert (facts.response_id, facts.finish_reason, facts.conversation_id) == ("chatcmpl-1", "stop", "conv-1")
    assert (facts.prompt_name, facts.prompt_version) == ("opening-hours", "7")
    assert (facts.stream, facts.first_token_us, facts.duration_us) == (True, 250_000, 1_000_000)
    assert json.loads(facts.input or "") == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Is it open?"},
    ]
    assert facts.output == "Until six."


def test_content_as_json_text_is_the_same_as_structured_content() -> None:
    texts = {name: json.dumps(value) if isinstance(value, list) else value for name, value in LATEST.items()}
    assert facts_of(span(texts)) == facts_of(span(LATEST))


def test_the_first_names_of_the_conventions_are_still_understood() -> None:
    facts = facts_of(
        span(
            {
                "gen_ai.system": "OpenAI",
                "gen_ai.request.model": "gpt-4o",
                "gen_ai.usage.prompt_tokens": "100",
                "gen_ai.usage.completion_tokens": 10.0,
                "gen_ai.response.finish_reason": "length",
            }
        )
    )
    assert (facts.provider, facts.input_tokens, facts.output_tokens) == ("openai", 100, 10)
    assert (facts.error_class, facts.outcome) == (ErrorClass.TRUNCATED, Outcome.OK)
    assert facts.cached_split_told is False


@pytest.mark.parametrize(
    ("value", "count"),
    [(-5, None), (10**15, None), ("many", None), (True, None), ([100], 100), ("100", 100), (3e9, 2**31 - 1)],
)
def test_counts_of_any_type_are_read_and_impossible_ones_left_out(value: Any, count: int | None) -> None:
    attributes = {"gen_ai.request.model": "m", "gen_ai.usage.input_tokens": value, "gen_ai.usage.output_tokens": 1}
    assert facts_of(span(attributes)).input_tokens == count


def test_zeros_of_a_failed_call_are_no_counts() -> None:
    attributes = {"gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 0, "gen_ai.usage.output_tokens": 0}
    facts = facts_of(span(attributes, status=2, message="Request timed out."))
    assert (facts.input_tokens, facts.error_class) == (None, ErrorClass.TIMEOUT)


def test_input_that_was_told_without_its_cached_part_is_put_right() -> None:
    attributes = {
        "gen_ai.request.model": "claude-haiku-4-5",
        "gen_ai.usage.input_tokens": 118,
        "gen_ai.usage.cache_read.input_tokens": 1024,
        "gen_ai.usage.cache_creation.input_tokens": 32,
        "gen_ai.usage.output_tokens": 9,
    }
    assert facts_of(span(attributes)).input_tokens == 1174


def test_spans_around_calls_and_of_tools_are_no_calls() -> None:
    around = {"gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 9}
    tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "look"}
    found = mapped(span(around, own="a"), span(tool, own="b"), span({"http.request.method": "GET"}, own="c"))
    assert [one.kind for one in found.sightings] == [Kind.WRAPPER]
    assert found.unknown == {"house.made": 1}


def test_unknown_operations_that_name_a_model_are_spans_around_calls() -> None:
    found = mapped(span({"gen_ai.operation.name": "plan", "gen_ai.request.model": "m"}))
    assert [one.kind for one in found.sightings] == [Kind.WRAPPER]


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ({"error.type": "openai.RateLimitError"}, ErrorClass.RATE_LIMIT),
        ({"error.type": "timeout"}, ErrorClass.TIMEOUT),
        ({"error.type": "500"}, ErrorClass.SERVER),
        ({"http.response.status_code": 404}, ErrorClass.MODEL_GONE),
        ({"error.type": "_OTHER", "http.response.status_code": 529}, ErrorClass.OVERLOADED),
        ({"error.type": "InternalServerError", "error.message": "Error code: 503 - busy"}, ErrorClass.OVERLOADED),
    ],
)
def test_failures_are_told_by_attributes(told: dict[str, Any], kind: ErrorClass) -> None:
    facts = facts_of(span({"gen_ai.request.model": "m", **told}, status=2))
    assert (facts.outcome, facts.error_class) == (Outcome.ERROR, kind)


def test_failures_are_told_by_exception_events() -> None:
    event = ("exception", 5, {"exception.type": "anthropic.APITimeoutError", "exception.message": "timed out"})
    facts = facts_of(span({"gen_ai.request.model": "m"}, status=2, events=[event]))
    assert (facts.error_class, facts.error_type) == (ErrorClass.TIMEOUT, "anthropic.APITimeoutError")


def test_an_exception_on_the_way_to_an_answer_is_no_failure() -> None:
    event = ("exception", 5, {"exception.type": "openai.RateLimitError", "exception.message": "429"})
    assert facts_of(span(LATEST, events=[event])).outcome is Outcome.OK


def test_a_caller_that_gave_up_is_no_failure_of_the_provider() -> None:
    facts = facts_of(span({"gen_ai.request.model": "m", "error.type": "asyncio.CancelledError"}, status=2))
    assert (facts.outcome, facts.error_class) == (Outcome.OK, None)


def test_records_one_a_message_belong_to_their_span_and_may_come_first() -> None:
    records = mapped(
        record("gen_ai.system.message", {"content": "Be brief."}, after=1),
        record("gen_ai.user.message", {"content": "Is it open?"}, after=2),
        record("gen_ai.choice", {"index": 0, "finish_reason": "stop", "message": {"content": "Until six."}}, after=9),
    ).sightings
    spans = mapped(span({"gen_ai.system": "openai", "gen_ai.request.model": "gpt-4o"})).sightings
    for batches in ([records, spans], [spans, records], [records + spans]):
        (call,) = calls_of(*batches)
        assert call.facts.model_asked == "gpt-4o"
        assert json.loads(call.facts.input or "")[1] == {"role": "user", "content": "Is it open?"}
        assert (call.facts.output, call.facts.finish_reason) == ("Until six.", "stop")


def test_the_record_of_an_operation_is_a_call_even_without_its_span() -> None:
    event = "gen_ai.client.inference.operation.details"
    told = {name.replace(".", "__"): value for name, value in LATEST.items()}
    facts = facts_of(record(event, own="", **told))
    assert (facts.input_tokens, facts.output) == (100, "Until six.")


def test_events_of_a_span_may_hold_its_content() -> None:
    facts = facts_of(
        span(
            {"gen_ai.system": "az.ai.inference", "gen_ai.request.model": "m"},
            events=[
                ("gen_ai.user.message", 1, {"gen_ai.event.content": '{"role":"user","content":"Is it open?"}'}),
                ("gen_ai.choice", 9, {"gen_ai.event.content": '{"message":{"content":"Until six."}}'}),
            ],
        )
    )
    assert (facts.provider, facts.output) == ("azure.ai.inference", "Until six.")
    assert "Is it open?" in (facts.input or "")


def test_messages_that_are_spread_over_attributes_are_put_together() -> None:
    facts = facts_of(
        span(
            {
                "llm.request.type": "chat",
                "gen_ai.system": "Anthropic",
                "gen_ai.request.model": "claude-haiku-4-5",
                "gen_ai.prompt.0.role": "system",
                "gen_ai.prompt.0.content": "Be brief.",
                "gen_ai.prompt.1.role": "user",
                "gen_ai.prompt.1.content": '[{"type":"text","text":"Is it open?"}]',
                "gen_ai.completion.0.role": "assistant",
                "gen_ai.completion.0.finish_reason": "tool_use",
                "gen_ai.completion.0.tool_calls.0.id": "c1",
                "gen_ai.completion.0.tool_calls.0.name": "hours",
                "gen_ai.completion.0.tool_calls.0.arguments": '{"day":"today"}',
            },
            scope="opentelemetry.instrumentation.anthropic",
        )
    )
    assert json.loads(facts.input or "")[1] == {"role": "user", "content": "Is it open?"}
    assert json.loads(facts.output or "") == [{"name": "hours", "id": "c1", "arguments": {"day": "today"}}]
    assert (facts.emitter, facts.finish_reason) == ("openllmetry", "tool_use")


def test_openinference_is_known_under_any_scope_and_hides_ids_in_its_documents() -> None:
    facts = facts_of(
        span(
            {
                "openinference.span.kind": "LLM",
                "llm.system": "openai",
                "llm.model_name": "gpt-4.1-mini-2025-04-14",
                "llm.invocation_parameters": '{"model": "gpt-4.1-mini", "response_format": {"type": "json_object"}}',
                "llm.token_count.prompt": 64,
                "llm.token_count.completion": 5,
                "llm.token_count.prompt_details.cache_read": 0,
                "input.value": '{"messages": [{"role": "user", "content": "As JSON."}]}',
                "output.value": '{"id": "chatcmpl-9", "choices": [{"finish_reason": "stop"}]}',
                "llm.input_messages.0.message.role": "user",
                "llm.input_messages.0.message.contents.0.message_content.type": "text",
                "llm.input_messages.0.message.contents.0.message_content.text": "As JSON.",
                "llm.output_messages.0.message.role": "assistant",
                "llm.output_messages.0.message.content": '{"open": tru',
                "session.id": "s-1",
                "user.id": "u-1",
            },
            scope="our.own.tracer",
        )
    )
    assert (facts.emitter, facts.model_asked, facts.response_id) == ("openinference", "gpt-4.1-mini", "chatcmpl-9")
    assert (facts.finish_reason, facts.error_class) == ("stop", ErrorClass.MALFORMED_OUTPUT)
    assert (facts.conversation_id, facts.user) == ("s-1", "u-1")
    assert json.loads(facts.input or "") == [{"role": "user", "content": "As JSON."}]


def test_hidden_content_is_none() -> None:
    facts = facts_of(
        span(
            {
                "openinference.span.kind": "LLM",
                "llm.model_name": "m",
                "input.value": "__REDACTED__",
                "output.value": "__REDACTED__",
                "llm.input_messages.0.message.content": "__REDACTED__",
            }
        )
    )
    assert (facts.input, facts.output) == (None, None)


def test_embeddings_have_no_answer() -> None:
    facts = facts_of(
        span(
            {
                "openinference.span.kind": "EMBEDDING",
                "embedding.model_name": "text-embedding-3-small",
                "embedding.embeddings.0.embedding.text": "first",
                "embedding.embeddings.0.embedding.vector": [0.1, 0.2],
                "llm.token_count.prompt": 4,
                "output.value": '{"data": [{"embedding": [0.1]}]}',
            }
        )
    )
    assert (facts.operation, facts.input_tokens, facts.output) == ("embeddings", 4, None)
    assert json.loads(facts.input or "") == [{"role": "user", "content": "first"}]


def test_dropped_attributes_are_told() -> None:
    assert facts_of(span(LATEST, dropped=55)).truncated is True


def test_what_the_application_says_is_understood_on_any_span() -> None:
    said = {"badday.feature": "hours", "badday.route": "chat", "enduser.id": "u-9", "app.fallback.kind": "cached"}
    facts = facts_of(span({**LATEST, **said}))
    assert (facts.feature, facts.route, facts.user) == ("hours", "chat", "u-9")
    assert facts.extra["app.fallback.kind"] == "cached"


def test_an_exception_that_stands_only_in_a_message_is_found_there() -> None:
    llm = {"langsmith.span.kind": "llm", "gen_ai.request.model": "gpt-4.1-mini", "gen_ai.completion": '{"output":null}'}
    said = {"exception.type": "Exception", "exception.message": "APITimeoutError('Request timed out.')\n\nTraceback …"}
    failed = facts_of(span(llm, scope="langsmith", status=1, events=[("exception", 1, said)]))
    assert (failed.outcome, failed.error_type) == ("error", "APITimeoutError")
    left = {**said, "exception.message": "GeneratorExit()\n\nTraceback …"}
    assert facts_of(span(llm, scope="langsmith", status=2, events=[("exception", 1, left)])).outcome == "ok"


def test_the_application_names_the_provider_behind_another_companys_sdk() -> None:
    told = facts_of(span({**LATEST, "badday.provider": "Northwind"}))
    assert told.provider == "northwind"
    assert told.input_tokens == facts_of(span(LATEST)).input_tokens


@pytest.mark.parametrize(
    ("model", "provider"),
    [("gpt-4.1-mini", "openai"), ("o4-mini", "openai"), ("claude-haiku-4-5", "anthropic"), ("house-model", None)],
)
def test_where_nobody_tells_the_provider_the_models_maker_is_taken(model: str, provider: str | None) -> None:
    generation = {"langfuse.observation.type": "generation", "langfuse.observation.model.name": model}
    assert facts_of(span(generation, scope="langfuse-sdk")).provider == provider


def test_what_a_root_span_of_the_application_says_is_true_of_the_calls_in_it() -> None:
    root = span({"badday.feature": "hours", "user.id": "u-9"}, own="root", scope="our.app")
    hidden = span({"http.route": "/ask"}, own="middle", parent="root", scope="our.app")
    found = mapped(span(LATEST, own="call", parent="middle"), hidden, root).sightings
    (call,) = calls_of(found)
    assert (call.facts.feature, call.facts.user) == ("hours", "u-9")


def test_the_system_is_the_tokens_else_the_services_else_unknown() -> None:
    assert mapped(span(LATEST), system="teashop").sightings[0].facts.system == "teashop"
    assert mapped(span(LATEST, service="")).sightings[0].facts.system == "unknown"


def test_odd_times_are_taken_as_they_are_or_not_at_all() -> None:
    assert facts_of(span(LATEST, took=-5)).duration_us is None


def test_only_the_names_of_the_span_and_its_scope_may_tell_who_was_asked() -> None:
    facts = facts_of(
        span(
            {"gen_ai.operation.name": "chat"},
            name="chat mistral-small",
            scope="opentelemetry.instrumentation.mistralai",
        )
    )
    assert (facts.model_asked, facts.provider) == ("mistral-small", "mistral_ai")


def test_text_that_is_json_but_no_message_is_the_answer() -> None:
    told = {"gen_ai.request.model": "m", "gen_ai.output.type": "json", "gen_ai.completion": '{"content": "x", "n": 1}'}
    facts = facts_of(span(told))
    assert (facts.output, facts.error_class) == ('{"content": "x", "n": 1}', None)


def test_nul_characters_do_not_reach_the_database() -> None:
    told = {"gen_ai.request.model": "m\x00x", "gen_ai.completion": "a\x00b", "gen_ai.prompt": "c\x00d"}
    facts = facts_of(span(told))
    assert "\x00" not in f"{facts.model_asked}{facts.output}{facts.input}"


# emitters that nobody recorded: as their documents and source show them


def test_strands_tells_messages_in_events_and_repeats_its_usage_on_the_agent() -> None:
    usage = {"gen_ai.usage.input_tokens": 30, "gen_ai.usage.output_tokens": 4}
    call = span(
        {"gen_ai.operation.name": "chat", "gen_ai.system": "strands-agents", "gen_ai.request.model": "m", **usage},
        scope="strands.telemetry.tracer",
        own="call",
        parent="loop",
        events=[
            ("gen_ai.user.message", 1, {"content": '[{"text": "Is it open?"}]'}),
            ("gen_ai.choice", 9, {"message": '[{"text": "Until six."}]', "finish_reason": "end_turn"}),
        ],
    )
    loop = span({"gen_ai.operation.name": "execute_event_loop_cycle"}, own="loop", parent="agent")
    agent = span({"gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "m", **usage}, own="agent")
    (found,) = calls_of(mapped(call, loop, agent).sightings)
    assert json.loads(found.facts.input or "") == [{"role": "user", "content": "Is it open?"}]
    assert (found.facts.output, found.facts.finish_reason, found.facts.provider) == ("Until six.", "end_turn", None)


def test_the_agent_development_kit_has_documents_of_its_own() -> None:
    request = {
        "model": "gemini-2.5-flash",
        "config": {"system_instruction": "Be brief."},
        "contents": [{"role": "user", "parts": [{"text": "Is it open?"}]}],
    }
    response = {
        "content": {"role": "model", "parts": [{"text": "Until six."}]},
        "finish_reason": "STOP",
        "usage_metadata": {"prompt_token_count": 12, "candidates_token_count": 3},
    }
    facts = facts_of(
        span(
            {
                "gen_ai.system": "gcp.vertex.agent",
                "gcp.vertex.agent.llm_request": json.dumps(request),
                "gcp.vertex.agent.llm_response": json.dumps(response),
            },
            scope="gcp.vertex.agent",
            name="call_llm",
        )
    )
    assert (facts.model_asked, facts.input_tokens, facts.output_tokens) == ("gemini-2.5-flash", 12, 3)
    assert (facts.output, facts.finish_reason, facts.provider) == ("Until six.", "STOP", "gcp.vertex_ai")
    assert [one["role"] for one in json.loads(facts.input or "")] == ["system", "user"]


def test_gemini_s_choice_records_hold_parts() -> None:
    told = mapped(
        span({"gen_ai.operation.name": "generate_content", "gen_ai.request.model": "gemini-2.5-flash"}),
        record("gen_ai.user.message", {"content": {"role": "user", "parts": [{"text": "Is it open?"}]}}, after=1),
        record("gen_ai.choice", {"content": {"parts": [{"text": "Until six."}]}, "finish_reason": "STOP"}, after=2),
    )
    (call,) = calls_of(told.sightings)
    assert (call.facts.output, call.facts.operation) == ("Until six.", "generate_content")
    assert "Is it open?" in (call.facts.input or "")


def test_old_pydantic_ai_writes_its_events_as_a_list() -> None:
    events = [
        {"event.name": "gen_ai.user.message", "content": "Is it open?", "role": "user"},
        {"event.name": "gen_ai.choice", "index": 0, "message": {"role": "assistant", "content": "Until six."}},
    ]
    facts = facts_of(span({"gen_ai.request.model": "m", "events": json.dumps(events)}, scope="pydantic-ai"))
    assert json.loads(facts.input or "") == [{"role": "user", "content": "Is it open?"}]
    assert facts.output == "Until six."


@pytest.mark.parametrize("operation", ["chat.completions", "chat_completion", "acompletion", "Chat", "rerank"])
def test_names_of_operations_that_others_use_are_calls(operation: str) -> None:
    assert facts_of(span({"gen_ai.operation.name": operation, "gen_ai.request.model": "m"})).model_asked == "m"


def test_an_operation_that_nobody_knew_is_a_call_where_it_has_an_answer() -> None:
    told = {"gen_ai.operation.name": "predict", "gen_ai.request.model": "m"}
    assert mapped(span(told)).sightings[0].kind is Kind.WRAPPER
    assert mapped(span({**told, "gen_ai.response.id": "r"})).sightings[0].kind is Kind.CALL


def test_bedrock_s_tool_use_is_a_tool_call() -> None:
    answer = [{"role": "assistant", "content": [{"toolUse": {"toolUseId": "t1", "name": "hours", "input": {"d": 1}}}]}]
    facts = facts_of(span({"gen_ai.request.model": "m", "gen_ai.output.messages": json.dumps(answer)}))
    assert json.loads(facts.output or "") == [{"name": "hours", "id": "t1", "arguments": {"d": 1}}]
