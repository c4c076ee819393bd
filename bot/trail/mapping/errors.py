"""What kind of failure an exception's name, a status code or a message tells of."""

import re
from collections.abc import Mapping
from typing import Any

from bot.trail.calls import ErrorClass

_BY_NAME: tuple[tuple[str, ErrorClass], ...] = (
    # parts of exception names and of providers' error codes, lower case and without separators; the first that occurs
    ("timeout", ErrorClass.TIMEOUT),
    ("timedout", ErrorClass.TIMEOUT),
    ("deadlineexceeded", ErrorClass.TIMEOUT),
    ("ratelimit", ErrorClass.RATE_LIMIT),
    ("toomanyrequests", ErrorClass.RATE_LIMIT),
    ("resourceexhausted", ErrorClass.RATE_LIMIT),
    ("throttl", ErrorClass.RATE_LIMIT),
    ("quota", ErrorClass.RATE_LIMIT),
    ("overloaded", ErrorClass.OVERLOADED),
    ("serviceunavailable", ErrorClass.OVERLOADED),
    ("modelnotready", ErrorClass.OVERLOADED),
    ("internalserver", ErrorClass.SERVER),
    ("servererror", ErrorClass.SERVER),
    ("badgateway", ErrorClass.SERVER),
    ("authentication", ErrorClass.AUTH),
    ("unauthorized", ErrorClass.AUTH),
    ("unauthenticated", ErrorClass.AUTH),
    ("permission", ErrorClass.AUTH),
    ("forbidden", ErrorClass.AUTH),
    ("accessdenied", ErrorClass.AUTH),
    ("apikey", ErrorClass.AUTH),
    ("notfound", ErrorClass.MODEL_GONE),
    ("nosuchmodel", ErrorClass.MODEL_GONE),
    ("contentpolicy", ErrorClass.BAD_REQUEST),
    ("contextwindow", ErrorClass.BAD_REQUEST),
    ("contextlength", ErrorClass.BAD_REQUEST),
    ("badrequest", ErrorClass.BAD_REQUEST),
    ("invalidrequest", ErrorClass.BAD_REQUEST),
    ("invalidargument", ErrorClass.BAD_REQUEST),
    ("unprocessable", ErrorClass.BAD_REQUEST),
    ("requesttoolarge", ErrorClass.BAD_REQUEST),
    ("unsupportedparams", ErrorClass.BAD_REQUEST),
    ("jsondecode", ErrorClass.MALFORMED_BODY),
    ("noobjectgenerated", ErrorClass.MALFORMED_BODY),
    ("outputparser", ErrorClass.MALFORMED_BODY),
    ("jsonparse", ErrorClass.MALFORMED_BODY),
    ("responsevalidation", ErrorClass.MALFORMED_BODY),
    ("invalidresponse", ErrorClass.MALFORMED_BODY),
    ("syntaxerror", ErrorClass.MALFORMED_BODY),
    ("connection", ErrorClass.TRANSPORT),
    ("connecterror", ErrorClass.TRANSPORT),
    ("remoteprotocol", ErrorClass.TRANSPORT),
    ("protocolerror", ErrorClass.TRANSPORT),
    ("incompleteread", ErrorClass.TRANSPORT),
    ("chunkedencoding", ErrorClass.TRANSPORT),
    ("clientpayload", ErrorClass.TRANSPORT),
    ("serverdisconnected", ErrorClass.TRANSPORT),
    ("readerror", ErrorClass.TRANSPORT),
    ("writeerror", ErrorClass.TRANSPORT),
    ("networkerror", ErrorClass.TRANSPORT),
    ("transporterror", ErrorClass.TRANSPORT),
    ("brokenpipe", ErrorClass.TRANSPORT),
    ("sslerror", ErrorClass.TRANSPORT),
    ("econn", ErrorClass.TRANSPORT),
)
_BY_MESSAGE: tuple[tuple[re.Pattern[str], ErrorClass], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        (r"tim(?:ed?|ing)[ -]?out|deadline exceeded", ErrorClass.TIMEOUT),
        (r"rate[ _-]?limit|too many requests|quota", ErrorClass.RATE_LIMIT),
        (r"overloaded|service unavailable|at capacity", ErrorClass.OVERLOADED),
        (r"model[_ ]not[_ ]found|model .{0,80}(?:does not exist|deprecated|retired|not found)", ErrorClass.MODEL_GONE),
        (r"server had an error|internal server error|server[_ ]error|bad gateway", ErrorClass.SERVER),
        (r"api key|authentication|unauthori[sz]ed|permission|forbidden", ErrorClass.AUTH),
        (r"context[_ ](?:length|window)|maximum context|invalid[_ ]request|bad request", ErrorClass.BAD_REQUEST),
        (
            r"connection|peer closed|incomplete chunked read|disconnected|fetch failed|socket hang ?up|econn"
            r"|terminated",
            ErrorClass.TRANSPORT,
        ),
        (r"expecting value|unexpected token|not valid json|invalid json|json", ErrorClass.MALFORMED_BODY),
    )
)
_NO_JSON = re.compile(r"expecting value: line \d|extra data: line \d|unexpected token .{1,20} in json", re.IGNORECASE)
_STATUS_IN_MESSAGE = re.compile(r"(?:error code|status[_ ]?code|status|http)[:= ]+(\d{3})\b", re.IGNORECASE)
_ABANDONED = frozenset({"cancellederror", "generatorexit", "keyboardinterrupt", "canceled", "cancelled", "aborterror"})
_UNTOLD = frozenset({"", "_other", "error", "exception"})
LONGEST_TEXT = 400
"""Characters of an error message that are kept."""


def by_status(status: int | None) -> ErrorClass | None:
    """The class of an HTTP status; None below 400."""
    if status is None or status < 400:
        return None
    if status in (408, 504):
        return ErrorClass.TIMEOUT
    if status == 429:
        return ErrorClass.RATE_LIMIT
    if status in (503, 529):
        return ErrorClass.OVERLOADED
    if status >= 500:
        return ErrorClass.SERVER
    if status in (401, 403):
        return ErrorClass.AUTH
    if status in (404, 410):
        return ErrorClass.MODEL_GONE
    return ErrorClass.BAD_REQUEST


def by_name(name: str | None) -> ErrorClass | None:
    """The class that an exception's name or a provider's error code tells."""
    if not name:
        return None
    plain = name.rsplit(".", 1)[-1].lower().replace("_", "").replace("-", "").replace(" ", "")
    for part, kind in _BY_NAME:
        if part in plain:
            return kind
    return by_status(int(plain)) if plain.isdigit() and len(plain) == 3 else None


def status_in(message: str | None) -> int | None:
    """The HTTP status that a message mentions (`Error code: 429 - …`, `status_code: 500, …`)."""
    found = _STATUS_IN_MESSAGE.search(message) if message else None
    return int(found.group(1)) if found else None


def by_message(message: str | None) -> ErrorClass | None:
    """The class that words in a message tell."""
    if not message:
        return None
    for pattern, kind in _BY_MESSAGE:
        if pattern.search(message):
            return kind
    return None


def classify(name: str | None, status: int | None, message: str | None) -> ErrorClass:
    """The class of a failure. Where nothing tells, it counts as the server's."""
    said = status if status is not None and status >= 400 else status_in(message)
    named = by_name(name)
    if named is not None and named is not ErrorClass.SERVER:
        return named
    counted, worded = by_status(said), by_message(message)
    if (named or counted or ErrorClass.SERVER) is ErrorClass.SERVER and ErrorClass.OVERLOADED in (counted, worded):
        return ErrorClass.OVERLOADED  # SDKs call every status from 500 on an internal server error
    if named is ErrorClass.SERVER and message and _NO_JSON.search(message):
        return ErrorClass.MALFORMED_BODY  # LiteLLM calls an answer that it cannot read one, too
    return named or counted or worded or ErrorClass.SERVER


def is_abandoned(name: str | None, message: str | None) -> bool:
    """Whether the caller itself gave up: no failure of the provider's."""
    plain = (name or "").rsplit(".", 1)[-1].lower()
    return plain in _ABANDONED and by_message(message) is not ErrorClass.TIMEOUT


def told(name: Any) -> str | None:
    """An error type that says something."""
    return name if isinstance(name, str) and name.lower() not in _UNTOLD else None


def shown(message: str | None) -> str | None:
    """What is kept of a message: its beginning, without the traceback that some emitters append."""
    if not message:
        return None
    return message.split("Traceback (most recent call last)", 1)[0].strip()[:LONGEST_TEXT] or None


def exception_of(attributes: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Type and message of an `exception` event."""
    name, message = attributes.get("exception.type"), attributes.get("exception.message")
    return (name if isinstance(name, str) else None, message if isinstance(message, str) else None)
