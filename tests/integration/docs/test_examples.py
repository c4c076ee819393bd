"""The examples of the set-up pages are run as they stand: what they send is what the pages say."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from bot.trail.calls import ErrorClass, Facts, Outcome
from bot.trail.mapping.mapper import Mapper
from bot.trail.receiving import otlp
from bot.trail.spans import Decoded

PAGES = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "send-calls"
STAND_IN = """
messages = [{"role": "user", "content": "Where is my refund?"}]

def ask(messages):
    return {"id": "chatcmpl-1", "model": "gpt-4.1-mini-2025-04-14", "finish_reason": "stop", "input_tokens": 20,
            "cached_tokens": 4, "output_tokens": 6, "text": "It left on Monday."}
"""
END = "\ntrace.get_tracer_provider().shutdown()\n"


@dataclass
class Receiver:
    url: str = ""
    posts: list[tuple[str, str | None, bytes]] = field(default_factory=list)
    """Path, Authorization, body."""

    def decoded(self) -> list[Decoded]:
        return [otlp.decode_traces(body, json=False) for _, _, body in self.posts]

    def attributes(self) -> list[dict[str, Any]]:
        return [dict(span.attributes) for each in self.decoded() for span in each.spans]

    def calls(self) -> list[Facts]:
        return [told.facts for each in self.decoded() for told in Mapper().map(each, system=None).sightings]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    received = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.posts.append((self.path, self.headers["Authorization"], body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    received.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield received
    server.shutdown()
    server.server_close()
    thread.join()


def python_of(page: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", (PAGES / page).read_text(), re.DOTALL | re.MULTILINE)


def variables_of(page: str) -> dict[str, str]:
    return dict(re.findall(r"^export (OTEL_[A-Z_]+)=\"?([^\"\n]+)\"?$", (PAGES / page).read_text(), re.MULTILINE))


def caught(code: str) -> str:
    """The code, going on where it raises."""
    inside = "".join(f"    {line}" for line in code.splitlines(keepends=True))
    return f"try:\n{inside}except APITimeoutError:\n    pass\n"


def run(code: str, receiver: Receiver, page: str) -> None:
    told = variables_of(page) | {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url}
    told = {name: value.replace("$TOKEN", "bd_1_s3cret") for name, value in told.items()}
    ended = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | told, capture_output=True, text=True, timeout=30, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_the_call_by_hand_arrives_as_it_is_written(receiver: Receiver) -> None:
    start, code = python_of("by-hand.md")
    run(start + STAND_IN + code + END, receiver, "by-hand.md")
    ((path, authorization, _),) = receiver.posts
    assert (path, authorization) == ("/v1/traces", "Bearer bd_1_s3cret")
    (call,) = receiver.calls()
    assert (call.system, call.provider, call.outcome) == ("support-bot", "openai", Outcome.OK)
    assert (call.model_asked, call.model_answered) == ("gpt-4.1-mini", "gpt-4.1-mini-2025-04-14")
    assert (call.input_tokens, call.cached_tokens, call.output_tokens) == (20, 4, 6)
    assert (call.response_id, call.prompt_version, call.finish_reason) == ("chatcmpl-1", "7", "stop")
    assert call.output == "It left on Monday."
    assert "Where is my refund?" in (call.input or "")


def test_a_call_by_hand_that_fails_is_an_error_with_its_class(receiver: Receiver) -> None:
    start, call = python_of("by-hand.md")
    failing = "\nclass APITimeoutError(Exception): pass\n\ndef ask(messages):\n    raise APITimeoutError('too slow')\n"
    run(start + STAND_IN + failing + caught(call) + END, receiver, "by-hand.md")
    (told,) = receiver.calls()
    assert (told.outcome, told.error_class) == (Outcome.ERROR, ErrorClass.TIMEOUT)


def test_labels_stand_on_every_span_that_is_made_inside(receiver: Receiver) -> None:
    start, _ = python_of("by-hand.md")
    *_, labels = python_of("README.md")
    inside = '    tracer.start_span("chat").end()\n'
    run(start + labels + inside + 'tracer.start_span("other").end()\n' + END, receiver, "README.md")
    labelled, other = receiver.attributes()
    assert labelled == {
        "badday.feature": "autoreply",
        "badday.prompt.name": "refunds",
        "badday.prompt.version": "7",
    }
    assert other == {}
