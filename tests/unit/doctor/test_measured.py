"""What the doctor says about how quickly people were reached."""

from bot.doctor.check import Status
from bot.doctor.measured import judge


def test_nobody_paged_is_no_problem() -> None:
    (check,) = judge([], [])
    assert (check.status, check.message) == (Status.OK, "nobody was paged in the last 30 days")


def test_quantiles_are_told_with_how_many_they_are_of() -> None:
    page, ack = judge([0.5, 1.25, 2.0], [30.0, 600.0])
    assert page.message == "p50 1.2 s, p95 2.0 s, p99 2.0 s (3 incidents of 30 days)"
    assert ack.message == "p50 30.0 s, p95 10 min, p99 10 min (2 incidents of 30 days)"


def test_slow_pages_are_warned_of_with_what_to_do() -> None:
    (check,) = judge([1.0, 9000.0], [])
    assert check.status is Status.WARN
    assert "p95 2 h" in check.message
    assert "second way" in check.fix
