"""Whether an answer is what the caller asked for: JSON that parses and fits, nothing cut off, nothing withheld."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

import orjson

from bot.trail.calls import ErrorClass
from bot.trail.mapping.messages import written

_DECLARES_JSON = frozenset({"json", "json_object", "json_schema", "object", "array", "application/json"})
_CUT_OFF = frozenset(
    {"length", "max_tokens", "max_output_tokens", "model_length", "max_length", "model_context_window_exceeded"}
)
_WITHHELD = frozenset(
    {
        "content_filter",
        "content_filtered",
        "refusal",
        "safety",
        "recitation",
        "blocklist",
        "prohibited_content",
        "spii",
        "image_safety",
        "guardrail_intervened",
        "moderation",
        "error_toxic",
    }
)
_TOOL_CALLS = '[{"name":'
"""How tool calls begin that stand for an answer without text (see messages.output_text)."""
_JSON_BEGINS = frozenset('{["-0123456789tfn')
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


class Parse(IntEnum):
    """What an output is as JSON."""

    UNSEEN = 0
    FITS = 1
    """It parses, and fits the schema where one is known."""
    BROKEN = 2
    UNFIT = 3
    """It parses, but does not fit the declared schema."""


def declared(value: Any) -> tuple[bool, str | None]:
    """Whether a request's answer format asks for JSON, and the JSON Schema in it as JSON.

    Takes `response_format` of OpenAI, `text.format` of its Responses API, `output_config.format` of Anthropic, bare
    schemas, all of them as objects, JSON texts or only their type's name.
    """
    if isinstance(value, str):
        text = value.strip()
        if text[:1] != "{":
            return text.lower() in _DECLARES_JSON, None
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            return "json" in text, None
    if not isinstance(value, dict) or not value:
        return False, None
    kind = value.get("type")
    schema = _schema_in(value)
    if schema is None and ("properties" in value or "$schema" in value):
        schema = value
    asked = schema is not None or (isinstance(kind, str) and kind.lower() in _DECLARES_JSON)
    if not asked and isinstance(value.get("format"), dict):
        return declared(value["format"])
    return asked, None if schema is None else written(schema)


def schema_text(value: Any) -> str | None:
    """A JSON Schema, bare or in what surrounds it in requests, as JSON."""
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return None
    if not isinstance(value, dict) or not value:
        return None
    return written(_schema_in(value) or value)


def _schema_in(value: Mapping[str, Any]) -> Mapping[str, Any] | None:
    for name in ("json_schema", "schema"):
        inner = value.get(name)
        if isinstance(inner, dict) and inner:
            deeper = inner.get("schema")
            return deeper if isinstance(deeper, dict) else inner
    return None


def parse(output: str | None, schema: str | None = None) -> Parse:
    """How an output reads as JSON. A schema is checked as far as top-level types and required names go."""
    if output is None or (output.startswith(_TOOL_CALLS) and '"arguments":' in output):
        return Parse.UNSEEN
    if output.lstrip()[:1] not in _JSON_BEGINS:  # prose, as nearly always
        return Parse.BROKEN
    try:
        value = orjson.loads(output)
    except orjson.JSONDecodeError:
        return Parse.BROKEN
    if schema is None:
        return Parse.FITS
    try:
        expected = orjson.loads(schema)
    except orjson.JSONDecodeError:
        return Parse.FITS
    return Parse.FITS if _fits(value, expected) else Parse.UNFIT


def _fits(value: Any, schema: Any) -> bool:
    if not isinstance(schema, dict):
        return True
    if not _is_of(value, schema.get("type")):
        return False
    if not isinstance(value, dict):
        return True
    required = schema.get("required")
    if isinstance(required, list) and any(name not in value for name in required):
        return False
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return True
    if schema.get("additionalProperties") is False and any(name not in properties for name in value):
        return False
    return all(
        _is_of(value[name], inner.get("type"))
        for name, inner in properties.items()
        if name in value and isinstance(inner, dict)
    )


def _is_of(value: Any, kind: Any) -> bool:
    if isinstance(kind, list):
        return any(_is_of(value, one) for one in kind)
    types = _TYPES.get(kind) if isinstance(kind, str) else None
    if types is None:
        return True
    if isinstance(value, bool):
        return bool in types
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, types)


def flaw(finish_reason: str | None, parsed: Parse, *, json_expected: bool) -> ErrorClass | None:
    """What is wrong with an answer that came: withheld, cut off, or not the JSON that was asked for."""
    finish = (finish_reason or "").lower().replace("-", "_")
    if finish in _WITHHELD:
        return ErrorClass.FILTERED
    if finish in _CUT_OFF:
        return ErrorClass.TRUNCATED
    if json_expected and parsed in (Parse.BROKEN, Parse.UNFIT):
        return ErrorClass.MALFORMED_OUTPUT
    return None
