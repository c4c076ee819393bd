"""Whatever products send is stored or counted, on both engines: no shape of it is a defect of ours."""

import json
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from bot.catalog import Catalog
from bot.store.database import Database
from bot.trail.receiving.defects import DEFECT
from bot.trail.receiving.pipeline import TrailPipeline
from bot.trail.receiving.writer import PathKind, Posted, Receipt
from bot.trail.storing import open_store
from tests.unit.trail.otlp_bodies import add_span, any_value, trace_request

SCOPES = ("", "com.anthropic.sdk.python", "openinference.instrumentation.openai", "litellm", "logfire.openai", "ai")
NAMES = """
gen_ai.input.messages gen_ai.output.messages gen_ai.prompt gen_ai.completion gen_ai.prompt.0.content
gen_ai.system gen_ai.prompt.99999999.content gen_ai.usage.input_tokens gen_ai.usage.output_tokens
gen_ai.usage.cost gen_ai.request.model gen_ai.usage.cache_read.input_tokens gen_ai.response.id
gen_ai.response.finish_reasons gen_ai.conversation.id input.value output.value llm.model_name
llm.token_count.prompt llm.input_messages.0.message.content llm.invocation_parameters mlflow.spanOutputs
mlflow.chat.tokenUsage langfuse.observation.type ai.operationId ai.response.text ai.usage.promptTokens
error.type http.response.status_code user.id session.id metadata operation.cost badday.feature
openinference.span.kind logfire.msg request_data response_data litellm.cost.total gen_ai.output.type
gen_ai.operation.name
"""
KEYS = """
role content parts type text tool_calls function name arguments id choices message usage prompt_tokens
input_tokens output_tokens model messages error finish_reason response total_cost input output cost metadata
details 0 system
"""
TEXTS = (
    *(
        "",
        "x",
        "user",
        "assistant",
        "5",
        "-1",
        "1e999",
        "NaN",
        "true",
        "stop",
        "{",
        "[1",
        "null",
        '"q"',
        "é\u2028\U0001f4a9",
    ),
    *(
        "2026-01-01T00:00:00Z",
        "9" * 30,
        "[TextBlock(text='x')]",
        "{'a': None}",
        "nul \\u0000",
        '{"a": "\\ud83d"}',
        "y" * 3000,
    ),
)
NUMBERS = (0, 1, -1, 5, 2**40, -(2**62), 2**63 - 1, 0.0, -1.5, 1e308, 1e-9, True, False)


class Odd:
    """Makes bodies out of everything that a field must not be."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._names, self._keys = NAMES.split(), KEYS.split()
        self._traces = [self._random.randbytes(16) for _ in range(20)]
        self._spans = [self._random.randbytes(8) for _ in range(30)]

    def json(self, depth: int = 0) -> Any:
        match self._random.randrange(9 if depth < 4 else 6):
            case 0:
                return None
            case 1 | 2:
                return self._random.choice(NUMBERS)
            case 3 | 4 | 5:
                return self._random.choice(TEXTS)
            case 6:
                return [self.json(depth + 1) for _ in range(self._random.randrange(4))]
            case _:
                return {self._random.choice(self._keys): self.json(depth + 1) for _ in range(self._random.randrange(5))}

    def value(self) -> Any:
        value = self.json()
        written = (json.dumps(value), json.dumps(json.dumps(value)), repr(value), value, self._random.randbytes(3))
        return self._random.choice(written)

    def spans(self) -> bytes:
        request = trace_request(self._random.choice([None, "", "shop"]), self._random.choice(SCOPES))
        for _ in range(12):
            start = self._random.choice([time.time_ns(), time.time_ns() - 10**12, 0, 2**63, 10**18])
            attributes = {self._random.choice(self._names): self.value() for _ in range(self._random.randrange(14))}
            add_span(
                request,
                trace_id=self._random.choice(self._traces),
                span_id=self._random.choice(self._spans),
                parent_span_id=self._random.choice([b"", *self._spans]),
                start_time_unix_nano=start,
                end_time_unix_nano=self._random.choice([start + 10**9, 0, 2**63]),
                attributes={"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4.1-mini"} | attributes,
            )
            event = request.resource_spans[0].scope_spans[0].spans[-1].events.add(name="exception")
            event.attributes.add(key="exception.message").value.CopyFrom(any_value(self.value()))
        return request.SerializeToString()

    def records(self) -> bytes:
        """Of LiteLLM."""
        names = (
            "model",
            "messages",
            "response",
            "metadata",
            "startTime",
            "endTime",
            "status",
            "trace_id",
            "id",
            "error_str",
        )
        return orjson.dumps([{name: self.json() for name in names} for _ in range(12)])


@pytest.fixture
def pipeline(db: Database, database_url: str) -> Iterator[TrailPipeline]:
    catalog = Catalog()
    made = TrailPipeline(open_store(database_url), catalog=lambda: catalog, clock=lambda: datetime.now(UTC))
    yield made
    made.close()


@pytest.mark.parametrize("seed", range(4))
async def test_odd_bodies_are_stored_or_counted(pipeline: TrailPipeline, seed: int) -> None:
    odd = Odd(seed)
    for _ in range(8):
        posted = [
            Posted(PathKind.TRACES, False, odd.spans()),
            Posted(PathKind.LITELLM, True, odd.records(), "shop"),
        ]
        readings = [pipeline.read(one) for one in posted]
        outcomes = pipeline.write(readings)
        assert all(isinstance(outcome, Receipt) for outcome in outcomes)
        assert not any(DEFECT in reading.rejected for reading in readings)
