from dataclasses import replace
from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from bot.trail.attempts.chains import SAME_INPUT_WITHIN_US, Attempt, Group, Place, Try, group, is_other_model
from bot.trail.calls import ErrorClass, Kind, Outcome

MS = 1_000
T = 1_795_443_955_000_000
TRACE, OTHER_TRACE = b"t" * 16, b"u" * 16
APP, AGENT = b"app-span", b"agntspan"


def call(
    number: int,
    start_ms: int,
    end_ms: int,
    error: ErrorClass | None = None,
    *,
    provider: str | None = "openai",
    model: str | None = "gpt-4.1-mini",
    trace: bytes | None = TRACE,
    parent: bytes | None = APP,
    kind: Kind = Kind.CALL,
    input_hash: int | None = None,
    group_key: str | None = None,
    system: str = "support-bot",
) -> Try:
    is_answer = error in (None, ErrorClass.MALFORMED_OUTPUT, ErrorClass.TRUNCATED, ErrorClass.FILTERED)
    return Try(
        id=number,
        system=system,
        start_us=T + start_ms * MS,
        end_us=T + end_ms * MS,
        kind=kind,
        places=(Place(trace, span(number), parent),) if trace is not None else (),
        outcome=Outcome.OK if is_answer else Outcome.ERROR,
        error_class=error,
        provider=provider,
        model=model,
        input_hash=input_hash,
        group_key=group_key,
    )


def span(number: int) -> bytes:
    return number.to_bytes(8, "big")


def claude(number: int, start_ms: int, end_ms: int, error: ErrorClass | None = None, **more: object) -> Try:
    return replace(
        call(number, start_ms, end_ms, error, **more),  # type: ignore[arg-type]
        provider="anthropic",
        model="claude-haiku-4-5",
    )


def ids(groups: list[Group]) -> list[list[int]]:
    return [[attempt.id for attempt in each.attempts] for each in groups]


def test_a_fallback_under_one_parent_is_a_group_whose_second_call_says_where_it_came_from() -> None:
    groups = group([call(1, 0, 7, ErrorClass.SERVER), claude(2, 8, 33)])
    assert groups == [
        Group(
            (
                Attempt(1, 1, 1, is_final=False),
                Attempt(2, 1, 2, is_final=True, fell_back_from="openai/gpt-4.1-mini", trigger=ErrorClass.SERVER),
            )
        )
    ]


def test_retries_of_a_framework_are_a_group_without_a_fallback() -> None:
    limited = ErrorClass.RATE_LIMIT
    (found,) = group([call(1, 0, 5, limited), call(2, 7, 12, limited), call(3, 13, 39)])
    assert [(a.id, a.attempt, a.is_final, a.fell_back_from) for a in found.attempts] == [
        (1, 1, False, None),
        (2, 2, False, None),
        (3, 3, True, None),
    ]
    assert [attempt.trigger for attempt in found.attempts] == [None, limited, limited]


def test_a_retry_of_the_standby_is_no_second_fallback() -> None:
    calls = [
        call(1, 0, 5, ErrorClass.TIMEOUT),
        claude(2, 6, 9, ErrorClass.OVERLOADED),
        claude(3, 10, 20),
    ]
    (found,) = group(calls)
    assert [attempt.fell_back_from for attempt in found.attempts] == [None, "openai/gpt-4.1-mini", None]
    assert [attempt.trigger for attempt in found.attempts] == [None, ErrorClass.TIMEOUT, ErrorClass.OVERLOADED]


def test_calls_side_by_side_are_no_group() -> None:
    assert group([call(n, n, 30 + n) for n in range(1, 6)]) == []


def test_a_failure_in_a_fan_out_takes_no_call_that_ran_beside_it() -> None:
    fan = [call(1, 0, 3, ErrorClass.RATE_LIMIT), call(2, 0, 30), call(3, 1, 31), call(4, 2, 29)]
    assert group(fan) == []


def test_the_retry_in_a_fan_out_is_found_by_its_input() -> None:
    fan = [
        call(1, 0, 5, ErrorClass.RATE_LIMIT, input_hash=11),
        call(2, 0, 30, input_hash=22),
        call(3, 6, 20, input_hash=33),
        call(4, 7, 28, input_hash=11),
    ]
    assert ids(group(fan)) == [[1, 4]]


def test_the_next_item_of_a_loop_is_no_retry_of_the_failed_one() -> None:
    assert group([call(1, 0, 5, ErrorClass.BAD_REQUEST, input_hash=1), call(2, 6, 9, input_hash=2)]) == []


def test_the_rounds_of_a_tool_loop_are_no_group() -> None:
    assert group([call(1, 0, 28, parent=AGENT), call(2, 32, 59, parent=AGENT), call(3, 60, 70, parent=AGENT)]) == []


def test_a_retry_within_a_tool_loop_leaves_its_other_rounds_alone() -> None:
    loop = [
        call(1, 0, 28, parent=AGENT),
        call(2, 32, 35, ErrorClass.OVERLOADED, parent=AGENT),
        call(3, 40, 60, parent=AGENT),
        call(4, 61, 70, parent=AGENT),
    ]
    assert ids(group(loop)) == [[2, 3]]


def test_an_output_that_is_asked_for_again_is_an_attempt_although_its_input_has_grown() -> None:
    first = call(1, 0, 29, ErrorClass.MALFORMED_OUTPUT, parent=AGENT, input_hash=1)
    (found,) = group([first, call(2, 31, 58, parent=AGENT, input_hash=2)])
    assert [attempt.trigger for attempt in found.attempts] == [None, ErrorClass.MALFORMED_OUTPUT]


def test_an_attempt_span_under_the_answering_call_comes_before_it() -> None:
    answer = claude(2, 0, 64, parent=AGENT)
    failed = call(3, 1, 7, ErrorClass.SERVER, parent=span(2), kind=Kind.ATTEMPT)
    (found,) = group([answer, failed])
    assert [(a.id, a.attempt, a.is_final) for a in found.attempts] == [(3, 1, False), (2, 2, True)]
    assert found.attempts[1].fell_back_from == "openai/gpt-4.1-mini"


def test_an_attempt_span_finds_the_answering_call_by_its_twin() -> None:
    """The call is kept under another emitter's span, and the attempt's parent is the twin."""
    answer = claude(2, 10, 60, parent=span(9))
    answer = replace(answer, places=(*answer.places, Place(TRACE, span(9), AGENT)))
    failed = call(3, 1, 7, ErrorClass.SERVER, parent=span(9), kind=Kind.ATTEMPT)
    assert ids(group([answer, failed])) == [[3, 2]]


def test_a_twin_in_the_framework_s_trace_makes_a_sibling() -> None:
    answer = claude(2, 9, 32, trace=OTHER_TRACE, parent=None)
    answer = replace(answer, places=(*answer.places, Place(TRACE, span(8), APP)))
    assert ids(group([call(1, 0, 7, ErrorClass.SERVER), answer])) == [[1, 2]]


def test_a_router_s_records_are_grouped_by_their_key() -> None:
    records = [
        call(1, 0, 16, ErrorClass.SERVER, trace=None, group_key="77ae"),
        call(2, 1172, 1181, ErrorClass.SERVER, trace=None, group_key="77ae"),
        claude(3, 2600, 2630, trace=None, group_key="77ae"),
        claude(4, 2600, 2630, trace=None, group_key="0000"),
    ]
    assert ids(group(records)) == [[1, 2, 3]]


def test_attempts_in_traces_of_their_own_are_grouped_by_input_within_two_minutes() -> None:
    def later(start_ms: int) -> Try:
        return claude(2, start_ms, start_ms + 27, trace=OTHER_TRACE, parent=None, input_hash=5)

    failed = call(1, 0, 506, ErrorClass.TIMEOUT, parent=None, input_hash=5)
    limit = SAME_INPUT_WITHIN_US // MS
    assert ids(group([failed, later(3000)])) == [[1, 2]]
    assert ids(group([failed, later(506 + limit)])) == [[1, 2]]
    assert group([failed, later(507 + limit)]) == []
    assert group([failed, replace(later(3000), input_hash=6)]) == []
    assert group([failed, replace(later(3000), system="another")]) == []


def test_who_asks_the_same_again_begins_a_chain_of_his_own() -> None:
    alone = call(1, 0, 5, ErrorClass.SERVER, parent=None, input_hash=5)
    chain = [
        call(2, 100, 105, ErrorClass.SERVER, trace=OTHER_TRACE, input_hash=5),
        claude(3, 106, 110, trace=OTHER_TRACE, input_hash=5),
    ]
    assert ids(group([alone, *chain])) == [[2, 3]]


def test_retries_of_a_framework_are_followed_by_another_model_elsewhere() -> None:
    retries = [
        call(1, 0, 5, ErrorClass.SERVER, parent=APP, input_hash=5),
        call(2, 6, 9, ErrorClass.SERVER, parent=APP, input_hash=5),
    ]
    assert ids(group([*retries, claude(3, 12, 20, trace=OTHER_TRACE, input_hash=5)])) == [[1, 2, 3]]


def test_the_same_input_after_a_success_is_a_call_of_its_own() -> None:
    assert group([call(1, 0, 5, parent=None, input_hash=5), call(2, 6, 9, trace=OTHER_TRACE, input_hash=5)]) == []


def test_a_snapshot_of_a_model_and_a_provider_s_prefix_are_no_other_model() -> None:
    asked = call(1, 0, 1)
    assert not is_other_model(asked, replace(asked, model="gpt-4.1-mini-2025-04-14"))
    assert not is_other_model(asked, replace(asked, model="openai/gpt-4.1-mini"))
    assert not is_other_model(asked, replace(asked, model=None))
    assert is_other_model(asked, replace(asked, model="gpt-4.1"))
    assert is_other_model(asked, replace(asked, provider="azure.ai.openai"))


def test_a_model_that_names_its_provider_is_not_prefixed_twice() -> None:
    assert call(1, 0, 1, model="openai/gpt-4.1-mini").name == "openai/gpt-4.1-mini"
    assert call(1, 0, 1, provider=None).name == "gpt-4.1-mini"


def test_a_bucket_of_many_failures_takes_little_time() -> None:
    crowd = [call(n, n % 50, 60, ErrorClass.TIMEOUT, parent=None, input_hash=1) for n in range(1, 4_000)]
    assert group(crowd) == []


classes = st.sampled_from([None, None, ErrorClass.SERVER, ErrorClass.TIMEOUT, ErrorClass.MALFORMED_OUTPUT])


@st.composite
def worlds(draw: st.DrawFn) -> list[Try]:
    calls = []
    for number in range(1, draw(st.integers(1, 12)) + 1):
        start = draw(st.integers(0, 300))
        calls.append(
            call(
                number,
                start,
                start + draw(st.integers(0, 80)),
                draw(classes),
                provider=draw(st.sampled_from(["openai", "anthropic", None])),
                trace=draw(st.sampled_from([TRACE, OTHER_TRACE, None])),
                parent=draw(st.sampled_from([APP, AGENT, None, *(span(n) for n in range(1, 6))])),
                kind=draw(st.sampled_from([Kind.CALL, Kind.CALL, Kind.CALL, Kind.ATTEMPT])),
                input_hash=draw(st.sampled_from([None, 1, 2])),
                group_key=draw(st.sampled_from([None, None, "k"])),
            )
        )
    return calls


@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_and_repetitions_do_not_matter(calls: list[Try], random: Random) -> None:
    shuffled = [*calls, *calls[:3]]
    random.shuffle(shuffled)
    assert group(shuffled) == group(calls)


@given(worlds())
def test_a_call_is_in_one_group_at_most_and_attempts_count_from_one(calls: list[Try]) -> None:
    groups = group(calls)
    everybody = [attempt.id for each in groups for attempt in each.attempts]
    assert len(everybody) == len(set(everybody))
    for each in groups:
        assert len(each.attempts) > 1
        assert [attempt.attempt for attempt in each.attempts] == list(range(1, len(each.attempts) + 1))
        assert [attempt.is_final for attempt in each.attempts] == [False] * (len(each.attempts) - 1) + [True]
        assert {attempt.group for attempt in each.attempts} == {each.attempts[0].id}


@given(worlds())
def test_only_a_failure_or_an_attempt_span_is_followed(calls: list[Try]) -> None:
    by_id = {each.id: each for each in calls}
    for each in group(calls):
        for one, other in pairwise(each.attempts):
            earlier, later = by_id[one.id], by_id[other.id]
            assert earlier.failed or Kind.ATTEMPT in (earlier.kind, later.kind)
            assert earlier.system == later.system


@given(worlds())
def test_nothing_is_grouped_where_nothing_failed(calls: list[Try]) -> None:
    fine = [replace(each, outcome=Outcome.OK, error_class=None, kind=Kind.CALL) for each in calls]
    assert group(fine) == []
