"""The two simulated model providers: a chat-completions endpoint and a status page each, ruled by their health."""

import asyncio
import hashlib
import html
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from bot.sandbox.demo.health import Condition, Event, Health
from bot.sandbox.demo.statuspage import StatusPage
from bot.sandbox.demo.support import answer_to

Clock = Callable[[], datetime]

LATENCY: Mapping[Health, tuple[float, float]] = {
    Health.HEALTHY: (0.12, 0.45),
    Health.RECOVERING: (0.2, 0.7),
    Health.SLOW: (0.7, 3.0),
    Health.FAILING: (0.02, 0.08),
}
"""Seconds from the question to the answer, the fastest and the slowest."""

HANGING_SHARE = 0.25
"""Of the calls to a failing provider, those that get no answer at all; the others get a 503."""
HANGS_FOR = 5.0
SYSTEM_TOKENS = 1_180
"""Tokens before the question: what a support prompt with its rules and tools has."""
CACHED_TOKENS = 1_024
"""Of those, what a provider has from the calls before."""
PAGE_LAG = timedelta(seconds=1)
"""From the first failing call to the page that says so; real pages are late by many minutes."""


@dataclass(frozen=True)
class Vendor:
    """An invented company that sells model calls."""

    key: str
    """Its name in the catalog and in `route.chat`."""
    name: str
    model: str
    price: Mapping[str, str]
    """US dollars for a million tokens, as the shop's contract says: `prices` of the catalog."""


VENDORS = (
    Vendor(
        key="northwind",
        name="Northwind AI",
        model="northwind-large-2",
        price={"input": "2.50", "cached_input": "0.25", "output": "10.00"},
    ),
    Vendor(
        key="cirrus",
        name="Cirrus AI",
        model="cirrus-7",
        price={"input": "3.00", "cached_input": "0.30", "output": "15.00"},
    ),
)


class Provider:
    """One simulated provider. `app` serves it; `apply` breaks and heals it."""

    def __init__(self, vendor: Vendor, clock: Clock, *, random: Random | None = None) -> None:
        self.vendor = vendor
        self._clock = clock
        self._random = random or Random()  # noqa: S311  (latencies, not secrets)
        self._opened = clock()
        self._condition = Condition(self._opened)
        self._answers = 0
        self.app = Starlette(
            routes=[
                Route("/v1/chat/completions", self._chat, methods=["POST"]),
                Route("/api/v2/summary.json", self._summary),
                Route("/api/v2/incidents.json", self._archive),
                Route("/", self._page_for_people),
                Route("/incidents/{incident}", self._page_for_people),
            ]
        )

    @property
    def health(self) -> Health:
        """How it does now."""
        return self._condition.health(self._clock())

    def apply(self, event: Event) -> bool:
        """Break it or heal it; False where that changes nothing."""
        return self._condition.apply(event, self._clock())

    async def _chat(self, request: Request) -> Response:
        question = _question(await request.body())
        if question is None:
            return _error(400, "invalid_request_error", "messages must be a list that ends with a user's message")
        health = self.health
        if health is Health.FAILING and self._random.random() < HANGING_SHARE:
            await _hang(request)
            return _error(504, "server_error", "The upstream did not answer in time.")
        await asyncio.sleep(self._random.uniform(*LATENCY[health]))
        if health is Health.FAILING:
            return _error(503, "server_error", "The server is overloaded or not ready yet.")
        return JSONResponse(self._completion(question))

    def _completion(self, question: str) -> dict[str, Any]:
        self._answers += 1
        answer = answer_to(question)
        tokens = {"prompt_tokens": SYSTEM_TOKENS + len(question) // 4, "completion_tokens": max(1, len(answer) // 4)}
        return {
            "id": f"chatcmpl-{self.vendor.key}-{self._answers:06d}",
            "object": "chat.completion",
            "created": int(self._clock().timestamp()),
            "model": self.vendor.model,
            "choices": [
                {"index": 0, "message": {"role": "assistant", "content": answer}, "finish_reason": "stop"},
            ],
            "usage": {
                **tokens,
                "total_tokens": sum(tokens.values()),
                "prompt_tokens_details": {"cached_tokens": CACHED_TOKENS if self._answers > 1 else 0},
            },
        }

    async def _summary(self, request: Request) -> Response:
        now = self._clock()
        return _conditional(request, self._status_page(request).summary(self._condition.history(now), now))

    async def _archive(self, request: Request) -> Response:
        now = self._clock()
        return _conditional(request, self._status_page(request).archive(self._condition.history(now), now))

    async def _page_for_people(self, request: Request) -> Response:
        now = self._clock()
        summary = self._status_page(request).summary(self._condition.history(now), now)
        return HTMLResponse(_readable(summary))

    def _status_page(self, request: Request) -> StatusPage:
        url = str(request.base_url).rstrip("/")
        return StatusPage(self.vendor.key, self.vendor.name, url, self._opened, PAGE_LAG)


def _question(body: bytes) -> str | None:
    try:
        content = json.loads(body)["messages"][-1]["content"]
    except (ValueError, LookupError, TypeError):
        return None
    return content if isinstance(content, str) else None


def _error(status: int, kind: str, message: str) -> JSONResponse:
    error = {"message": message, "type": kind, "param": None, "code": None}
    return JSONResponse({"error": error}, status_code=status)


async def _hang(request: Request) -> None:
    """Stay silent until the caller gives up, at most `HANGS_FOR` seconds."""
    try:
        async with asyncio.timeout(HANGS_FOR):
            while (await request.receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return


def _conditional(request: Request, document: dict[str, Any]) -> Response:
    body = json.dumps(document, separators=(",", ":")).encode()
    etag = f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "max-age=0, private, must-revalidate"}
    known = {tag.strip() for tag in request.headers.get("If-None-Match", "").split(",")}
    if etag in known:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def _readable(summary: dict[str, Any]) -> str:
    components = "".join(
        f"<li>{html.escape(component['name'])}: {component['status'].replace('_', ' ')}</li>"
        for component in summary["components"]
        if not component["group"]
    )
    incidents = "".join(_readable_incident(incident) for incident in summary["incidents"])
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
        "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem}</style>"
        f"<title>{html.escape(summary['page']['name'])} status</title>"
        f"<h1>{html.escape(summary['page']['name'])}</h1>"
        f"<p><b>{html.escape(summary['status']['description'])}</b></p><ul>{components}</ul>{incidents}"
        "<p><small>A simulated provider of the Badday demo.</small></p></html>"
    )


def _readable_incident(incident: dict[str, Any]) -> str:
    updates = "".join(
        f"<p><b>{update['status'].capitalize()}</b> {html.escape(update['body'])}"
        f" <small>{update['display_at']}</small></p>"
        for update in incident["incident_updates"]
    )
    return f"<h2>{html.escape(incident['name'])}</h2>{updates}"
