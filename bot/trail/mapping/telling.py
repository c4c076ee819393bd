"""From what attributes told, under the trail's own names, to the facts of a call."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.trail.calls import Facts, Outcome
from bot.trail.mapping import errors, messages
from bot.trail.mapping.outputs import declared, schema_text
from bot.trail.mapping.usage import Usage, count, read_usage, with_cached_input
from bot.trail.mapping.vocabulary import Vocabulary

LONGEST_NAME = 256
"""Characters of ids, models and names that are kept."""
LONGEST_EXTRA = 4096
_LONGEST_LIST = 1024
_FEW = frozenset({"provider", "model_asked", "model_answered", "operation", "finish_reason"})
"""Fields of which the same few values come all the time."""
_MOST_WORDS = 10_000
_NAME_IN_MESSAGE = re.compile(r"([A-Za-z_][\w.]*(?:Error|Exception|Timeout|Exit|Interrupt))\b")
_MAKERS = tuple(
    (re.compile(names), maker)
    for names, maker in (
        (r"gpt-|chatgpt-|o[134](-|$)|text-embedding-(3-|ada)", "openai"),
        (r"claude-", "anthropic"),
        (r"gemini-", "gcp.gemini"),
        (r"(mistral|ministral|codestral|magistral|pixtral)-", "mistral_ai"),
        (r"deepseek-", "deepseek"),
        (r"grok-", "x_ai"),
        (r"command-", "cohere"),
    )
)
_FAILED = frozenset({"error", "failed", "failure", "true", "yes"})
_NANO = 1_000_000_000
_DEAREST = 10**15
"""A million dollars for one call is no cost."""
_LONGEST_SECONDS = 30 * 86_400.0


@dataclass(slots=True)
class Told:
    """What one span or record told: the first of its names that held something, for each field."""

    vocabulary: Vocabulary
    raw: dict[str, Any] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)
    input_messages: list[messages.Message] = field(default_factory=list)
    output_messages: list[messages.Message] = field(default_factory=list)
    numbered_finish: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    def word(self, name: str) -> str | None:
        """A name, in the trail's own words."""
        value = self.raw.get(name)
        if value is None:
            return None
        if name not in _FEW or type(value) is not str:
            return word(value, self.vocabulary.values.get(name))
        known = self.vocabulary.words
        try:
            return known[name, value]
        except KeyError:
            if len(known) >= _MOST_WORDS:  # names come from outside
                known.clear()
            found = word(value, self.vocabulary.values.get(name))
            if len(value) <= LONGEST_NAME:
                known[name, value] = found
            return found


def plain(text: str) -> str:
    """Text without the one character that PostgreSQL refuses."""
    return text.replace("\x00", "") if "\x00" in text else text


def word(value: Any, meanings: Mapping[str, str] | None = None) -> str | None:
    """A short text from a text, a number, the first of a list, or a JSON list written as text."""
    if type(value) is not str:
        if isinstance(value, list):
            return word(next((one for one in value if one), None), meanings)
        if value is None or isinstance(value, (bool, dict, bytes)):
            return None
        value = str(value)
    elif value[:1] in ("[", '"') and len(value) < _LONGEST_LIST:
        read = messages.decoded(value)
        if read is not value and isinstance(read, (list, str)):
            return word(read, meanings)
    text = value.strip()[:LONGEST_NAME]
    if "\x00" in text:
        text = plain(text)
    if meanings and text:
        text = meanings.get(text.lower(), text)
    return text or None


def yes(value: Any) -> bool | None:
    """A truth from a truth or a text."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return {"true": True, "false": False, "1": True, "0": False}.get(value.lower())
    return bool(value) if isinstance(value, int) else None


def number(value: Any) -> float | None:
    """A finite number from a number or a text."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        result = float(value)
    except (TypeError, ValueError):
        return None
    return result if abs(result) < float("inf") else None


def microseconds(seconds: Any) -> int | None:
    """Seconds as microseconds; None for what is no duration."""
    value = number(seconds)
    return int(value * 1_000_000) if value is not None and 0 <= value <= _LONGEST_SECONDS else None


def put_names(told: Told, facts: Facts) -> None:
    """Who was asked, who answered, and what it was for."""
    vocabulary, raw = told.vocabulary, told.raw
    facts.provider = told.word("provider")
    if facts.provider is not None:
        facts.provider = facts.provider.lower()
    facts.model_asked = told.word("model_asked")
    facts.model_answered = told.word("model_answered")
    if "model_prefixed" in raw:
        _take_prefixed(told, facts)
    operation = told.word("operation")
    if operation is not None:
        facts.operation = operation.lower()
    elif "embed" in (facts.model_asked or facts.model_answered or "").lower():
        facts.operation = "embeddings"
    response_id = told.word("response_id")
    if response_id is not None and not _is_made_up(vocabulary, response_id, raw.get("call_id")):
        facts.response_id = response_id
    for name in ("feature", "route", "prompt_name", "prompt_version", "conversation_id", "user", "group_key"):
        if name in raw:
            setattr(facts, name, word(raw[name]))
    if "environment" in raw:
        facts.environment = told.word("environment") or facts.environment
    if "release" in raw:
        facts.release = told.word("release") or facts.release
    if "attempt_hint" in raw:
        facts.attempt_hint = count(raw["attempt_hint"])
    if "external_id" in raw:
        facts.external_id = told.word("external_id")
    if "response_format" in raw or "json_schema" in raw:
        _put_format(told, facts)
    facts.extra = told.extra


def put_said(told: Told, facts: Facts) -> None:
    """What the application says itself, last: until then the emitter's word tells how to read its spans."""
    provider = told.word("provider_said")
    if provider is not None:
        facts.provider = provider.lower()


def put_unsure_model(told: Told, facts: Facts) -> None:
    """A name of which the emitter does not say whose it is: it is the answered model's, unless nobody answered."""
    name = told.word("model_unsure")
    if name is None:
        return
    answered = facts.outcome is Outcome.OK or facts.model_asked not in (None, name)
    if answered and facts.model_answered is None:
        facts.model_answered = name
    elif facts.model_asked is None:
        facts.model_asked = name


def put_likely_provider(facts: Facts) -> None:
    """Where nobody tells who was asked (Langfuse, MLflow through frameworks): the maker of a model of that name."""
    model = facts.model_asked or facts.model_answered
    if facts.provider is None and model is not None:
        facts.provider = next((maker for names, maker in _MAKERS if names.match(model)), None)


def _take_prefixed(told: Told, facts: Facts) -> None:
    text = told.word("model_prefixed")
    if text is None:
        return
    facts.model_asked = text
    head, slash, tail = text.partition("/")
    provider = told.vocabulary.values.get("provider", {}).get(head.lower())
    if slash and provider is not None:
        facts.model_asked = tail
        facts.provider = facts.provider or provider


def _is_made_up(vocabulary: Vocabulary, response_id: str, call_id: Any) -> bool:
    if response_id == call_id:
        return True
    return vocabulary.made_up_ids is not None and vocabulary.made_up_ids.fullmatch(response_id) is not None


def _put_format(told: Told, facts: Facts) -> None:
    value = told.raw.get("response_format")
    if isinstance(value, str):
        value = told.vocabulary.values.get("response_format", {}).get(value.lower(), value)
    expected, schema = declared(value)
    if schema is None and "json_schema" in told.raw:
        schema = schema_text(told.raw["json_schema"])
    if value == "text":  # said outright: a schema then describes a tool
        return
    facts.json_expected = expected or schema is not None
    facts.json_schema = schema


def put_usage(told: Told, facts: Facts) -> None:
    """Counts and the emitter's own cost."""
    raw = told.raw
    usage = Usage(
        count(raw.get("input_tokens")),
        count(raw.get("cached_tokens")),
        count(raw.get("cache_write_tokens")),
        count(raw.get("output_tokens")),
        count(raw.get("reasoning_tokens")),
    )
    if "usage" in raw:
        _fill_usage(usage, messages.decoded(raw["usage"]))
    if not usage.input and not usage.output:  # zeros stand for "don't know" where a call failed
        usage = Usage()
    vocabulary = told.vocabulary
    beside = (usage.cached or 0) + (usage.cache_write or 0)
    if usage.input is not None and beside:
        if facts.provider in vocabulary.input_excludes_cached_for:
            usage.input += beside
        else:
            usage = with_cached_input(usage)
    if usage.input == 0 and facts.operation != "embeddings":  # no question has no tokens: streams that told half
        usage.input = None
    facts.input_tokens, facts.output_tokens = usage.input, usage.output
    facts.cached_tokens, facts.cache_write_tokens = usage.cached, usage.cache_write
    facts.reasoning_tokens = usage.reasoning
    facts.cached_split_told = usage.cached is not None or bool(vocabulary.cached_told) or usage.input is None
    if facts.operation == "embeddings":  # nothing is ever cached there
        facts.cached_split_told = True
    if "cost" in raw:
        cost = number(raw["cost"])
        if cost is not None and 0 < cost * _NANO < _DEAREST:
            facts.emitter_cost_nano = round(cost * _NANO)


def _fill_usage(usage: Usage, document: Any) -> None:
    if not isinstance(document, dict):
        return
    found = read_usage(document)
    beside = (found.cached or 0) + (found.cache_write or 0)
    if found.input is not None and beside and usage.input == found.input - beside:
        usage.input = found.input  # told elsewhere without its cached part
    for name in ("input", "cached", "cache_write", "output", "reasoning"):
        if getattr(usage, name) is None:
            setattr(usage, name, getattr(found, name))


def put_content(told: Told, facts: Facts, dropped: bool) -> None:
    """What was said: the messages, the answer, and why it ended."""
    raw = told.raw
    asked = told.input_messages
    if "input" in raw and (not asked or dropped):
        asked = messages.read_messages(raw["input"]) or asked
    if "system_instructions" in raw:
        asked = messages.read_messages(raw["system_instructions"], "system") + asked
    if asked:
        facts.input = plain(messages.written(asked))
    facts.finish_reason = told.word("finish_reason") or told.numbered_finish
    if facts.operation == "embeddings":
        return
    output = messages.output_text(told.output_messages) if told.output_messages else None
    if output is None and "output" in raw:
        output, finish = messages.read_output(raw["output"])
        facts.finish_reason = facts.finish_reason or word(finish)
    if output is None and "tool_calls" in raw:
        calls = messages.read_messages({"role": "assistant", "tool_calls": messages.decoded(raw["tool_calls"])})
        output = messages.output_text(calls)
    if output:
        facts.output = plain(output)


def put_outcome(
    told: Told, facts: Facts, *, failed: bool | None, message: str | None, exception: tuple[str | None, str | None]
) -> None:
    """Whether and how it failed. `failed` is the span's status: True, False, or None where it says nothing."""
    raw = told.raw
    status = count(raw.get("http_status"))
    if status is not None and 100 <= status <= 599:
        facts.http_status = status
    name = errors.told(word(raw.get("error_type"))) or errors.told(exception[0])
    answered = facts.output is not None or facts.output_tokens is not None or facts.finish_reason is not None
    told_error = word(raw.get("error_type")) is not None or (facts.http_status or 0) >= 400
    threw = exception != (None, None) and not answered
    failed = failed or (told.word("failed") or "").lower() in _FAILED
    if not (failed or told_error or threw):
        return
    text = word_of_text(raw.get("error_text")) or exception[1] or message
    name = name or _name_in(message) or _name_in(exception[1])
    if errors.is_abandoned(name, text):
        return
    facts.outcome = Outcome.ERROR
    facts.error_class = errors.classify(name, facts.http_status, text)
    facts.error_type = name[:LONGEST_NAME] if name else None
    facts.error_text = errors.shown(plain(text) if text else None)
    if facts.http_status is None:
        facts.http_status = errors.status_in(text)


def _name_in(message: str | None) -> str | None:
    """The exception that a message begins with: `openai.RateLimitError: …`, or LangSmith's `GeneratorExit()…`."""
    found = _NAME_IN_MESSAGE.match(message) if message else None
    return errors.told(found.group(1)) if found else None


def word_of_text(value: Any) -> str | None:
    """A text of any length."""
    return value if isinstance(value, str) and value else None


def put_timing(told: Told, facts: Facts) -> None:
    """First token, stream, retries; start and duration are the span's own."""
    raw = told.raw
    facts.stream = yes(raw.get("stream"))
    first = microseconds(raw.get("first_token_seconds"))
    if first is None and "first_token_milliseconds" in raw:
        value = number(raw["first_token_milliseconds"])
        first = microseconds(value / 1000) if value is not None else None
    if first is not None:
        facts.first_token_us = first
        facts.stream = True
    if "retries" in raw:
        facts.retries = count(raw["retries"])
