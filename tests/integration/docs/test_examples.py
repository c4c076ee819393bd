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

from bot.trail import otlp

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

    def attributes(self) -> list[dict[str, Any]]:
        spans = [span for _, _, body in self.posts for span in otlp.decode_traces(body, json=False).spans]
        return [dict(span.attributes) for span in spans]


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


def run(code: str, receiver: Receiver, page: str) -> None:
    told = variables_of(page) | {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url}
    told = {name: value.replace("$TOKEN", "bd_1_s3cret") for name, value in told.items()}
    ended = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | told, capture_output=True, text=True, timeout=30, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_the_call_by_hand_arrives_as_it_is_written(receiver: Receiver) -> None:
    start, call = python_of("by-hand.md")
    run(start + STAND_IN + call + END, receiver, "by-hand.md")
    ((path, authorization, _),) = receiver.posts
    assert (path, authorization) == ("/v1/traces", "Bearer bd_1_s3cret")
    (attributes,) = receiver.attributes()
    assert attributes["gen_ai.request.model"] == "gpt-4.1-mini"
    assert attributes["gen_ai.usage.cache_read.input_tokens"] == 4


def test_labels_stand_on_every_span_that_is_made_inside(receiver: Receiver) -> None:
    start, _ = python_of("by-hand.md")
    *_, labels = python_of("README.md")
    inside = '    tracer.start_span("chat").end()\n'
    run(start + labels + inside + 'tracer.start_span("other").end()\n' + END, receiver, "README.md")
    labelled, other = receiver.attributes()
    assert labelled == {
        "badday.feature": "autoreply",
        "gen_ai.prompt.name": "refunds",
        "gen_ai.prompt.version": "7",
    }
    assert other == {}
