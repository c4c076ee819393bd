"""A program that asks models through the real SDKs, and reports its calls by one of three instrumentations.

`python -m tests.acceptance.instrumented_program EMITTER PROVIDER_URL`; where the calls go is said by OTEL_… variables.
"""

import contextlib
import sys
from collections.abc import Callable
from typing import Any

import anthropic
import openai
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

MODEL, CLAUDE = "gpt-4.1-mini", "claude-haiku-4-5"
TIMEOUT = 0.5
SECRETS = {
    "key": "sk-proj-Zk3vT9qLw2XyBn7RcA5mHd8f",
    "mail": "nina.ortega@example.org",
    "card": "6011 0009 9013 9424",
    "phone": "+49 30 9018 2001",
}
LOOK_UP = {"name": "look_up_order", "description": "An order by its number"}
ARGUMENTS = {"type": "object", "properties": {"order": {"type": "string"}}, "required": ["order"]}

OPENAI: dict[str, dict[str, Any]] = {
    "[cached] Where is my teapot?": {},
    "[cached] Does it ship today?": {"stream": True, "stream_options": {"include_usage": True}},
    "[429] Is it in stock?": {},
    "[503] Is it still in stock?": {},
    "[hang] Is anybody there?": {},
    "[html] Is this a gateway?": {},
    "[tool] Where is order A17?": {"tools": [{"type": "function", "function": {**LOOK_UP, "parameters": ARGUMENTS}}]},
    "[broken] Answer as JSON.": {"response_format": {"type": "json_object"}},
    "[length] Tell me everything.": {},
    "[retry] Do you read me?": {},
    f"[echo] I am {SECRETS['mail']}, {SECRETS['phone']}, card {SECRETS['card']}, key {SECRETS['key']}.": {},
}
"""Question -> what else is asked for."""
RESPONSES: dict[str, dict[str, Any]] = {
    "[cached] Any news of it?": {},
    "[cached] Tell it slowly, please.": {"stream": True},
    "[429] Any other news?": {},
}
ANTHROPIC: dict[str, dict[str, Any]] = {
    "[cached] Do you sell lids?": {},
    "[cached] Is the green one back?": {"stream": True},
    "[529] Do you sell handles?": {},
    "[retry] Any new spouts?": {},
    "[tool] Look up order B4.": {"tools": [{**LOOK_UP, "input_schema": ARGUMENTS}]},
    f"[echo] Charge {SECRETS['card']} and write to {SECRETS['mail']}.": {},
}


def openllmetry() -> None:
    """Both SDKs; the Anthropic SDK tells of its calls a second time."""
    from opentelemetry.instrumentation.anthropic import AnthropicInstrumentor
    from opentelemetry.instrumentation.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument()
    AnthropicInstrumentor().instrument()


def openinference() -> None:
    """Both SDKs; the Anthropic SDK tells of its calls a second time."""
    from openinference.instrumentation.anthropic import AnthropicInstrumentor
    from openinference.instrumentation.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument()
    AnthropicInstrumentor().instrument()


def conventions() -> None:
    """OpenTelemetry's own for OpenAI; the Anthropic SDK needs none."""
    from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument()


EMITTERS: dict[str, Callable[[], None]] = {each.__name__: each for each in (openllmetry, openinference, conventions)}


def ask_openai(url: str) -> None:
    """Each question once; errors are what the trail is to tell."""
    client = openai.OpenAI(api_key="made-up", base_url=f"{url}/v1", timeout=TIMEOUT, max_retries=1)
    for question, more in OPENAI.items():
        asking = client if "[retry]" in question else client.with_options(max_retries=0)
        messages = [{"role": "system", "content": "You sell tea."}, {"role": "user", "content": question}]
        with contextlib.suppress(openai.OpenAIError, ValueError):
            answer: Any = asking.chat.completions.create(model=MODEL, messages=messages, **more)  # type: ignore[arg-type]
            drain(answer, more)


def ask_for_responses(url: str) -> None:
    """Each question once, by OpenAI's newer API."""
    client = openai.OpenAI(api_key="made-up", base_url=f"{url}/v1", max_retries=0)
    for question, more in RESPONSES.items():
        with contextlib.suppress(openai.OpenAIError):
            drain(client.responses.create(model=MODEL, instructions="You sell tea.", input=question, **more), more)


def ask_anthropic(url: str) -> None:
    """Each question once."""
    client = anthropic.Anthropic(api_key="made-up", base_url=url, timeout=TIMEOUT, max_retries=1)
    for question, more in ANTHROPIC.items():
        asking = client if "[retry]" in question else client.with_options(max_retries=0)
        messages: Any = [{"role": "user", "content": question}]
        with contextlib.suppress(anthropic.AnthropicError):
            answer = asking.messages.create(
                model=CLAUDE, max_tokens=100, system="You sell tea.", messages=messages, **more
            )
            drain(answer, more)


def drain(answer: Any, more: dict[str, Any]) -> None:
    """Read a stream to its end."""
    if more.get("stream"):
        for _ in answer:
            pass


def main(emitter: str, url: str) -> None:
    """Ask everything, and end when everything is reported."""
    tracing = TracerProvider()
    tracing.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(tracing)
    EMITTERS[emitter]()
    ask_openai(url)
    ask_for_responses(url)
    ask_anthropic(url)
    tracing.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
