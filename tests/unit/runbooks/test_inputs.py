"""Inputs: what may be chosen, and what is said of everything else."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.runbooks.inputs import InputError, resolve
from bot.runbooks.schema import Input
from bot.runbooks.templates import Plain

INPUTS = {
    "cap": Input.model_validate({"type": "money", "min": 1, "max": 2000}),
    "backup": Input.model_validate({"choose_from": "providers"}),
    "calls": Input.model_validate({"type": "number", "min": 1, "max": 9}),
    "hold": Input.model_validate({"type": "span", "max": 3600}),
    "force": Input.model_validate({"type": "yes_no"}),
    "mood": Input.model_validate({"choices": ["calm", "loud"]}),
}
DEFAULTS: dict[str, Plain] = {
    "cap": "100",
    "backup": "cirrus",
    "calls": 3,
    "hold": "30m",
    "force": False,
    "mood": "calm",
}
NAMES = {"providers": ["northwind", "cirrus"]}


def values(**given: str) -> dict[str, Plain]:
    return resolve(INPUTS, given, defaults=DEFAULTS, names=NAMES)


def test_what_nobody_chooses_has_its_default() -> None:
    known = {"cap": Decimal("100.00"), "backup": "cirrus", "calls": 3, "hold": "30m", "force": False, "mood": "calm"}
    assert values() == known


@pytest.mark.parametrize(
    ("name", "typed", "value"),
    [
        ("cap", "$12.5", Decimal("12.50")),
        ("backup", "northwind", "northwind"),
        ("calls", "7", 7),
        ("hold", "1h", "1h"),
        ("force", "yes", True),
    ],
)
def test_what_is_chosen_counts(name: str, typed: str, value: Plain) -> None:
    assert values(**{name: typed})[name] == value


@pytest.mark.parametrize(
    ("name", "typed", "message"),
    [
        ("cap", "0.5", "cap cannot be $0.5; write 1 to 2000"),
        ("cap", "1.005", "cap cannot be '1.005'; write at most two decimal places"),
        ("cap", "NaN", "cap cannot be 'NaN'; write an amount of US dollars, for example 100.00"),
        ("backup", "polar", "backup cannot be 'polar'; it is one of: northwind, cirrus"),
        ("calls", "10", "calls cannot be 10; write 1 to 9"),
        ("hold", "2h", "hold cannot be 2h; write at most 3600s"),
        ("hold", "soon", "hold cannot be 'soon'; write a number with a unit: 45s, 5m, 1h30m"),
        ("force", "maybe", "force cannot be 'maybe'; write yes or no"),
        ("mood", "sad", "mood cannot be 'sad'; it is one of: calm, loud"),
        ("capp", "1", "there is no input 'capp'; did you mean cap?"),
    ],
)
def test_what_cannot_be_chosen_is_said(name: str, typed: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        values(**{name: typed})
    assert str(caught.value) == message


def test_what_must_be_chosen_is_asked_for() -> None:
    with pytest.raises(InputError, match=r"backup must be chosen; it is one of: northwind, cirrus\. Write backup=…"):
        resolve(INPUTS, {}, defaults=DEFAULTS | {"backup": None}, names=NAMES)


@given(st.sampled_from(list(INPUTS)), st.text(max_size=30))
def test_anything_typed_is_taken_or_refused(name: str, typed: str) -> None:
    try:
        found = values(**{name: typed})
    except InputError:
        return
    again = {
        each: str(value) if not isinstance(value, bool) else "yes" * value or "no" for each, value in found.items()
    }
    assert values(**again) == found
