"""How the simulated product reports its model calls: by OpenTelemetry's instrumentation of the OpenAI SDK.

Where the calls go and whether the texts go along is said by the environment, as on the set-up page of the SDK.
"""

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

LAST_EXPORT = 1.0
"""Seconds that the product waits at its end for the last calls to be taken."""


_labels: ContextVar[Mapping[str, str]] = ContextVar("labels", default=MappingProxyType({}))


@contextmanager
def labelled(labels: Mapping[str, str]) -> Iterator[None]:
    """Calls made inside carry these attributes, which no instrumentation can know."""
    token = _labels.set({**_labels.get(), **labels})
    try:
        yield
    finally:
        _labels.reset(token)


class Labels(SpanProcessor):
    """Puts the labels on each span as it begins."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        span.set_attributes(dict(_labels.get()))


class Reporting:
    """Reports every call of the OpenAI SDK from now until `close`.

    Calls wait in memory for a thread of their own that sends them: a bot that is down or slow holds no answer up, and
    what it does not take in time is dropped.
    """

    def __init__(self) -> None:
        # Each failed export is logged; here a bot that is down is an ordinary event.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        self._tracing = TracerProvider(shutdown_on_exit=False)
        self._tracing.add_span_processor(Labels())
        self._tracing.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        OpenAIInstrumentor().instrument(tracer_provider=self._tracing)

    def close(self) -> None:
        """Send what is left, for a moment."""
        sending = threading.Thread(target=self._tracing.shutdown, name="last-export", daemon=True)
        sending.start()
        sending.join(LAST_EXPORT)
