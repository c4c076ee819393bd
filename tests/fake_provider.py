"""A model provider on loopback, speaking as OpenAI and as Anthropic; marks in the question say how it goes.

`[401]` `[404]` `[429]` `[500]` `[503]` `[529]` refuse, `[openai 503]` refuses as OpenAI alone, `[retry]` refuses the
first try, `[hang]` never answers, `[html]` sends no JSON, `[broken]` answers with broken JSON text, `[tool]` asks for a
tool, `[length]` stops early, `[filter]` holds the answer back, `[cut]` ends a stream midway, `[cached]` counts a
thousand cached tokens, `[echo]` repeats the question.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from itertools import count
from types import TracebackType
from typing import Any, Self

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from bot.http.server import HttpServer
from tests.fake_responses import embedding, response, response_events

Json = dict[str, Any]

ANSWER = "The teapot ships today."
BROKEN = '{"ships": "today", "ok": tru'
TOOL = ("look_up_order", {"order": "A17"})
REFUSALS = {"[401]": 401, "[404]": 404, "[429]": 429, "[500]": 500, "[503]": 503, "[529]": 529}
MESSAGES = {
    401: "Incorrect API key provided",
    404: "The model does not exist",
    429: "Rate limit reached",
    500: "The server had an error",
    503: "The server is overloaded",
    529: "Overloaded",
}
ANTHROPIC_ERRORS = {
    401: "authentication_error",
    404: "not_found_error",
    429: "rate_limit_error",
    500: "api_error",
    503: "api_error",
    529: "overloaded_error",
}


@dataclass(frozen=True)
class Seen:
    """One request as the provider saw it; counts are None where it gave no answer."""

    api: str
    model: str
    question: str
    status: int | None
    response_id: str | None = None
    input_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None
    output: str | None = None


class FakeProvider:
    """The server, `url`, and what it `saw`, in order of arrival."""

    def __init__(self) -> None:
        self.saw: list[Seen] = []
        self._numbers = count(1)
        self._tries: Counter[str] = Counter()
        self._server = HttpServer(
            Starlette(
                routes=[
                    Route("/v1/chat/completions", self._chat, methods=["POST"]),
                    Route("/v1/messages", self._messages, methods=["POST"]),
                    Route("/v1/responses", self._responses, methods=["POST"]),
                    Route("/v1/embeddings", self._embeddings, methods=["POST"]),
                ]
            ),
            host="127.0.0.1",
            port=0,
        )

    @property
    def url(self) -> str:
        """Without a path; the OpenAI SDK wants `/v1` after it."""
        return f"http://127.0.0.1:{self._server.port}"

    async def __aenter__(self) -> Self:
        await self._server.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._server.stop()

    async def _chat(self, request: Request) -> Response:
        asked = await request.json()
        question = _question(asked["messages"])
        status = 503 if "[openai 503]" in question else await self._refusal(request, question)
        if status != 200:
            self._note("openai.chat", asked, question, status)
            return _refused(status or 504, {"message": MESSAGES.get(status or 504, "late"), "type": "error"})
        if "[html]" in question:
            self._note("openai.chat", asked, question, 200)
            # Some gateways say JSON and send their error page.
            return HTMLResponse("<html>502 Bad Gateway</html>", headers={"Content-Type": "application/json"})
        id_ = f"chatcmpl-shop{next(self._numbers):04d}"
        usage = _usage(question)
        self._answered("openai.chat", asked, question, id_, usage)
        if asked.get("stream"):
            return _stream(_chat_chunks(asked, question, id_, usage))
        return JSONResponse(_completion(asked, question, id_, usage))

    async def _messages(self, request: Request) -> Response:
        asked = await request.json()
        question = _question(asked["messages"])
        status = await self._refusal(request, question)
        if status != 200:
            self._note("anthropic.messages", asked, question, status)
            error = {"type": ANTHROPIC_ERRORS.get(status or 500, "api_error"), "message": MESSAGES.get(status or 500)}
            return _refused(status or 504, error, type="error")
        id_ = f"msg_shop{next(self._numbers):04d}"
        usage = _usage(question)
        self._answered("anthropic.messages", asked, question, id_, usage)
        if asked.get("stream"):
            return _stream(_message_events(asked, question, id_, usage))
        return JSONResponse(_message(asked, question, id_, usage))

    async def _responses(self, request: Request) -> Response:
        asked = await request.json()
        question = asked["input"] if isinstance(asked["input"], str) else _question(asked["input"])
        status = await self._refusal(request, question)
        if status != 200:
            self._note("openai.responses", asked, question, status)
            return _refused(status or 504, {"message": MESSAGES.get(status or 504, "late"), "type": "error"})
        id_ = f"resp_shop{next(self._numbers):04d}"
        usage = _usage(question)
        self._answered("openai.responses", asked, question, id_, usage)
        whole = response(_answered_model(asked), id_, _text(question), TOOL, usage, _finish(question))
        return _stream(response_events(whole)) if asked.get("stream") else JSONResponse(whole)

    async def _embeddings(self, request: Request) -> Response:
        asked = await request.json()
        question = asked["input"] if isinstance(asked["input"], str) else " ".join(asked["input"])
        status = await self._refusal(request, question)
        if status != 200:
            self._note("openai.embeddings", asked, question, status)
            return _refused(status or 504, {"message": MESSAGES.get(status or 504, "late"), "type": "error"})
        tokens = 3 + len(question) // 4
        self.saw.append(Seen("openai.embeddings", asked["model"], question, 200, None, tokens))
        return JSONResponse(embedding(asked["model"], tokens))

    async def _refusal(self, request: Request, question: str) -> int | None:
        """200, the status that the marks ask for, or None after the caller has hung up."""
        if "[hang]" in question:
            while (await request.receive())["type"] != "http.disconnect":
                pass
            return None
        if "[retry]" in question:
            self._tries[question] += 1
            return 429 if self._tries[question] == 1 else 200
        return next((status for mark, status in REFUSALS.items() if mark in question), 200)

    def _note(self, api: str, asked: Json, question: str, status: int | None) -> None:
        self.saw.append(Seen(api, asked["model"], question, status))

    def _answered(self, api: str, asked: Json, question: str, id_: str, usage: Json) -> None:
        output = _text(question)
        self.saw.append(
            Seen(api, asked["model"], question, 200, id_, usage["input"], usage["cached"], usage["output"], output)
        )


def _question(messages: list[Json]) -> str:
    content = next((m["content"] for m in reversed(messages) if m["role"] == "user"), "")
    return content if isinstance(content, str) else " ".join(part.get("text", "") for part in content)


def _text(question: str) -> str | None:
    if "[tool]" in question or "[filter]" in question:
        return None
    if "[echo]" in question:
        return question
    return BROKEN if "[broken]" in question else ANSWER


def _usage(question: str) -> Json:
    """Input with the cached tokens, as this file's callers count it."""
    cached = 1024 if "[cached]" in question else 0
    return {"input": cached + 40 + len(question), "cached": cached, "output": 17}


def _finish(question: str) -> str:
    marked = {"[tool]": "tool_calls", "[length]": "length", "[filter]": "content_filter"}
    return next((finish for mark, finish in marked.items() if mark in question), "stop")


def _refused(status: int, error: Json, **more: str) -> Response:
    # The SDKs obey this header; tests of their retries should be short.
    return JSONResponse({**more, "error": error}, status_code=status, headers={"retry-after-ms": "10"})


def _openai_usage(usage: Json) -> Json:
    return {
        "prompt_tokens": usage["input"],
        "completion_tokens": usage["output"],
        "total_tokens": usage["input"] + usage["output"],
        "prompt_tokens_details": {"cached_tokens": usage["cached"]},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }


def _answered_model(asked: Json) -> str:
    """Providers answer with a dated snapshot."""
    return f"{asked['model']}-2025-04-14" if asked["model"].startswith("gpt") else f"{asked['model']}-20251001"


def _completion(asked: Json, question: str, id_: str, usage: Json) -> Json:
    message: Json = {"role": "assistant", "content": _text(question), "refusal": None}
    if "[tool]" in question:
        call = {"name": TOOL[0], "arguments": json.dumps(TOOL[1])}
        message["tool_calls"] = [{"id": "call_1", "type": "function", "function": call}]
    return {
        "id": id_,
        "object": "chat.completion",
        "created": 1_780_000_000,
        "model": _answered_model(asked),
        "choices": [{"index": 0, "message": message, "finish_reason": _finish(question), "logprobs": None}],
        "usage": _openai_usage(usage),
    }


def _chat_chunks(asked: Json, question: str, id_: str, usage: Json) -> Iterable[str]:
    def chunk(choices: list[Json], **more: Any) -> str:
        base = {
            "id": id_,
            "object": "chat.completion.chunk",
            "created": 1_780_000_000,
            "model": _answered_model(asked),
        }
        return f"data: {json.dumps({**base, 'choices': choices, **more})}\n\n"

    if "[tool]" in question:
        call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": TOOL[0], "arguments": ""}}
        yield chunk([{"index": 0, "delta": {"role": "assistant", "tool_calls": [call]}}])
        rest = {"index": 0, "function": {"arguments": json.dumps(TOOL[1])}}
        yield chunk([{"index": 0, "delta": {"tool_calls": [rest]}}])
    for number, word in enumerate((_text(question) or "").split()):
        if "[cut]" in question and number == 2:
            raise ConnectionAbortedError
        delta: Json = {"content": word if number == 0 else f" {word}"}
        yield chunk([{"index": 0, "delta": delta | ({"role": "assistant"} if number == 0 else {})}])
    yield chunk([{"index": 0, "delta": {}, "finish_reason": _finish(question)}])
    if (asked.get("stream_options") or {}).get("include_usage"):
        yield chunk([], usage=_openai_usage(usage))
    yield "data: [DONE]\n\n"


def _message(asked: Json, question: str, id_: str, usage: Json) -> Json:
    content: list[Json] = [{"type": "text", "text": _text(question) or "Let me look."}]
    if "[tool]" in question:
        content.append({"type": "tool_use", "id": "toolu_1", "name": TOOL[0], "input": TOOL[1]})
    reasons = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}
    return {
        "id": id_,
        "type": "message",
        "role": "assistant",
        "model": _answered_model(asked),
        "content": content,
        "stop_reason": reasons[_finish(question)],
        "stop_sequence": None,
        "usage": _anthropic_usage(usage),
    }


def _anthropic_usage(usage: Json) -> Json:
    """Anthropic counts cached tokens apart from the input."""
    return {
        "input_tokens": usage["input"] - usage["cached"],
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage["cached"],
        "output_tokens": usage["output"],
    }


def _message_events(asked: Json, question: str, id_: str, usage: Json) -> Iterable[str]:
    def event(kind: str, **more: Any) -> str:
        return f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n"

    whole = _message(asked, question, id_, usage)
    begun = {**whole, "content": [], "stop_reason": None, "usage": {**whole["usage"], "output_tokens": 1}}
    yield event("message_start", message=begun)
    yield event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    for number, word in enumerate(ANSWER.split(" ")):
        if "[cut]" in question and number == 2:
            raise ConnectionAbortedError
        delta = {"type": "text_delta", "text": word if number == 0 else f" {word}"}
        yield event("content_block_delta", index=0, delta=delta)
    yield event("content_block_stop", index=0)
    ended = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    yield event("message_delta", delta=ended, usage={"output_tokens": usage["output"]})
    yield event("message_stop")


def _stream(chunks: Iterable[str]) -> Response:
    async def sent() -> AsyncIterator[str]:
        for chunk in chunks:
            yield chunk
            await asyncio.sleep(0.005)

    return StreamingResponse(sent(), media_type="text/event-stream")
