"""Messages of every vendor and framework in one shape: role, text, tool calls."""

import ast
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

HIDDEN = frozenset({"__REDACTED__", "[REDACTED]", "<redacted>", "redacted", "***", "FILTERED"})
"""What emitters write instead of content that they were told to hide."""
LONGEST_INLINE = 256
"""Characters of inline data (images, files) that are kept."""
_ROLES = {"human": "user", "ai": "assistant", "model": "assistant", "developer": "system", "function": "tool"}
_PLAIN_ROLES = frozenset({"system", "user", "assistant", "tool"})
_CALL_TYPES = frozenset({"tool_call", "tool_use", "tool-call", "function_call", "server_tool_use", "functionCall"})
_RESULT_TYPES = frozenset(
    {"tool_call_response", "tool_result", "tool-result", "function_call_output", "tool_return", "functionResponse"}
)
_THINKING_TYPES = frozenset({"reasoning", "thinking", "redacted_thinking"})
_PARTS_AS_TEXT = ('[{"type":', '[{"text":', '[{"toolUse":', "[{'type':")
_DEEPEST = 12
"""Documents in documents in documents: no message lies deeper."""
_PLAIN_KEYS = 4
"""Role, parts, name and finish reason: a message with no more keys has its tool calls among its parts."""
_ERROR_KEYS = frozenset({"error", "type", "request_id", "status", "code"})
_ANSWER_KEYS = frozenset({"role", "parts", "choices", "generations", "candidates", "kwargs", "tool_calls"})
_OBJECT = re.compile(r"<[\w.]+ object at 0x[0-9a-f]+>")
"""What a Python object writes that cannot be written."""
_UNSTORABLE = re.compile(
    r"(?<!\\)((?:\\\\)*)(?:\\u0000|\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    r"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2})"
)
"""NUL, and half a surrogate pair (a text cut in the middle of an emoji), as JSON and Python escape them."""
Message = dict[str, Any]


def decoded(value: Any) -> Any:
    """A value that may be JSON (or a Python literal) written as text, as what it says; other texts as they are."""
    if not isinstance(value, str):
        return value
    head = value[:1] if not value[:1].isspace() else value.lstrip()[:1]
    if head not in ("{", "[", '"'):
        return value
    if "\\u0000" in value:
        value = _UNSTORABLE.sub(r"\1", value)
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        pass
    if "\\u" in value and (mended := _UNSTORABLE.sub(r"\1?", value)) != value:
        return decoded(mended)
    if head == '"' or len(value) > 1_000_000:
        return value
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return value


def read_messages(value: Any, role: str = "user", depth: int = 0) -> list[Message]:
    """Messages from whatever an attribute held: a text, a message, a list, a whole request."""
    if depth > _DEEPEST:
        return []
    value = decoded(value)
    if value is None or value in ("", [], {}):
        return []
    if isinstance(value, str):
        return [] if value in HIDDEN else [{"role": role, "content": value}]
    if isinstance(value, dict):
        return _of_mapping(value, role, depth + 1)
    if isinstance(value, (list, tuple)):
        return _of_list(value, role, depth + 1)
    return []


def is_plain(message: Mapping[str, Any]) -> bool:
    """Whether there is nothing to read in a message: a role by our name and a text that stands for itself, no more."""
    text = message.get("content")
    return (
        len(message) == 2
        and message.get("role") in _PLAIN_ROLES
        and isinstance(text, str)
        and bool(text)
        and text not in HIDDEN
        and not text.startswith(_PARTS_AS_TEXT)
    )


def _type(value: Mapping[str, Any]) -> str:
    kind = value.get("type") or value.get("kind")
    return kind if isinstance(kind, str) else ""


def _of_list(values: Sequence[Any], role: str, depth: int) -> list[Message]:
    if len(values) == 2 and isinstance(values[1], str) and values[0] in ("system", "human", "user", "assistant", "ai"):
        return [{"role": _ROLES.get(values[0], values[0]), "content": values[1]}]
    if values and all(isinstance(value, dict) and "type" in value and not _is_message(value) for value in values):
        message = _message({"role": role, "content": values})
        return [message] if message else []
    result: list[Message] = []
    for value in values:
        if type(value) is dict and "role" in value:  # nearly all are
            message = _message(value, role)
            if message is not None:
                result.append(message)
        else:
            result.extend(read_messages(value, role, depth))
    return result


def _is_message(value: Mapping[str, Any]) -> bool:
    return (
        "role" in value
        or "message" in value
        or "kwargs" in value
        or "data" in value
        or value.get("type")
        in (
            "message",
            "human",
            "ai",
            "system",
            "tool",
            "function_call",
            "function_call_output",
            "reasoning",
        )
    )


def _of_mapping(value: Mapping[str, Any], role: str, depth: int) -> list[Message]:
    if "role" in value or "parts" in value or ("content" in value and "messages" not in value):
        message = _message(value, role)
        return [message] if message else []
    if isinstance(value.get("kwargs"), dict):  # LangChain's serialised objects
        return read_messages(_langchain(value["kwargs"], value), role, depth)
    if isinstance(value.get("data"), dict) and "content" in value["data"]:
        return read_messages(_langchain(value["data"], value), role, depth)
    for wrapping in ("message", "embedding", "prompt", "completion"):
        inner = decoded(value.get(wrapping))
        if isinstance(inner, dict) or (isinstance(inner, list) and wrapping == "message"):
            return read_messages(inner, role, depth)
    if "choices" in value:
        return [
            message for choice in _listed(value["choices"]) for message in read_messages(choice, "assistant", depth)
        ]
    if "generations" in value:
        return read_messages(value["generations"], "assistant", depth)
    if "candidates" in value:
        return [
            message
            for one in _listed(value["candidates"])
            for message in read_messages(one.get("content"), role, depth)
        ]
    if isinstance(value.get("output"), (list, dict)) and "messages" not in value:
        return read_messages(value["output"], "assistant", depth)
    if _type(value) in _CALL_TYPES or _type(value) in _RESULT_TYPES:
        message = _message({"role": "assistant" if _type(value) in _CALL_TYPES else "tool", "content": [value]})
        return [message] if message else []
    return _of_request(value, role, depth)


def _of_request(value: Mapping[str, Any], role: str, depth: int) -> list[Message]:
    result: list[Message] = []
    for name in ("system", "instructions", "system_instruction", "systemInstruction"):
        if value.get(name):
            result.extend(read_messages(value[name], "system", depth))
    for name in ("messages", "input", "contents", "prompt", "prompts", "inputs", "value", "text"):
        if value.get(name):
            result.extend(read_messages(value[name], role, depth))
            break
    return result


def _langchain(inner: Mapping[str, Any], outer: Mapping[str, Any]) -> Message:
    kind = inner.get("type") or outer.get("type") or ""
    if kind == "constructor":
        path = outer.get("id")
        kind = (
            str(path[-1] if isinstance(path, list) and path else "")
            .removesuffix("Message")
            .removesuffix("MessageChunk")
            .lower()
        )
    kind = str(kind).removesuffix("MessageChunk").removesuffix("Message").lower()
    message = dict(inner)
    message["role"] = _ROLES.get(kind, kind or "user")
    message.pop("type", None)
    return message


def _listed(value: Any) -> Iterable[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _message(value: Mapping[str, Any], role: str = "user") -> Message | None:
    told = value.get("role")
    told = told if told and isinstance(told, str) else role
    message: Message = {"role": _ROLES.get(told, told)}
    parts = value.get("parts")
    if isinstance(parts, list) and len(parts) == 1 and len(value) <= _PLAIN_KEYS:  # nearly all messages
        only = parts[0]
        if isinstance(only, dict) and only.get("type") == "text":
            text = only.get("content")
            if isinstance(text, str):
                if not text or text in HIDDEN:
                    return None
                message["content"] = text
                return message
    texts: list[str] = []
    others: list[Any] = []
    calls: list[Message] = []
    for part in _parts(value):
        _sort(part, texts, others, calls, message)
    told_calls = value.get("tool_calls")
    for call in told_calls if isinstance(told_calls, list) else ():
        if isinstance(call, dict):
            inner = call.get("tool_call")
            calls.append(_tool_call(inner if isinstance(inner, dict) else call))
    if isinstance(value.get("function_call"), dict):
        calls.append(_tool_call(value["function_call"]))
    if isinstance(value.get("refusal"), str) and value["refusal"] and not texts:
        texts.append(value["refusal"])
    text = "\n".join(texts) if len(texts) > 1 else (texts[0] if texts else "")
    if others:
        message["content"] = ([{"type": "text", "text": text}] if text else []) + others
    elif text:
        message["content"] = text
    if calls:
        message["tool_calls"] = list({written(call): call for call in calls}.values())
    if (call_id := value.get("tool_call_id") or value.get("toolCallId")) and "tool_call_id" not in message:
        message["tool_call_id"] = call_id
    if "content" not in message and all(call["arguments"] is None for call in calls):
        return None  # names of tools without what was said to them: the emitter keeps content to itself
    return message


def _parts(value: Mapping[str, Any]) -> Sequence[Any]:
    content = value.get("parts")
    if content is None:
        content = value.get("content")
    if content is None:
        content = value.get("contents")
    if content is None:
        return ()
    if isinstance(content, str):
        if content.startswith(_PARTS_AS_TEXT):  # OpenLLMetry writes what is no plain text as JSON
            read = decoded(content)
            return read if isinstance(read, list) else (content,)
        return (content,)
    if isinstance(content, dict):
        return _parts(content) if "parts" in content else (content,)
    return content if isinstance(content, (list, tuple)) else ()


def _sort(part: Any, texts: list[str], others: list[Any], calls: list[Message], message: Message) -> None:
    if isinstance(part, str):
        if part and part not in HIDDEN:
            texts.append(part)
        return
    if not isinstance(part, dict):
        return
    if isinstance(part.get("tool_call"), dict):  # OpenInference wraps each part once more
        calls.append(_tool_call(part["tool_call"]))
        return
    if isinstance(part.get("toolUse"), dict):  # Bedrock's converse API
        calls.append(_tool_call(part["toolUse"]))
        return
    if isinstance(part.get("toolResult"), dict):
        _result(part["toolResult"], texts, message)
        return
    if isinstance(part.get("message_content"), dict):
        part = part["message_content"]
    kind = _type(part)
    if kind in _CALL_TYPES or "functionCall" in part or "function_call" in part:
        calls.append(_tool_call(part.get("functionCall") or part.get("function_call") or part))
        return
    if kind in _RESULT_TYPES or "functionResponse" in part:
        _result(part, texts, message)
        return
    if kind in _THINKING_TYPES or part.get("thought") is True:
        return
    text = part.get("text", part.get("content", part.get("refusal")))
    if isinstance(text, dict):
        text = text.get("value") or text.get("text")
    if isinstance(text, str) and kind in ("", "text", "input_text", "output_text", "refusal", "message"):
        if text and text not in HIDDEN:
            texts.append(text)
        return
    if part:
        others.append(_shortened(part))


def _result(part: Mapping[str, Any], texts: list[str], message: Message) -> None:
    message["role"] = "tool"
    call_id = (
        part.get("id")
        or part.get("tool_use_id")
        or part.get("toolCallId")
        or part.get("call_id")
        or part.get("toolUseId")
    )
    if call_id:
        message["tool_call_id"] = call_id
    for name in ("response", "result", "content", "output", "functionResponse"):
        if name in part:
            texts.append(_as_text(part[name]))
            return


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(one, dict) and "text" in one for one in value):
        return "\n".join(str(one["text"]) for one in value)
    if isinstance(value, dict) and value.get("type") in ("text", "json") and "value" in value:
        return _as_text(value["value"])
    return written(value)


def _tool_call(call: Mapping[str, Any]) -> Message:
    function = call.get("function")
    source = function if isinstance(function, dict) else call
    arguments: Any = None
    for name in ("arguments", "args", "input", "parameters"):
        if source.get(name) is not None:
            arguments = source[name]
            break
    result: Message = {"name": source.get("name") or call.get("toolName") or call.get("name") or ""}
    call_id = call.get("call_id") or call.get("id") or call.get("toolCallId") or call.get("toolUseId")
    if call_id:
        result["id"] = call_id
    result["arguments"] = decoded(arguments)
    return result


def _shortened(value: Any, depth: int = 0) -> Any:
    if depth > _DEEPEST:
        return "…"
    if isinstance(value, str):
        return value if len(value) <= LONGEST_INLINE else f"{value[:64]}… ({len(value)} characters)"
    if isinstance(value, (bytes, bytearray)):
        return f"({len(value)} bytes)"
    if isinstance(value, dict):
        return {name: _shortened(one, depth + 1) for name, one in value.items() if one is not None}
    if isinstance(value, list):
        return [_shortened(one, depth + 1) for one in value]
    return value


def written(value: Any) -> str:
    """A value as canonical JSON."""
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS, default=str).decode()
    except TypeError:  # whole numbers of more than 64 bits, halves of surrogate pairs, too deep
        pass
    try:
        return json.dumps(value, default=str)
    except (TypeError, ValueError, RecursionError):
        return '"(not to be written as JSON)"'


def input_text(messages: Sequence[Message]) -> str | None:
    """Messages as they are stored."""
    return written(messages) if messages else None


def output_text(messages: Sequence[Message]) -> str | None:
    """The answer's text; its tool calls as JSON where it has no text."""
    for message in messages:
        content = message.get("content")
        if isinstance(content, str) and content:
            return content
        if isinstance(content, list):
            texts = [part["text"] for part in content if isinstance(part, dict) and part.get("type") == "text"]
            return "\n".join(texts) if texts else written(content)
    calls = [call for message in messages for call in message.get("tool_calls") or ()]
    return written(calls) if calls else None


def read_output(value: Any) -> tuple[str | None, Any]:
    """The text of an answer in whatever an attribute held, and the finish reason where it stands beside it.

    A text that is JSON but no message is the answer itself.
    """
    if value is None or value in ("", [], {}) or (isinstance(value, str) and value in HIDDEN):
        return None, None
    read = decoded(value)
    if isinstance(read, str):
        return (None if _OBJECT.fullmatch(read) else read or None), None
    if isinstance(read, list) and len(read) == 1 and isinstance(read[0], dict) and "parts" in read[0]:
        return output_text(_of_list(read, "assistant", 1)), _finish(read)  # as the conventions have it
    if not read or (isinstance(read, dict) and not any(_says(one) for one in read.values())):
        return None, None
    if isinstance(read, dict) and _ERROR_KEYS.issuperset(read) and "error" in read:  # what gateways say instead
        return None, None
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return "\n".join(value), None
    if isinstance(read, dict) and read.keys() == {"completion"} and isinstance(read["completion"], str):
        return read["completion"] or None, None
    if _is_answer(read):
        found = read_messages(read, "assistant")
        return output_text(found), _finish(read)
    if isinstance(read, dict) and any(name in read for name in ("usage", "object", "choices", "generations", "id")):
        return None, None
    return (value if isinstance(value, str) else written(value)), None


def _says(value: Any) -> bool:
    return value not in (None, "", [], {}) and not (isinstance(value, str) and _OBJECT.fullmatch(value))


def _is_answer(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(one, (dict, list)) and _is_answer(one) for one in value)
    if not isinstance(value, dict):
        return False
    if _type(value) in _CALL_TYPES or value.get("type") in ("text", "output_text", "reasoning", "message"):
        return True
    if not _ANSWER_KEYS.isdisjoint(value):
        return True
    if isinstance(value.get("output"), list) or isinstance(value.get("message"), (dict, list)):
        return True
    if isinstance(value.get("content"), dict) and "parts" in value["content"]:
        return True
    return isinstance(value.get("data"), dict) and "content" in value["data"]


def _finish(value: Any) -> Any:
    if isinstance(value, list):
        return next((found for one in value if (found := _finish(one))), None)
    if not isinstance(value, dict):
        return None
    found = value.get("finish_reason") or value.get("stop_reason") or value.get("finishReason")
    return found or _finish(value.get("choices")) or _finish(value.get("candidates"))
