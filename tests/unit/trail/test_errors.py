"""What kind of failure names, statuses and messages tell of."""

import pytest

from bot.trail.calls import ErrorClass
from bot.trail.mapping.errors import classify, is_abandoned, shown


@pytest.mark.parametrize(
    ("name", "status", "message", "kind"),
    [
        ("openai.APITimeoutError", None, "Request timed out.", ErrorClass.TIMEOUT),
        ("client_timeout_error", None, None, ErrorClass.TIMEOUT),
        ("litellm.exceptions.Timeout", 408, None, ErrorClass.TIMEOUT),
        ("TimeoutError", None, "The operation was aborted due to timeout", ErrorClass.TIMEOUT),
        ("AI_APICallError", 429, "Rate limit reached", ErrorClass.RATE_LIMIT),
        ("AI_APICallError", None, "Rate limit reached for requests", ErrorClass.RATE_LIMIT),
        ("ModelHTTPError", None, "status_code: 429, model_name: x", ErrorClass.RATE_LIMIT),
        ("ThrottlingException", None, None, ErrorClass.RATE_LIMIT),
        ("ResourceExhausted", None, None, ErrorClass.RATE_LIMIT),
        ("anthropic.APIStatusError", None, "{'type': 'overloaded_error'}", ErrorClass.OVERLOADED),
        ("InternalServerError", 500, '{"type":"overloaded_error"}', ErrorClass.OVERLOADED),
        ("openai.InternalServerError", None, "Error code: 503 - busy", ErrorClass.OVERLOADED),
        ("openai.InternalServerError", None, "Error code: 500 - The server had an error", ErrorClass.SERVER),
        ("InternalServerError", 500, "OpenAIException - Expecting value: line 1 column 1", ErrorClass.MALFORMED_BODY),
        (None, 502, None, ErrorClass.SERVER),
        ("500", None, None, ErrorClass.SERVER),
        ("openai.AuthenticationError", None, None, ErrorClass.AUTH),
        (None, 403, None, ErrorClass.AUTH),
        ("openai.BadRequestError", 400, "maximum context length is 8192", ErrorClass.BAD_REQUEST),
        ("ContextWindowExceededError", None, None, ErrorClass.BAD_REQUEST),
        ("openai.NotFoundError", None, "The model `x` has been deprecated", ErrorClass.MODEL_GONE),
        (None, None, "The model `x` does not exist", ErrorClass.MODEL_GONE),
        ("openai.APIConnectionError", None, "Connection error.", ErrorClass.TRANSPORT),
        ("RemoteProtocolError", None, "peer closed connection", ErrorClass.TRANSPORT),
        (None, None, "fetch failed", ErrorClass.TRANSPORT),
        ("json.decoder.JSONDecodeError", None, "Expecting value: line 1", ErrorClass.MALFORMED_BODY),
        ("SyntaxError", None, "Unexpected token <", ErrorClass.MALFORMED_BODY),
        ("SomethingElse", None, "?", ErrorClass.SERVER),
        (None, None, None, ErrorClass.SERVER),
    ],
)
def test_a_failure_has_a_class(name: str | None, status: int | None, message: str | None, kind: ErrorClass) -> None:
    assert classify(name, status, message) is kind


def test_a_caller_that_gave_up_is_told_from_one_that_ran_out_of_time() -> None:
    assert is_abandoned("asyncio.exceptions.CancelledError", None)
    assert is_abandoned("AbortError", "This operation was aborted")
    assert not is_abandoned("AbortError", "aborted due to timeout")
    assert not is_abandoned("openai.RateLimitError", None)


def test_tracebacks_and_long_messages_are_cut() -> None:
    assert shown("boom\nTraceback (most recent call last):\n secret") == "boom"
    assert shown("x" * 5_000) == "x" * 400
    assert shown("") is None
