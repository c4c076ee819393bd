"""Vocabularies: data with a schema, from which an emitter is known and read; a new one needs no code."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.trail.mapping.mapper import Mapper
from bot.trail.mapping.vocabulary import Vocabularies, compile_vocabularies, load_vocabularies, read_vocabulary
from bot.trail.spans import Decoded
from tests.unit.trail.spans_for_tests import facts_of, mapped, record, span

GENERAL = "name: opentelemetry-genai\nabout: x\nkinds: [{kind: call, any: [gen_ai.request.model]}]\n"
APPLICATION = "name: application\nabout: x\nfields: {feature: [badday.feature]}\n"
NEW = """
name: teapot-trace
about: An emitter that nobody knew yesterday.
versions: "3"
scopes: [teapot.*]
markers: [teapot.kind]
cached_told: true
kinds:
  - {kind: call, attribute: teapot.kind, in: [brew, "re*"]}
  - {kind: ignored, attribute: teapot.kind, in: [rinse]}
  - {kind: wrapper, attribute: teapot.kind}
fields:
  model_asked: [teapot.leaf]
  finish_reason: [teapot.end]
  input: [teapot.asked]
  cost: [teapot.dollars]
numbered:
  output: [teapot.cup.]
documents:
  - attribute: teapot.raw
    fields:
      response_id: [cups.0.id, id]
      usage: [spent]
first_token_events: [first drop]
values:
  finish_reason: {spilt: length}
"""


def with_new() -> Vocabularies:
    return compile_vocabularies(read_vocabulary(text) for text in (GENERAL, APPLICATION, NEW))


def read(attributes: dict[str, Any], **more: Any) -> Any:
    found = Mapper(with_new()).map(Decoded(spans=[span(attributes, **more)]), system=None)
    return found.sightings[0].facts if found.sightings else None


def test_a_new_emitter_is_a_new_file_and_nothing_else() -> None:
    facts = read(
        {
            "teapot.kind": "brew",
            "teapot.leaf": "oolong-2",
            "teapot.end": "spilt",
            "teapot.asked": [{"role": "user", "content": "Tea."}],
            "teapot.dollars": "0.002",
            "teapot.raw": json.dumps({"cups": [{"id": "cup-1"}], "spent": {"input_tokens": 3, "output_tokens": 2}}),
            "teapot.cup.0.role": "assistant",
            "teapot.cup.0.content": "Here.",
            "badday.feature": "tea",
        },
        scope="elsewhere",
        events=[("first drop", 40, {})],
    )
    assert (facts.emitter, facts.model_asked, facts.response_id) == ("teapot-trace", "oolong-2", "cup-1")
    assert (facts.input_tokens, facts.output_tokens, facts.emitter_cost_nano) == (3, 2, 2_000_000)
    assert (facts.output, facts.finish_reason, facts.first_token_us) == ("Here.", "length", 40)
    assert facts.feature == "tea"


@pytest.mark.parametrize(("kind", "count"), [("brew", 1), ("reheat", 1), ("rinse", 0), ("party", 1)])
def test_kinds_are_told_by_the_values_of_an_attribute(kind: str, count: int) -> None:
    found = Mapper(with_new()).map(Decoded(spans=[span({"teapot.kind": kind}, scope="teapot.v3")]), system=None)
    assert len(found.sightings) == count
    assert found.unknown == {}


def test_a_known_scope_without_a_word_of_its_own_is_read_by_the_conventions() -> None:
    assert read({"gen_ai.request.model": "m"}, scope="teapot.v4").emitter == "opentelemetry-genai"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name: x\n", "about"),
        ("name: x\nabout: y\nfieldz: {}\n", "fieldz"),
        ("name: x\nabout: y\nfields: {colour: [a]}\n", "colour"),
        ("name: x\nabout: y\nkinds: [{kind: call, in: [a]}]\n", "attribute"),
        ("name: x\nabout: y\nlevels: {usage: 9}\n", "usage"),
    ],
)
def test_a_file_that_is_wrong_is_refused_by_name(text: str, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        read_vocabulary(text)


def test_extending_what_is_not_there_is_refused() -> None:
    lost = "name: x\nabout: y\nextends: [nothing]\n"
    with pytest.raises(ValueError, match="extends nothing"):
        compile_vocabularies(read_vocabulary(text) for text in (GENERAL, APPLICATION, lost))


def test_the_general_vocabulary_has_to_be_there() -> None:
    with pytest.raises(ValueError, match="opentelemetry-genai is missing"):
        compile_vocabularies([read_vocabulary(APPLICATION)])


def test_every_emitter_that_we_name_has_its_vocabulary() -> None:
    assert load_vocabularies().by_name.keys() >= {
        "opentelemetry-genai",
        "openllmetry",
        "openinference",
        "anthropic-sdk",
        "logfire",
        "litellm",
        "pydantic-ai",
        "vercel-ai",
        "vercel-ai-legacy",
        "langfuse",
        "langsmith",
        "mlflow",
        "openlit",
    }


@pytest.mark.parametrize(
    ("scope", "attributes", "emitter"),
    [
        ("openinference.instrumentation.bedrock", {"openinference.span.kind": "LLM"}, "openinference"),
        ("ai", {"ai.operationId": "ai.streamText.doStream", "ai.model.id": "m"}, "vercel-ai-legacy"),
        ("my-app", {"ai.operationId": "ai.embed.doEmbed", "ai.model.id": "m"}, "vercel-ai-legacy"),
        ("gen_ai", {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}, "vercel-ai"),
        ("ai", {"gen_ai.request.model": "m"}, "opentelemetry-genai"),
        ("Microsoft.Extensions.AI", {"gen_ai.operation.name": "chat"}, "opentelemetry-genai"),
        ("opentelemetry.instrumentation.genai.anthropic", {"gen_ai.operation.name": "chat"}, "opentelemetry-python"),
        ("opentelemetry.instrumentation.groq", {"llm.request.type": "chat"}, "openllmetry"),
        ("x", {"litellm.call_id": "1", "gen_ai.operation.name": "acompletion"}, "litellm"),
    ],
)
def test_emitters_are_known_by_their_scope_or_by_attributes_of_their_own(
    scope: str, attributes: dict[str, Any], emitter: str
) -> None:
    assert facts_of(span(attributes, scope=scope)).emitter == emitter


NAMES = sorted({name for one in load_vocabularies().by_name.values() for name in one.targets})
PREFIXES = sorted({prefix for one in load_vocabularies().by_name.values() for prefix in one.prefixes})
MARKERS = sorted(load_vocabularies().markers)
SCOPES = ["", "ai", "logfire.openai", "litellm", "openinference.x", "langfuse-sdk", "mlflow", "pydantic-ai", NAMES[0]]
plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=4)
nested = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "role",
                    "content",
                    "parts",
                    "text",
                    "type",
                    "message",
                    "choices",
                    "usage",
                    "id",
                    "tool_calls",
                    "kwargs",
                ]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)
values = nested | nested.map(lambda value: json.dumps(value, default=str))
names = st.sampled_from(NAMES + MARKERS) | st.builds(
    lambda prefix, rest: prefix + rest,
    st.sampled_from(PREFIXES),
    st.sampled_from(["0.role", "1.content", "x", "0", "0.a.b"]),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(SCOPES), st.dictionaries(names, values, max_size=10), st.integers(0, 2))
def test_nothing_that_an_emitter_sends_makes_the_mapper_fail(scope: str, told: dict[str, Any], status: int) -> None:
    events = [("exception", 1, told), ("gen_ai.choice", 2, told), ("gen_ai.content.prompt", 3, told)]
    mapped(span(told, scope=scope, status=status, events=events))
    mapped(record("gen_ai.choice", told, scope=scope), record("gen_ai.client.inference.operation.details", told))
