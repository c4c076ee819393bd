"""Counts from the usage objects of providers and frameworks."""

from typing import Any

import pytest

from bot.trail.mapping.usage import Usage, read_usage


@pytest.mark.parametrize(
    ("document", "usage"),
    [
        (  # OpenAI, chat completions
            {
                "prompt_tokens": 147,
                "completion_tokens": 45,
                "prompt_tokens_details": {"cached_tokens": 64},
                "completion_tokens_details": {"reasoning_tokens": 16},
            },
            Usage(147, 64, None, 45, 16),
        ),
        (  # OpenAI, responses
            {
                "input_tokens": 147,
                "input_tokens_details": {"cached_tokens": 64},
                "output_tokens": 45,
                "output_tokens_details": {"reasoning_tokens": 16},
            },
            Usage(147, 64, None, 45, 16),
        ),
        (  # Anthropic counts the cached ones beside the input
            {
                "input_tokens": 107,
                "cache_read_input_tokens": 1024,
                "cache_creation_input_tokens": 32,
                "output_tokens": 51,
            },
            Usage(1163, 1024, 32, 51, None),
        ),
        (  # MLflow writes the sum under Anthropic's names
            {"input_tokens": 1092, "output_tokens": 17, "total_tokens": 1109, "cache_read_input_tokens": 1024},
            Usage(1092, 1024, None, 17, None),
        ),
        (  # LiteLLM writes both ways, its prompt_tokens are the sum
            {
                "prompt_tokens": 1163,
                "completion_tokens": 51,
                "prompt_tokens_details": {"cached_tokens": 1024, "cache_write_tokens": 32},
                "cache_read_input_tokens": 1024,
                "cache_creation_input_tokens": 32,
            },
            Usage(1163, 1024, 32, 51, None),
        ),
        (  # LangChain's usage_metadata
            {
                "input_tokens": 1163,
                "output_tokens": 51,
                "input_token_details": {"cache_read": 1024, "cache_creation": 32},
                "output_token_details": {"reasoning": 4},
            },
            Usage(1163, 1024, 32, 51, 4),
        ),
        (  # Gemini counts thinking beside the answer
            {"promptTokenCount": 10, "candidatesTokenCount": 5, "thoughtsTokenCount": 7, "cachedContentTokenCount": 2},
            Usage(10, 2, None, 12, 7),
        ),
        (  # Bedrock
            {"inputTokens": 10, "outputTokens": 5, "cacheReadInputTokens": 90, "cacheWriteInputTokens": 0},
            Usage(100, 90, 0, 5, None),
        ),
        (  # Langfuse takes the parts out of the whole
            {"input": 83, "input_cached_tokens": 64, "output": 29, "output_reasoning_tokens": 16},
            Usage(147, 64, None, 45, 16),
        ),
        ({}, Usage()),
        ({"prompt_tokens": None, "prompt_tokens_details": None, "usage": 3}, Usage()),
    ],
)
def test_usage_objects_of_every_shape_are_read(document: dict[str, Any], usage: Usage) -> None:
    assert read_usage(document) == usage
