"""Pieces that the formats have in common: texts, times, labels, and where in a body something is wrong."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, TypeAdapter, ValidationError

from bot.alerts.said import Fault, FaultError, PayloadError, Said, Scope, Source, fingerprint_of_labels, severity_of

T = TypeVar("T")
LONGEST_NAME = 200
"""Characters of an alertname or a cause: it names an incident."""
LONGEST_TITLE = 300
LONGEST_TEXT = 3_000
LONGEST_VALUE = 4_000
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_NO_TIME = "write a time as RFC 3339 has it, for example 2026-03-02T09:00:00Z"
_EARLIEST = 1970
"""Go writes a time that is not set as the first of January of the year 1."""


def _time(value: Any) -> Any:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or _RFC_3339.fullmatch(value) is None:
        raise ValueError(_NO_TIME)
    try:
        time = datetime.fromisoformat(value.upper())
        return None if time.year < _EARLIEST else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"there is no such time; {_NO_TIME}") from None


def _no_nul(value: str) -> str:
    # PostgreSQL stores no NUL in a text.
    return value.replace("\0", "\ufffd") if "\0" in value else value


def _nothing_for_null(value: Any) -> Any:
    return {} if value is None else value


Text = Annotated[str, AfterValidator(_no_nul)]
Time = Annotated[datetime | None, BeforeValidator(_time)]
Labels = dict[Text, Text]
Annotations = Annotated[dict[Text, Text], BeforeValidator(_nothing_for_null)]


class Body(BaseModel):
    """Fields have their own types, nothing is guessed; fields that we do not know are other people's business."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, populate_by_name=True)


def read(adapter: TypeAdapter[T], body: bytes) -> T:
    """The body as its format has it; raises PayloadError for the first thing that is wrong."""
    try:
        return adapter.validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        message = str(first["msg"]).removeprefix("Value error, ")
        raise PayloadError(Fault(path_of(first["loc"]), message[:1].lower() + message[1:])) from None


def path_of(location: Sequence[str | int]) -> str:
    """`[2].labels.system`; the whole body where there is no place."""
    path = ""
    for part in location:
        if part != "[key]":
            path += f"[{part}]" if isinstance(part, int) else f".{part}"
    return path.removeprefix(".")[:200] or "body"


def said_by_labels(
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    *,
    source: Source,
    scope: Scope,
    where: str,
    firing: bool,
    starts_at: datetime | None,
    ends_at: datetime | None,
    url: str | None,
    text: str = "",
) -> Said:
    """An alert that is told by labels, as Prometheus and all who follow it do. Raises FaultError.

    `where` is its place in the body, such as `[2]` or `alerts[2]`.
    """
    kept = {name: value for name, value in labels.items() if value}
    if not kept:
        raise FaultError(f"{where}.labels", "an alert needs at least one label that is not empty")
    if "" in kept:
        raise FaultError(f"{where}.labels", "a label needs a name")
    cause = kept.get("alertname", "").strip()
    named(cause, f"{where}.labels.alertname")
    system = scope.system(kept.get("system"), f"{where}.labels.system")
    return Said(
        system=system,
        fingerprint=fingerprint_of_labels(kept),
        source=source,
        cause=cause,
        severity=severity_of(kept.get("severity")),
        title=(annotations.get("summary", "").strip() or cause)[:LONGEST_TITLE],
        text=(annotations.get("description") or annotations.get("message") or text).strip()[:LONGEST_TEXT],
        url=web_address(url),
        labels=_clipped(kept),
        annotations=_clipped(annotations),
        firing=firing,
        starts_at=starts_at,
        ends_at=ends_at,
    )


def named(cause: str, where: str) -> None:
    """Check the name of a cause; raises FaultError."""
    if not cause:
        raise FaultError(where, "it is missing; it names the cause, and each cause of a system is its own incident")
    if len(cause) > LONGEST_NAME:
        raise FaultError(where, f"it has {len(cause)} characters; a name has at most {LONGEST_NAME}")


def web_address(url: str | None) -> str | None:
    """An address that can be opened in a browser; some senders give paths of their own."""
    text = (url or "").strip()
    return text if text.startswith(("http://", "https://")) and len(text) <= LONGEST_VALUE else None


def _clipped(texts: Mapping[str, str]) -> dict[str, str]:
    return {name[:LONGEST_NAME]: value[:LONGEST_VALUE] for name, value in texts.items()}
