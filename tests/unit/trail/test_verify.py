"""How stored calls are compared with the truth of a folder."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from bot.trail.importing.verify import States, compare
from bot.trail.queries.records import CallRecord

TRUTH: dict[str, Any] = {
    "outcome": "ok",
    "error_class": None,
    "class_visible": True,
    "response_id": "r1",
    "model_asked": "m",
    "model_answered": "m",
    "input_tokens": 10,
    "cached_tokens": 0,
    "output_tokens": 2,
    "tokens_visible": True,
    "has_input": True,
    "has_output": True,
    "output_starts": "Until six.",
    "cost_exact": True,
}


def call(number: int, **changes: Any) -> CallRecord:
    told: dict[str, Any] = dict.fromkeys(CallRecord.__dataclass_fields__)
    told |= {
        "id": number,
        "call_id": f"c_{number}",
        "started_at": datetime(2026, 11, 23, tzinfo=UTC),
        "system": "shop",
        "model": "m",
        "outcome": "ok",
        "response_id": "r1",
        "input_tokens": 10,
        "output_tokens": 2,
        "output": "Until six. Or so.",
        "cost": Decimal("0.1"),
        "cost_source": "price_list",
    }
    return CallRecord(**(told | changes))


def judged(wanted: list[dict[str, Any]], *have: CallRecord, **alone: list[CallRecord]) -> Any:
    states = States({"s": list(have)}, {one.id: one for one in have}, alone)
    return compare("folder", {"s": wanted}, states, {})


def test_calls_as_they_should_be_are_ok() -> None:
    verdict = judged([TRUTH], call(1))
    assert verdict.ok
    line = verdict.line()
    assert (line["calls"], line["matched"], line["tokens_exact"], line["outputs_right"]) == (1, 1, 1, 1)


def test_a_missing_call_is_not_ok() -> None:
    verdict = judged([TRUTH, {**TRUTH, "response_id": None}], call(1))
    assert (verdict.missing, verdict.ok) == (1, False)


def test_a_call_too_many_is_not_ok() -> None:
    verdict = judged([TRUTH], call(1), call(2, response_id=None))
    assert (verdict.extra, verdict.duplicates, verdict.ok) == (1, 0, False)


def test_two_calls_with_one_response_id_are_duplicates() -> None:
    verdict = judged([TRUTH], call(1), call(2))
    assert (verdict.extra, verdict.duplicates, verdict.ok) == (0, 1, False)


def test_wrong_counts_classes_and_outputs_are_told_by_scenario() -> None:
    verdict = judged([TRUTH], call(1, input_tokens=11, error_class="truncated", output="No."))
    assert not verdict.ok
    assert [problem.split(":")[1].strip() for problem in verdict.problems] == ["classes", "tokens", "outputs"]
    assert verdict.doubtful == {"s"}


def test_what_the_body_cannot_show_is_not_scored() -> None:
    hidden = {**TRUTH, "class_visible": False, "tokens_visible": False, "cost_exact": False, "input_tokens": None}
    verdict = judged([hidden], call(1, input_tokens=99, error_class="truncated"))
    assert verdict.ok
    assert verdict.scored == {"outputs": 1}


def test_a_cost_that_claims_more_than_the_body_tells_is_not_ok() -> None:
    assert not judged([{**TRUTH, "cost_exact": False}], call(1)).ok
    assert judged([{**TRUTH, "cost_exact": False}], call(1, cost_source="price_list_upper_bound")).ok


def test_an_unpriced_call_that_could_be_priced_is_not_ok() -> None:
    assert not judged([TRUTH], call(1, cost=None, cost_source=None)).ok


def test_an_answer_that_came_with_another_scenario_does_not_count_against_a_call() -> None:
    quiet = {**TRUTH, "has_output": False, "output_starts": None}
    assert not judged([quiet], call(1)).ok
    assert judged([quiet], call(1), s=[call(7, output=None)]).ok
