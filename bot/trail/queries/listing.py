"""Calls as lines: the JSON object of `badday calls list --json`, and a row and a page for people."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bot.trail.queries.asking import CallRecord

CONTRACT = (
    *("call_id", "started_at", "system", "provider", "model", "model_answered", "operation"),
    *("response_id", "trace_id", "span_id", "outcome", "error_class", "http_status", "finish_reason"),
    *("input_tokens", "cached_tokens", "output_tokens", "cost", "cost_source", "latency_ms"),
    *("attempt_group", "attempt", "is_final", "input", "output"),
)
"""The fields that others rely on; they come first, in this order."""
MORE = (
    *("environment", "feature", "route", "prompt_name", "prompt_version", "conversation_id"),
    *("fell_back_from", "fallback_trigger", "first_token_ms", "retries"),
    *("cache_write_tokens", "reasoning_tokens"),
    *("error_type", "error_text", "stream", "release", "emitter", "emitter_version"),
    *("redactions", "truncated", "has_body"),
)
HEADER = (
    f"{'STARTED (UTC)':19}  {'CALL':15}  {'SYSTEM':16}  {'MODEL':32}  {'OUTCOME':16}  "
    f"{'LATENCY':>10}  {'TOKENS':>13}  {'COST':>11}"
)
UNPRICED = "unpriced"


def line(record: "CallRecord") -> str:
    """The call as one line of JSON."""
    return json.dumps(values(record), ensure_ascii=False)


def values(record: "CallRecord") -> dict[str, Any]:
    """What the line holds: times in ISO 8601 with Z, money as a decimal string in US dollars."""
    told = {name: _json(getattr(record, name)) for name in (*CONTRACT, *MORE)}
    told["attempt_group"] = record.attempt_group or record.call_id
    return told


def _json(value: Any) -> Any:
    match value:
        case datetime():
            return time(value)
        case Decimal():
            return money(value)
        case _:
            return value


def time(moment: datetime) -> str:
    """ISO 8601 in UTC with Z, to the microsecond where it is told so exactly."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def money(amount: Decimal) -> str:
    """A decimal string without an exponent and without idle zeros."""
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") or "0" if "." in text else text


def row(record: "CallRecord") -> str:
    """The call as one line for people, under HEADER."""
    return (
        f"{record.started_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}  {record.call_id:15}  {_cell(record.system, 16)}  "
        f"{_cell(model(record), 32)}  {_cell(verdict(record), 16)}  {latency(record.latency_ms):>10}  "
        f"{tokens(record):>13}  {cost(record):>11}"
    ).rstrip()


def page(record: "CallRecord") -> str:
    """The whole call for people: every field that is told, then input and output."""
    told = {
        name: value
        for name, value in values(record).items()
        if name not in ("input", "output") and value not in (None, "", False)
    }
    told["cost"] = cost(record)
    lines = [f"{name.replace('_', ' '):20}{_one_line(str(value))}" for name, value in told.items()]
    parts: list[tuple[str, str | None]] = [
        (f"input, {_one_line(role)}", content) for role, content in conversation(record.input) or ()
    ]
    parts = [*(parts or [("input", record.input)]), ("output", record.output)]
    return "\n".join([*lines, *(f"\n{title}\n{_body(text)}" for title, text in parts)])


def conversation(text: str | None) -> list[tuple[str, str]] | None:
    """Roles and contents of an input that is a list of messages; None for any other text."""
    try:
        told = json.loads(text or "")
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, list) or not told or not all(isinstance(one, dict) and "role" in one for one in told):
        return None
    return [(str(one["role"]), _content(one)) for one in told]


def _content(message: dict[str, Any]) -> str:
    content, calls = message.get("content"), message.get("tool_calls")
    parts = [content] if isinstance(content, str) else [_dumped(content)] if content else []
    return "\n".join([*parts, *([_dumped(calls)] if calls else [])])


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def model(record: "CallRecord") -> str:
    """`provider/model`, as asked for; with the answered model only where nothing else is known."""
    return "/".join(part for part in (record.provider, record.model or record.model_answered) if part) or "unknown"


def verdict(record: "CallRecord") -> str:
    """`ok`, or what was wrong."""
    return (record.error_class or str(record.outcome)).replace("_", " ")


def latency(milliseconds: float | None) -> str:
    if milliseconds is None:
        return "–"
    return f"{milliseconds:,.0f} ms" if milliseconds < 10_000 else f"{milliseconds / 1000:,.1f} s"


def tokens(record: "CallRecord") -> str:
    """Input → output; a dash where nobody told."""
    if record.input_tokens is None and record.output_tokens is None:
        return "–"
    shown = ("–" if one is None else f"{one:,}" for one in (record.input_tokens, record.output_tokens))
    return " → ".join(shown)


def cost(record: "CallRecord") -> str:
    """Dollars; at most so much where the price is an upper bound, `unpriced` where nobody knows."""
    if record.cost is None:
        return UNPRICED
    bound = "≤ " if (record.cost_source or "").endswith("upper_bound") else ""
    return bound + dollars(record.cost)


def dollars(amount: Decimal) -> str:
    """Cents for what is worth a dollar, else as many digits as tell something."""
    if amount >= 1 or amount == 0:
        return f"${amount:,.2f}"
    digits = max(4, 2 - amount.adjusted())
    return f"${amount:.{digits}f}"


def _cell(text: str, width: int) -> str:
    flat = _one_line(text)
    return f"{flat[: width - 1]}…" if len(flat) > width else f"{flat:{width}}"


def _one_line(text: str) -> str:
    """Foreign text on one line of a terminal: control characters could move the cursor or hide what was written."""
    return "".join(character if character.isprintable() else " " for character in text)


def _body(text: str | None) -> str:
    if text is None:
        return "  –"
    return "\n".join(f"  {_one_line(one)}" for one in text.splitlines() or [""])
