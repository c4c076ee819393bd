"""What every mapping of the file is built from: unknown keys are mistakes, and lengths of time are written as text."""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema

from bot.catalog.values import Duration, duration, shown, written, wrong


class Strict(BaseModel):
    """A mapping of the file in which an unknown key is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, title=None)


def _true_or_false(value: Any) -> Any:
    if not isinstance(value, bool):
        raise wrong(f"must be true or false, not {shown(value)}", "write true or false, without quotes")
    return value


def _span_or_off(value: Any) -> timedelta | None:
    return None if value is None or value == "off" else duration(value)


Span = Annotated[Duration, PlainSerializer(written, return_type=str)]
SpanOrOff = Annotated[
    timedelta | None,
    BeforeValidator(_span_or_off),
    PlainSerializer(lambda length: "off" if length is None else written(length), return_type=str),
    WithJsonSchema(
        {"type": "string", "pattern": r"^(off|(?=.)(\d{1,6}h)?(\d{1,6}m)?(\d{1,6}s)?)$", "examples": ["30m", "off"]}
    ),
]
Switch = Annotated[bool, BeforeValidator(_true_or_false), WithJsonSchema({"type": "boolean"})]
