"""Token counts from the `usage` objects of providers and frameworks, whatever they call them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LARGEST = 2**31 - 1
"""More tokens than this are stored as this many (32 bits)."""
LARGEST_BELIEVED = 10**12
"""A larger number is no count of tokens."""


@dataclass(slots=True)
class Usage:
    """Counts of one call; `input` includes the cached ones. None means: not told."""

    input: int | None = None
    cached: int | None = None
    cache_write: int | None = None
    output: int | None = None
    reasoning: int | None = None


def count(value: Any) -> int | None:
    """A number of tokens from whatever was sent: 100, 100.0, "100", [100]; None for anything that cannot be one."""
    if type(value) is int:
        number = value
    elif isinstance(value, bool) or value is None:
        return None
    elif isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            return None
        number = int(value)
    elif isinstance(value, str):
        try:
            number = int(value)
        except ValueError:
            try:
                return count(float(value))
            except ValueError:
                return None
    elif isinstance(value, list) and len(value) == 1:
        return count(value[0])
    else:
        return None
    if number < 0 or number > LARGEST_BELIEVED:
        return None
    return min(number, LARGEST)


_INPUT = (
    "prompt_tokens",
    "input_tokens",
    "promptTokens",
    "inputTokens",
    "promptTokenCount",
    "prompt_token_count",
    "input",
)
_OUTPUT = (
    "completion_tokens",
    "output_tokens",
    "completionTokens",
    "outputTokens",
    "candidatesTokenCount",
    "candidates_token_count",
    "output",
)
_CACHED = (
    ("prompt_tokens_details", "cached_tokens"),
    ("input_tokens_details", "cached_tokens"),
    ("input_token_details", "cache_read"),
    ("inputTokenDetails", "cacheReadTokens"),
    ("prompt_token_details", "cached_tokens"),
    ("cachedInputTokens",),
    ("cached_input_tokens",),
    ("cachedContentTokenCount",),
    ("cachedContentTokens",),
    ("cached_content_token_count",),
    ("cacheReadInputTokens",),
    ("cache_read_input_tokens",),
    ("cache_read_tokens",),
    ("cache_read.input_tokens",),
)
_WRITTEN = (
    ("prompt_tokens_details", "cache_write_tokens"),
    ("prompt_tokens_details", "cache_creation_tokens"),
    ("input_token_details", "cache_creation"),
    ("inputTokenDetails", "cacheWriteTokens"),
    ("cacheWriteInputTokens",),
    ("cache_creation_input_tokens",),
    ("cache_write_tokens",),
)
_REASONING = (
    ("completion_tokens_details", "reasoning_tokens"),
    ("output_tokens_details", "reasoning_tokens"),
    ("output_token_details", "reasoning"),
    ("outputTokenDetails", "reasoningTokens"),
    ("reasoningTokens",),
    ("reasoning_tokens",),
    ("thoughtsTokenCount",),
    ("thoughts_token_count",),
)
_BESIDE = ("cache_read_input_tokens", "cache_creation_input_tokens", "cacheReadInputTokens", "cacheWriteInputTokens")
"""Anthropic and Bedrock count cached tokens beside `input_tokens`, not in it."""
_PARTS_OF_INPUT = ("input_cached_tokens", "input_cache_read", "input_cache_creation")
"""Langfuse takes the parts out of `input`."""


def read_usage(document: Mapping[str, Any]) -> Usage:
    """Counts from a usage object of any known shape."""
    for inner in ("tokens", "billed_units"):  # Cohere's, what was read before what is paid
        if isinstance(document.get(inner), Mapping):
            return read_usage(document[inner])
    usage = Usage(
        input=_first(document, _INPUT),
        cached=_nested(document, _CACHED),
        cache_write=_nested(document, _WRITTEN),
        output=_first(document, _OUTPUT),
        reasoning=_nested(document, _REASONING),
    )
    if usage.input is not None and any(name in document for name in _BESIDE) and _counts_beside(document, usage):
        usage.input = min(LARGEST, usage.input + (usage.cached or 0) + (usage.cache_write or 0))
    if usage.input is not None and any(name in document for name in _PARTS_OF_INPUT):
        _put_together(document, usage)
    if usage.output is not None and "thoughtsTokenCount" in document:  # Gemini counts thinking beside the answer
        usage.output = min(LARGEST, usage.output + (usage.reasoning or 0))
    return usage


def with_cached_input(usage: Usage) -> Usage:
    """More cached than input: the input was told without the cached tokens."""
    beside = (usage.cached or 0) + (usage.cache_write or 0)
    if usage.input is not None and beside > usage.input:
        usage.input = min(LARGEST, usage.input + beside)
    return usage


def _counts_beside(document: Mapping[str, Any], usage: Usage) -> bool:
    if "prompt_tokens_details" in document:  # LiteLLM writes both ways, its prompt_tokens are the sum
        return False
    total = count(document.get("total_tokens", document.get("totalTokens")))
    beside = (usage.cached or 0) + (usage.cache_write or 0)
    return total is None or usage.output is None or (usage.input or 0) + beside + usage.output <= total


def _put_together(document: Mapping[str, Any], usage: Usage) -> None:
    cached = _first(document, ("input_cached_tokens", "input_cache_read"))
    written = _first(document, ("input_cache_creation",))
    usage.cached = cached if cached is not None else usage.cached
    usage.cache_write = written if written is not None else usage.cache_write
    usage.input = min(LARGEST, (usage.input or 0) + (cached or 0) + (written or 0))
    usage.reasoning = _first(document, ("output_reasoning_tokens", "output_reasoning")) or usage.reasoning
    if usage.output is not None and usage.reasoning:
        usage.output = min(LARGEST, usage.output + usage.reasoning)


def _first(document: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    for name in names:
        number = count(document.get(name))
        if number is not None:
            return number
    return None


def _nested(document: Mapping[str, Any], paths: tuple[tuple[str, ...], ...]) -> int | None:
    for path in paths:
        value: Any = document
        for step in path:
            value = value.get(step) if isinstance(value, Mapping) else None
        number = count(value)
        if number is not None:
            return number
    return None
