"""From LiteLLM's own records (its generic_api logger) to sightings: one record an attempt.

A record is LiteLLM's StandardLoggingPayload: `trace_id` ties the attempts of one call, `model_group` is the router's
alias, times are seconds since 1970, `response` is the provider's answer in OpenAI's shape.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any
from uuid import UUID

from bot.trail.calls import Facts, Kind, Outcome, Sighting
from bot.trail.identity import microseconds
from bot.trail.mapping.mapper import UNKNOWN_SYSTEM, Mapped
from bot.trail.mapping.telling import Told, number, put_content, put_names, put_outcome, put_timing, put_usage, word
from bot.trail.mapping.vocabulary import load_vocabularies

EMITTER = "litellm-generic"
NOT_A_RECORD = "neither a call nor a failure of LiteLLM"
_LATEST_SECONDS = 1e11


def sightings(records: Iterable[Any], *, system: str | None) -> Mapped:
    """Calls of LiteLLM's records. `system` is the token's; else the record's own `metadata` or key alias tells."""
    mapped = Mapped()
    for record in records:
        if not isinstance(record, Mapping) or not ("model" in record or "response" in record or "messages" in record):
            mapped.rejected[NOT_A_RECORD] = mapped.rejected.get(NOT_A_RECORD, 0) + 1
            continue
        mapped.sightings.append(_sighting(record, system))
    return mapped


def _sighting(record: Mapping[str, Any], system: str | None) -> Sighting:
    told = Told(load_vocabularies().by_name["litellm"])
    told.raw = {name: value for name, value in _raw(record).items() if value not in (None, "", {}, [])}
    told.extra = _extra(record)
    facts = Facts(system=system or _system(record), emitter=EMITTER, ranks=told.vocabulary.ranks)
    put_names(told, facts)
    put_usage(told, facts)
    put_content(told, facts, dropped=False)
    put_timing(told, facts)
    failed = record.get("status") == "failure" or bool(record.get("error_str"))
    put_outcome(told, facts, failed=failed, message=word(record.get("error_str")), exception=(None, None))
    _put_times(record, facts)
    trace_id, span_id = _ids(record)
    return Sighting(Kind.CALL, trace_id, span_id, None, facts)


def _raw(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record under the trail's names."""
    metadata = _mapping(record.get("metadata"))
    error = _mapping(record.get("error_information"))
    response = _mapping(record.get("response"))
    parameters = _mapping(record.get("model_parameters")) or _mapping(record.get("optional_params"))
    asked_by = _mapping(metadata.get("requester_metadata")) | _mapping(metadata.get("spend_logs_metadata"))
    code = error.get("error_code")
    return {
        "provider": record.get("custom_llm_provider"),
        "model_prefixed": record.get("model"),
        "model_answered": response.get("model"),
        "operation": record.get("call_type"),
        "response_id": response.get("id") or record.get("id"),
        "call_id": record.get("litellm_call_id"),
        "group_key": record.get("trace_id"),
        "usage": response.get("usage") or metadata.get("usage_object"),
        "input_tokens": record.get("prompt_tokens"),
        "output_tokens": record.get("completion_tokens"),
        "cost": record.get("response_cost"),
        "finish_reason": _finish(response),
        "error_type": error.get("error_class"),
        "error_text": error.get("error_message") or record.get("error_str"),
        "http_status": code if str(code or "").isdigit() else None,
        "stream": record.get("stream"),
        "input": record.get("messages") or record.get("input"),
        "output": record.get("response"),
        "response_format": parameters.get("response_format"),
        "user": record.get("end_user")
        or metadata.get("user_api_key_end_user_id")
        or metadata.get("user_api_key_user_id"),
        "conversation_id": record.get("session_id") or asked_by.get("session_id"),
        "feature": asked_by.get("feature"),
        "prompt_name": asked_by.get("prompt_name")
        or _mapping(metadata.get("prompt_management_metadata")).get("prompt_id"),
        "prompt_version": asked_by.get("prompt_version"),
        "attempt_hint": record.get("attempted_retries"),
    }


def _mapping(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def _finish(response: Mapping[str, Any]) -> Any:
    choices = response.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return first.get("finish_reason") if isinstance(first, Mapping) else response.get("stop_reason")


def _extra(record: Mapping[str, Any]) -> dict[str, Any]:
    names = ("model_group", "model_id", "request_tags", "cache_hit", "api_base")
    return {name: record[name] for name in names if record.get(name) not in (None, "", [])}


def _system(record: Mapping[str, Any]) -> str:
    metadata = _mapping(record.get("metadata"))
    for name in ("service.name", "system", "user_api_key_team_alias", "user_api_key_alias"):
        found = word(metadata.get(name))
        if found:
            return found
    return UNKNOWN_SYSTEM


def _put_times(record: Mapping[str, Any], facts: Facts) -> None:
    start, end = _moment(record.get("startTime")), _moment(record.get("endTime"))
    facts.start_us = start or 0
    if start is None or end is None or end < start:
        return
    facts.duration_us = end - start
    first = _moment(record.get("completionStartTime"))
    if facts.stream and facts.outcome is Outcome.OK and first is not None and start <= first <= end:
        facts.first_token_us = first - start


def _moment(value: Any) -> int | None:
    """Microseconds since 1970 of seconds, or of a date and time as text."""
    seconds = number(value)
    if seconds is not None:
        return round(seconds * 1_000_000) if 0 < seconds < _LATEST_SECONDS else None
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return microseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None


def _ids(record: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """A trace of LiteLLM's trace id, and a span of its call id: the same record twice is one call."""
    trace = str(record.get("trace_id") or record.get("litellm_call_id") or record.get("id") or "")
    own = str(record.get("litellm_call_id") or record.get("id") or "") or repr(sorted(record.items(), key=str))
    try:
        trace_id = UUID(trace).bytes
    except ValueError:
        trace_id = blake2b(trace.encode("utf-8", "replace"), digest_size=16).digest()
    return trace_id, blake2b(own.encode("utf-8", "replace"), digest_size=8).digest()
