"""The join of two sightings: the same call, whatever comes first, twice or late."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.trail.calls import ErrorClass, Facts, Outcome
from bot.trail.mapping.vocabulary import Levels
from bot.trail.merging.joining import Ranks, copied, hint, hints_of, join, pack_levels, settle

COUNTS = st.none() | st.integers(0, 3)
TEXTS = st.none() | st.sampled_from(["yes", "no, not today", '{"ok": true}', '{"ok": tru', "[]"])
NAMES = st.none() | st.sampled_from(["a", "b", "chat-1"])
SCHEMAS = st.none() | st.sampled_from(['{"required":["ok"]}', '{"required":["other"],"type":"object"}'])


few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def sightings(draw: st.DrawFn) -> Facts:
    failed = draw(st.booleans())
    facts = Facts(
        system="shop",
        provider=draw(st.sampled_from([None, "openai", "anthropic"])),
        model_asked=draw(NAMES),
        model_answered=draw(NAMES),
        operation=draw(st.sampled_from(["chat", "embeddings", "responses"])),
        emitter=draw(st.sampled_from(["x", "y"])),
        emitter_version=draw(st.sampled_from(["1", "2"])),
        start_us=draw(st.integers(1, 9)),
        duration_us=draw(COUNTS),
        first_token_us=draw(COUNTS),
        stream=draw(st.none() | st.booleans()),
        outcome=Outcome.ERROR if failed else Outcome.OK,
        error_class=draw(st.sampled_from(list(ErrorClass)[:5])) if failed else None,
        error_text=draw(NAMES) if failed else None,
        http_status=draw(st.sampled_from([None, 200, 429, 500])),
        finish_reason=draw(st.sampled_from([None, "stop", "length", "content_filter"])),
        retries=draw(COUNTS),
        response_id=draw(NAMES),
        conversation_id=draw(NAMES),
        user=draw(NAMES),
        feature=draw(NAMES),
        input_tokens=draw(COUNTS),
        cached_tokens=draw(COUNTS),
        output_tokens=draw(COUNTS),
        cached_split_told=draw(st.booleans()),
        emitter_cost_nano=draw(COUNTS),
        input=draw(TEXTS),
        output=draw(TEXTS),
        json_expected=draw(st.booleans()),
        json_schema=draw(SCHEMAS),
        extra=draw(st.dictionaries(st.sampled_from(["t", "u"]), st.integers(0, 1))),
        truncated=draw(st.booleans()),
        redactions=draw(st.integers(0, 2)),
    )
    level = st.integers(0, 3)
    levels = Levels(usage=draw(level), input=draw(level), output=draw(level), model_asked=draw(level))
    facts.ranks = pack_levels(levels, native=draw(st.booleans()))
    return settle(facts)


@few
@given(sightings(), sightings())
def test_the_order_of_two_does_not_matter(one: Facts, other: Facts) -> None:
    assert join(one, other) == join(other, one)


@few
@given(sightings(), sightings(), sightings())
def test_how_three_are_grouped_does_not_matter(one: Facts, two: Facts, three: Facts) -> None:
    assert join(join(one, two), three) == join(one, join(two, three))


@few
@given(sightings(), sightings())
def test_what_was_told_before_adds_nothing(one: Facts, other: Facts) -> None:
    joined = join(one, other)
    assert join(joined, one) == joined
    assert join(one, one) == one


@few
@given(sightings())
def test_settling_twice_is_settling_once(facts: Facts) -> None:
    assert settle(copied(facts)) == facts


def told(**fields: Any) -> Facts:
    levels = Levels(**fields.pop("levels", {}))
    facts = Facts(system="shop", start_us=1, ranks=pack_levels(levels, native=fields.pop("native", False)), **fields)
    return settle(facts)


def test_ranks_are_kept_as_one_number_of_63_bits() -> None:
    ranks = Ranks(0)
    for name, _ in Ranks.LAYOUT:
        setattr(ranks, name, 10**9)
    packed = ranks.pack()
    assert 0 < packed < 1 << 63
    assert Ranks(packed).pack() == packed


def test_counts_come_from_one_emitter_and_are_never_mixed() -> None:
    better = told(input_tokens=100, output_tokens=10, cached_tokens=5, levels={"usage": 7})
    worse = told(input_tokens=100, output_tokens=11, cached_tokens=5, reasoning_tokens=3, levels={"usage": 3})
    joined = join(worse, better)
    assert (joined.output_tokens, joined.reasoning_tokens) == (10, None)


def test_half_of_the_counts_gives_way_to_all_of_them() -> None:
    half = told(input_tokens=100, levels={"usage": 7})
    whole = told(input_tokens=100, output_tokens=10, levels={"usage": 1})
    assert join(half, whole).output_tokens == 10


def test_a_failure_is_not_overruled_by_somebody_who_saw_none() -> None:
    fine = told(output="half an ans")
    failed = told(outcome=Outcome.ERROR, error_class=ErrorClass.OVERLOADED, error_type="overloaded_error")
    joined = join(fine, failed)
    assert (joined.outcome, joined.error_class, joined.output) == (Outcome.ERROR, ErrorClass.OVERLOADED, "half an ans")


def test_the_named_failure_counts_more_than_the_unknown_one() -> None:
    unknown = told(outcome=Outcome.ERROR, error_class=ErrorClass.SERVER)
    timeout = told(outcome=Outcome.ERROR, error_class=ErrorClass.TIMEOUT)
    assert join(unknown, timeout).error_class is ErrorClass.TIMEOUT


def test_a_call_takes_from_its_earliest_start_to_its_latest_end() -> None:
    inner = told(duration_us=10, first_token_us=4)
    inner.start_us = 100
    outer = told(duration_us=40)
    outer.start_us = 90
    joined = join(inner, outer)
    assert (joined.start_us, joined.duration_us, joined.first_token_us) == (90, 40, 14)


def test_a_stored_text_that_is_not_at_hand_is_not_replaced_by_a_lesser_one() -> None:
    stored = told(output="a long answer", levels={"output": 5})
    stored.output = None
    assert join(stored, told(output="short", levels={"output": 3})).output is None
    assert join(stored, told(output="better", levels={"output": 6})).output == "better"


def test_a_wrapper_that_asked_for_json_makes_a_broken_answer_malformed() -> None:
    call = told(output='{"ok": tru')
    assert call.error_class is None
    hinted = hint(call, {"json_expected": True}, {})
    assert (hinted.outcome, hinted.error_class) == (Outcome.OK, ErrorClass.MALFORMED_OUTPUT)


def test_what_a_call_says_itself_is_not_overruled_by_hints_and_the_nearest_hint_counts() -> None:
    call = told(feature="refunds")
    hinted = hint(call, {"feature": "x", "user": "near"}, {"user": "far", "conversation_id": "root"})
    assert (hinted.feature, hinted.user, hinted.conversation_id) == ("refunds", "near", "root")
    assert hint(hinted, {"user": "near"}, {"conversation_id": "root"}) is hinted


def test_hints_are_what_a_span_around_calls_tells_for_them() -> None:
    around = told(feature="refunds", json_expected=True, json_schema="{}", model_asked="m")
    assert hints_of(around) == {"feature": "refunds", "json_expected": True, "json_schema": "{}"}
