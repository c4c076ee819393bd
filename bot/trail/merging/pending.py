"""Parts that wait for their call: facts as JSON in the hints of a remembered span."""

from dataclasses import fields
from typing import Any

from bot.trail.calls import ErrorClass, Facts, Kind, Outcome, SeenSpan

FACTS = "facts"
"""Name among the hints under which waiting facts stand."""
_DEFAULTS = Facts()


def pack(facts: Facts) -> dict[str, Any]:
    """What the facts tell, as JSON values."""
    told = {}
    for each in fields(Facts):
        value = getattr(facts, each.name)
        if value != getattr(_DEFAULTS, each.name):
            told[each.name] = str(value) if isinstance(value, (Outcome, ErrorClass)) else value
    return {FACTS: told}


def waits(span: SeenSpan) -> bool:
    """Whether a span is a part whose call has not come yet."""
    return span.kind is Kind.PART and span.call_id is None and bool(span.hints) and FACTS in (span.hints or {})


def unpack(span: SeenSpan) -> Facts:
    """The facts that `pack` wrote; names that this version does not know are left out."""
    known = {each.name for each in fields(Facts)}
    told = {name: value for name, value in (span.hints or {})[FACTS].items() if name in known}
    if "outcome" in told:
        told["outcome"] = Outcome(told["outcome"])
    if told.get("error_class") is not None:
        told["error_class"] = ErrorClass(told["error_class"])
    return Facts(**told)
