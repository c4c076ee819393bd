"""Conditions: what they may say, what they depend on, and that nobody gets out of them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.runbooks.expressions import ExpressionError, parse

FACTS = {
    "incident": {"severity": "sev1", "value": 3.5, "provider": ""},
    "inputs": {"cap": Decimal("0.10"), "force": False},
    "steps": {"switch": {"failed": True, "reading": {"ok_rate": 0.4}}, "pull-it": {"failed": False}},
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("steps.switch.failed", True),
        ('steps["pull-it"].failed', False),
        ("steps.switch.reading.ok_rate < 0.95 and not inputs.force", True),
        ("incident.severity in ('sev1', 'sev2')", True),
        ("incident.severity not in ['sev1']", False),
        ("inputs.cap == 0.1", True),
        ("1 < incident.value <= 3.5", True),
        ("incident.provider == '' or steps.nowhere.failed", True),
        ("true and none == null", True),
        ("incident.value > -1", True),
    ],
)
def test_what_holds(text: str, holds: bool) -> None:
    assert parse(text).holds(FACTS) is holds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("steps.nowhere.failed", "steps.nowhere is not known"),
        ("incident.severity.__class__", "incident.severity.__class__ is not known"),
        ("incident.severity > 3", "'incident.severity > 3' cannot be decided"),
    ],
)
def test_what_cannot_be_decided_is_said(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text).holds(FACTS)
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is not a condition"),
        ("steps.switch.failed or", "'steps.switch.failed or' is not a condition"),
        ("open('x')", "has a call, which a condition cannot"),
        ("2 ** 999999", "has arithmetic, which a condition cannot"),
        ("'a' * 10 == 'b'", "has arithmetic, which a condition cannot"),
        ("[x for x in 'ab']", "has a loop, which a condition cannot"),
        ("f'{incident}'", "has a formatted text, which a condition cannot"),
        ("('a').upper == 1", "takes a field of something that is no name"),
        ("incident[0]", "takes a field of something that is no name"),
        ("b'x' == 1", "has the constant b'x', which a condition cannot"),
        ("x := 1", "'x := 1' is not a condition"),
        ("a" * 301, "is longer than 300 characters"),
        ("not " * 40 + "true", "is nested too deeply"),
    ],
)
def test_what_a_condition_cannot_say(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert caught.value.message == message


def test_it_knows_what_it_depends_on() -> None:
    found = parse('steps["pull-it"].failed or inputs.cap > 1 and true').paths
    assert found == {("steps", "pull-it", "failed"), ("inputs", "cap")}


@given(st.text(max_size=320))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        expression = parse(text)
    except ExpressionError:
        return
    try:
        assert expression.holds(FACTS) in (True, False)
    except ExpressionError:
        pass


_NAMES = st.sampled_from(["incident.severity", "inputs.cap", "steps.switch.failed", "1", "'sev1'", "none", "0.5"])
_CONDITIONS = st.recursive(
    _NAMES,
    lambda inner: (
        st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or", "==", "<", "in"]), inner)
        | st.builds("(not {})".format, inner)
    ),
    max_leaves=8,
)


@given(_CONDITIONS)
def test_any_condition_holds_or_not_or_cannot_be_decided(text: str) -> None:
    try:
        assert parse(text).holds(FACTS) in (True, False)
    except ExpressionError:
        pass
