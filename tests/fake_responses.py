"""Bodies of OpenAI's Responses API and of embeddings, as the loopback provider answers."""

import json
from collections.abc import Iterable
from typing import Any

Json = dict[str, Any]


def response(model: str, id_: str, text: str | None, tool: tuple[str, Json], usage: Json, finish: str) -> Json:
    """A Response; without a text it asks for the tool."""
    if text is None:
        call = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "status": "completed", "name": tool[0]}
        output: list[Json] = [{**call, "arguments": json.dumps(tool[1])}]
    else:
        content = {"type": "output_text", "text": text, "annotations": []}
        output = [{"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [content]}]
    cut = finish == "length"
    return {
        "id": id_,
        "object": "response",
        "created_at": 1_780_000_000,
        "status": "incomplete" if cut else "completed",
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "instructions": None,
        "metadata": {},
        "model": model,
        "output": output,
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": {
            "input_tokens": usage["input"],
            "input_tokens_details": {"cached_tokens": usage["cached"]},
            "output_tokens": usage["output"],
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": usage["input"] + usage["output"],
        },
    }


def response_events(whole: Json) -> Iterable[str]:
    """The same as a stream."""
    number = 0

    def event(kind: str, **more: Any) -> str:
        nonlocal number
        number += 1
        return f"event: {kind}\ndata: {json.dumps({'type': kind, 'sequence_number': number, **more})}\n\n"

    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    yield event("response.created", response=begun)
    for item in whole["output"]:
        empty = {**item, "status": "in_progress"} | ({"content": []} if item["type"] == "message" else {})
        yield event("response.output_item.added", output_index=0, item=empty)
        for part in item.get("content", ()):
            place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
            yield event("response.content_part.added", **place, part={**part, "text": ""})
            for number, word in enumerate(part["text"].split(" ")):
                yield event("response.output_text.delta", **place, delta=f" {word}" if number else word, logprobs=[])
            yield event("response.output_text.done", **place, text=part["text"], logprobs=[])
        yield event("response.output_item.done", output_index=0, item=item)
    yield event("response.completed", response=whole)


def embedding(model: str, tokens: int) -> Json:
    """One vector."""
    return {
        "object": "list",
        "model": model,
        "data": [{"object": "embedding", "index": 0, "embedding": [0.25, -0.5, 0.125]}],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }
