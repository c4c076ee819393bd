"""Values that whoever starts a runbook may choose: read from what was typed, checked against what it allows."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal, InvalidOperation

from pydantic_core import PydanticCustomError

from bot.catalog.values import duration, nearest, shown, written
from bot.runbooks.schema import Input, InputType
from bot.runbooks.templates import Plain

_YES_NO = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
_CENTS = Decimal("0.01")
_DEAREST = Decimal(1_000_000_000)


class InputError(ValueError):
    """A value that an input cannot have; the message names the input, what it may be and what to do."""


def resolve(
    inputs: Mapping[str, Input],
    given: Mapping[str, str],
    *,
    defaults: Mapping[str, Plain],
    names: Mapping[str, Sequence[str]],
) -> dict[str, Plain]:
    """The value of every input: what was given, else its default.

    `defaults` are the defaults with their names filled in; `names` are what `choose_from` may choose from. Raises
    InputError for an unknown input, a missing one, and a value that is not allowed.
    """
    for name in given:
        if name not in inputs:
            raise InputError(f"there is no input {shown(name)}; {_meant(name, list(inputs))}")
    return {
        name: _value(name, one, given.get(name, defaults.get(name)), names.get(str(one.choose_from), ()))
        for name, one in inputs.items()
    }


def allowed(one: Input, names: Sequence[str]) -> Sequence[str]:
    """The only values that an input may have, as text; empty: any of its type."""
    return list(names) if one.choose_from is not None else [str(each) for each in one.choices]


def _value(name: str, one: Input, raw: Plain, names: Sequence[str]) -> Plain:
    choices = allowed(one, names)
    if raw is None:
        choose = f"; it is one of: {', '.join(choices)}" if choices else ""
        raise InputError(f"{name} must be chosen{choose}. Write {name}=…")
    text = str(raw).strip()
    if (choices or one.choose_from is not None) and text not in choices:
        if not choices:
            raise InputError(f"{name} is one of the system's {one.choose_from}, and it has none")
        raise InputError(f"{name} cannot be {shown(text)}; it is one of: {', '.join(choices)}")
    match one.type:
        case InputType.TEXT:
            return text
        case InputType.YES_NO:
            if text.lower() not in _YES_NO:
                raise InputError(f"{name} cannot be {shown(text)}; write yes or no")
            return _YES_NO[text.lower()]
        case InputType.SPAN:
            return written(_within(name, one, _span(name, text)))
        case InputType.MONEY:
            amount = _number(name, text.removeprefix("$"), "an amount of US dollars, for example 100.00")
            _in_range(name, one, amount, "$")
            if amount != amount.quantize(_CENTS):
                raise InputError(f"{name} cannot be {shown(text)}; write at most two decimal places")
            return amount.quantize(_CENTS)
    number = _number(name, text, "a number")
    _in_range(name, one, number, "")
    return int(number) if number == number.to_integral_value() else number


def _number(name: str, text: str, what: str) -> Decimal:
    try:
        number = Decimal(text) if re.fullmatch(r"-?\d{1,15}(\.\d{1,9})?", text) else None
    except InvalidOperation:  # pragma: no cover - the pattern admits nothing else
        number = None
    if number is None or abs(number) > _DEAREST:
        raise InputError(f"{name} cannot be {shown(text)}; write {what}")
    return number


def _span(name: str, text: str) -> timedelta:
    try:
        return duration(text)
    except PydanticCustomError:
        raise InputError(f"{name} cannot be {shown(text)}; write a number with a unit: 45s, 5m, 1h30m") from None


def _within(name: str, one: Input, span: timedelta) -> timedelta:
    seconds = Decimal(int(span.total_seconds()))
    for limit, beyond in ((one.minimum, seconds.__lt__), (one.maximum, seconds.__gt__)):
        if limit is not None and beyond(Decimal(str(limit))):
            raise InputError(f"{name} cannot be {written(span)}; {_range(one, 's')}")
    return span


def _in_range(name: str, one: Input, number: Decimal, unit: str) -> None:
    low = one.minimum is not None and number < Decimal(str(one.minimum))
    high = one.maximum is not None and number > Decimal(str(one.maximum))
    if low or high:
        raise InputError(f"{name} cannot be {unit}{number}; {_range(one, '')}")


def _range(one: Input, unit: str) -> str:
    least = f"{one.minimum:g}{unit}" if one.minimum is not None else None
    most = f"{one.maximum:g}{unit}" if one.maximum is not None else None
    if least is not None and most is not None:
        return f"write {least} to {most}"
    return f"write at least {least}" if least is not None else f"write at most {most}"


def _meant(name: str, known: Sequence[str]) -> str:
    guess = nearest(name, list(known))
    if guess:
        return f"did you mean {guess}?"
    return f"the inputs are: {', '.join(known)}" if known else "the runbook has none"
