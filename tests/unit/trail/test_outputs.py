"""Whether an answer is what was asked for."""

from typing import Any

import pytest

from bot.trail.calls import ErrorClass
from bot.trail.mapping.outputs import Parse, declared, flaw, parse, schema_text

SCHEMA = '{"type":"object","properties":{"days":{"type":"integer"}},"required":["days"],"additionalProperties":false}'


@pytest.mark.parametrize(
    ("value", "asked", "schema"),
    [
        ("json", True, None),
        ("text", False, None),
        ('{"type": "json_object"}', True, None),
        (
            {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}},
            True,
            '{"type":"object"}',
        ),
        ({"format": {"type": "json_schema", "schema": {"type": "array"}}}, True, '{"type":"array"}'),
        ({"type": "text"}, False, None),
        ({"properties": {"a": {}}}, True, '{"properties":{"a":{}}}'),
        (None, False, None),
        (7, False, None),
        ("{broken json", True, None),
    ],
)
def test_what_asks_for_json(value: Any, asked: bool, schema: str | None) -> None:
    assert declared(value) == (asked, schema)


@pytest.mark.parametrize(
    ("output", "parsed"),
    [
        (None, Parse.UNSEEN),
        ('{"days": 30}', Parse.FITS),
        ('{"days": 30.0}', Parse.FITS),
        ('{"days": "30"}', Parse.UNFIT),
        ('{"days": true}', Parse.UNFIT),
        ('{"ok": 1}', Parse.UNFIT),
        ('{"days": 1, "more": 2}', Parse.UNFIT),
        ("[1]", Parse.UNFIT),
        ('{"days": 3', Parse.BROKEN),
        ("Thirty days.", Parse.BROKEN),
        ('[{"name":"look_up","id":"c1","arguments":{"order":"A17"}}]', Parse.UNSEEN),
    ],
)
def test_an_answer_is_read_against_its_schema(output: str | None, parsed: Parse) -> None:
    assert parse(output, SCHEMA) is parsed


def test_a_schema_that_cannot_be_read_asks_for_nothing() -> None:
    assert parse("1", "{") is Parse.FITS
    assert parse("1", "[]") is Parse.FITS


def test_a_schema_may_stand_in_what_surrounds_it() -> None:
    assert schema_text('{"json_schema": {"schema": {"type": "object"}}}') == '{"type":"object"}'
    assert schema_text("{") is None


@pytest.mark.parametrize(
    ("finish", "parsed", "expected", "kind"),
    [
        ("length", Parse.BROKEN, True, ErrorClass.TRUNCATED),
        ("MAX_TOKENS", Parse.UNSEEN, False, ErrorClass.TRUNCATED),
        ("content-filter", Parse.BROKEN, True, ErrorClass.FILTERED),
        ("refusal", Parse.UNSEEN, False, ErrorClass.FILTERED),
        ("SAFETY", Parse.UNSEEN, False, ErrorClass.FILTERED),
        ("stop", Parse.BROKEN, True, ErrorClass.MALFORMED_OUTPUT),
        ("stop", Parse.UNFIT, True, ErrorClass.MALFORMED_OUTPUT),
        ("stop", Parse.BROKEN, False, None),
        ("stop", Parse.UNSEEN, True, None),
        (None, Parse.FITS, True, None),
    ],
)
def test_what_is_wrong_with_an_answer(
    finish: str | None, parsed: Parse, expected: bool, kind: ErrorClass | None
) -> None:
    assert flaw(finish, parsed, json_expected=expected) is kind
