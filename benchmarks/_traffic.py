"""Made-up traffic of an AI product as OTLP bodies: several systems, models and emitters, 2 % errors, 3.3 KB a call."""

import gzip
import itertools
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

SPANS = 512
"""In one body, as SDKs batch them."""
ERRORS = 0.02
PASSAGES = 150
"""Of the documents that questions are asked about: support is about the same things again and again."""
WITH_ADDRESS = 0.1
"""Share of the questions in which somebody writes an e-mail address or a telephone number."""


@dataclass(frozen=True)
class Service:
    """A product that makes calls: through which instrumentation, to which models."""

    name: str
    scope: str
    version: str
    provider: str
    models: tuple[str, ...]
    feature: str


SERVICES = (
    Service(
        "support-bot",
        "opentelemetry.instrumentation.openai.v1",
        "0.62.4",
        "openai",
        ("gpt-4.1-mini", "gpt-4.1", "gpt-4o-mini"),
        "answers",
    ),
    Service(
        "search",
        "opentelemetry.instrumentation.openai.v1",
        "0.62.4",
        "openai",
        ("gpt-4.1-nano", "gpt-4.1"),
        "summaries",
    ),
    Service(
        "writer",
        "opentelemetry.instrumentation.anthropic",
        "0.62.4",
        "anthropic",
        ("claude-sonnet-4-5", "claude-haiku-4-5"),
        "drafts",
    ),
    Service(
        "billing-agent",
        "openinference.instrumentation.openai",
        "0.1.66",
        "openai",
        ("gpt-4.1-mini", "gpt-4o"),
        "refunds",
    ),
)
_ERRORS = (
    ("openai.RateLimitError", "Error code: 429 - rate limit reached for requests"),
    ("openai.APITimeoutError", "Request timed out."),
    ("openai.InternalServerError", "Error code: 500 - the server had an error"),
)
_LETTERS = "etaoinshrdlucmfwypvbgk"


class Traffic:
    """The same seed gives the same traffic."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self._words = ["".join(self._random.choices(_LETTERS, k=self._random.randint(2, 9))) for _ in range(3_000)]
        self._weights = list(itertools.accumulate(1 / (rank + 3) for rank in range(len(self._words))))
        self._prompts = {service.name: self.text(900) for service in SERVICES}
        self._passages = [self.text(450) for _ in range(PASSAGES)]

    def text(self, length: int) -> str:
        """Sentences of about so many characters, with words as unequally frequent as in a language."""
        words = self._random.choices(self._words, cum_weights=self._weights, k=length // 6)
        for place in range(0, len(words), 11):
            words[place] = words[place].capitalize()
        for place in range(10, len(words), 11):
            words[place] += "."
        return " ".join(words)

    def bodies(self, count: int, *, start_us: int, over_us: int, spans: int = SPANS) -> Iterator[bytes]:
        """OTLP bodies, protobuf, not compressed; their calls are spread over the time in order."""
        step = over_us // max(1, count * spans)
        for number in range(count):
            first = start_us + number * spans * step
            yield self.body([first + place * step for place in range(spans)])

    def body(self, starts_us: Sequence[int]) -> bytes:
        """One body with a call at each of the times."""
        request = ExportTraceServiceRequest()
        placed: dict[str, ScopeSpans] = {}
        for start_us in starts_us:
            service = self._random.choice(SERVICES)
            if service.name not in placed:
                placed[service.name] = _place(request, service)
            self._span(placed[service.name].spans.add(), service, start_us)
        return request.SerializeToString()

    def _span(self, span: Span, service: Service, start_us: int) -> None:
        chance = self._random
        duration_us = int(chance.lognormvariate(13.7, 0.8))
        span.trace_id, span.span_id = chance.randbytes(16), chance.randbytes(8)
        span.parent_span_id = chance.randbytes(8)
        span.kind = Span.SPAN_KIND_CLIENT
        span.start_time_unix_nano = start_us * 1000
        span.end_time_unix_nano = (start_us + duration_us) * 1000
        model = chance.choice(service.models)
        span.name = f"chat {model}"
        asked = [
            {"role": "system", "content": self._prompts[service.name]},
            {"role": "user", "content": self._question()},
        ]
        failed = chance.random() < ERRORS
        answer = None if failed else self.text(chance.randint(300, 1_000))
        tokens = (sum(len(message["content"]) for message in asked) // 4, len(answer or "") // 4)
        write = _openinference if service.scope.startswith("openinference") else _conventions
        told = write(service, model, asked, answer, tokens, response_id=f"resp_{chance.randbytes(12).hex()}")
        told["user.id"] = f"user-{chance.randint(1, 5_000)}"
        if failed:
            kind, message = chance.choice(_ERRORS)
            span.status.code, span.status.message = Status.STATUS_CODE_ERROR, message
            told["error.type"] = kind
        span.attributes.extend(_attributes(told))

    def _question(self) -> str:
        """Two retrieved passages and what the user wrote."""
        chance = self._random
        written = self.text(chance.randint(100, 1_500))
        if chance.random() < WITH_ADDRESS:
            written += chance.choice((" Write to dana.klein@example.org please.", " My number is +49 30 5550 1234."))
        return "\n\n".join([*chance.sample(self._passages, 2), written])


def compressed(body: bytes) -> bytes:
    """As exporters send it."""
    return gzip.compress(body, 6)


def _place(request: ExportTraceServiceRequest, service: Service) -> ScopeSpans:
    resource: ResourceSpans = request.resource_spans.add()
    resource.resource.attributes.extend(
        _attributes(
            {
                "service.name": service.name,
                "service.version": "1.4.2",
                "deployment.environment.name": "production",
                "telemetry.sdk.language": "python",
            }
        )
    )
    scope = resource.scope_spans.add()
    scope.scope.name, scope.scope.version = service.scope, service.version
    return scope


Told = dict[str, str | int | bool]
Asked = list[dict[str, str]]


def _conventions(
    service: Service, model: str, asked: Asked, answer: str | None, tokens: tuple[int, int], response_id: str
) -> Told:
    """As OpenLLMetry writes it."""
    told: Told = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": service.provider,
        "gen_ai.request.model": model,
        "gen_ai.request.temperature": "0.2",
        "gen_ai.prompt.version": "v7",
        "traceloop.association.properties.feature": service.feature,
        "gen_ai.input.messages": json.dumps(
            [{"role": one["role"], "parts": [{"type": "text", "content": one["content"]}]} for one in asked]
        ),
    }
    if answer is not None:
        output = {"role": "assistant", "parts": [{"type": "text", "content": answer}], "finish_reason": "stop"}
        told |= {
            "gen_ai.response.model": model,
            "gen_ai.response.id": response_id,
            "gen_ai.usage.input_tokens": tokens[0],
            "gen_ai.usage.output_tokens": tokens[1],
            "gen_ai.output.messages": json.dumps([output]),
        }
    return told


def _openinference(
    service: Service, model: str, asked: Asked, answer: str | None, tokens: tuple[int, int], response_id: str
) -> Told:
    """As OpenInference writes it: messages as numbered attributes, the response id inside the output."""
    told: Told = {
        "openinference.span.kind": "LLM",
        "llm.system": service.provider,
        "llm.model_name": model,
        "llm.invocation_parameters": json.dumps({"model": model, "temperature": 0.2}),
    }
    for number, one in enumerate(asked):
        told[f"llm.input_messages.{number}.message.role"] = one["role"]
        told[f"llm.input_messages.{number}.message.content"] = one["content"]
    if answer is not None:
        told |= {
            "llm.output_messages.0.message.role": "assistant",
            "llm.output_messages.0.message.content": answer,
            "llm.token_count.prompt": tokens[0],
            "llm.token_count.completion": tokens[1],
            "output.mime_type": "application/json",
            "output.value": json.dumps({"id": response_id, "model": model, "object": "chat.completion"}),
        }
    return told


def _attributes(told: Told) -> Iterator[KeyValue]:
    for name, value in told.items():
        attribute = KeyValue(key=name)
        if isinstance(value, str):
            attribute.value.string_value = value
        elif isinstance(value, bool):
            attribute.value.bool_value = value
        else:
            attribute.value.int_value = value
        yield attribute
