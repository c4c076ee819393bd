"""What a file of an import holds, told by its content: OTLP bodies, LiteLLM's logs, or calls one a line.

Lines are read one after the other, so a file of any size takes the memory of one line.
"""

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from io import BufferedReader, BytesIO, RawIOBase
from typing import Any, cast

import orjson

from bot.trail.importing.files import Found

LARGEST_BODY = 32 * 1024**2
"""Bytes of a protobuf body, unpacked: what the receiver takes as well."""
LARGEST_DOCUMENT = 256 * 1024**2
"""Bytes of one JSON document or line."""
_GZIP = b"\x1f\x8b"
_LITELLM = frozenset({"litellm_call_id", "call_type", "model_group", "response_cost", "standard_logging_object_id"})
"""Keys of LiteLLM's records; two of them are enough to know one."""
_PROTOBUF = (".pb", ".binpb")
_NEAR = 4096
"""Bytes of a broken document in which it still tells what it was to be."""
_TRIED = 20
"""Lines of a broken document of which one must be JSON by itself to take them one by one."""
_LINES = (".jsonl", ".ndjson", ".log")


class Form(StrEnum):
    TRACES = "traces"
    LOGS = "logs"
    EITHER = "either"
    """Protobuf that nothing but its content can tell."""
    LITELLM = "litellm"
    CALL = "call"
    METRICS = "metrics"
    """Not kept."""


_KEYS = {"resourceSpans": Form.TRACES, "resourceLogs": Form.LOGS, "resourceMetrics": Form.METRICS}
_OTLP = _KEYS.keys()


class UnreadableError(ValueError):
    """The file, or the line, cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Something that tells of calls. `body` holds OTLP, `record` everything else."""

    form: Form
    line: int | None = None
    """Where it stands, counted from 1; None where it is the whole file."""
    body: bytes = b""
    json: bool = False
    record: Any = None
    problem: str | None = None
    """Why this line cannot be read; the others are."""


def pieces(found: Found) -> Iterator[Piece]:
    """What the file holds, in its order. Raises UnreadableError where it ends before its time or is nothing known."""
    if found.problem is not None:
        raise UnreadableError(found.problem)
    try:
        with _opened(found) as stream:
            if _is_protobuf(found, stream.peek(16)):
                yield Piece(_form(found), body=_whole(stream, LARGEST_BODY))
            else:
                yield from _json(found, stream)
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableError(f"cannot be read: {error}") from error


def _opened(found: Found) -> BufferedReader:
    with found.path.open("rb") as file:
        start = file.read(len(_GZIP))
    match (found.encoding or ("gzip" if start == _GZIP else "identity")).strip().lower():
        case "identity":
            return found.path.open("rb")
        case "gzip" | "x-gzip":
            return BufferedReader(cast("RawIOBase", gzip.open(found.path)))
        case "deflate":
            return BufferedReader(cast("RawIOBase", BytesIO(_inflated(found.path.read_bytes()))))
        case encoding:
            raise UnreadableError(f"content-encoding {encoding} is not known; there are gzip and deflate")


def _inflated(packed: bytes) -> bytes:
    """Deflate is zlib's format by the standard; some senders leave its header out."""
    has_header = len(packed) >= 2 and packed[0] & 0x0F == 8 and (packed[0] << 8 | packed[1]) % 31 == 0
    unpacking = zlib.decompressobj(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS)
    body = unpacking.decompress(packed, LARGEST_DOCUMENT)
    if unpacking.unconsumed_tail:
        raise UnreadableError(f"unpacks to more than {LARGEST_DOCUMENT // 1024**2} MB")
    return body


def _is_protobuf(found: Found, start: bytes) -> bool:
    """By what the index tells, else by its name, else by its beginning."""
    media = (found.content_type or "").partition(";")[0].strip().lower()
    if media:
        if media == "application/x-protobuf":
            return True
        if "json" in media:
            return False
        raise UnreadableError(f"content-type {media} is not known; there are application/x-protobuf and JSON")
    name = _name(found)
    if name.endswith((*_LINES, ".json")):
        return False
    # A protobuf body begins with a line feed, the tag of its first field, and any character may follow.
    return name.endswith(_PROTOBUF) or start.lstrip()[:1] not in (b"{", b"[")


def _name(found: Found) -> str:
    return found.path.name.lower().removesuffix(".gz")


def _form(found: Found) -> Form:
    """What the index or the name promises of a protobuf body."""
    for hint in (found.posted_to or "", _name(found)):
        for form in (Form.TRACES, Form.LOGS, Form.METRICS):
            if form.value in hint:
                return form
    return Form.EITHER


def _whole(stream: BufferedReader, largest: int) -> bytes:
    body = stream.read(largest + 1)
    if len(body) > largest:
        raise UnreadableError(f"unpacks to more than {largest // 1024**2} MB")
    return body


def _json(found: Found, stream: BufferedReader) -> Iterator[Piece]:
    """Lines where the name says so or the first line is JSON by itself, else one document."""
    lines = _numbered(stream)
    first = next(lines, None)
    if first is None:
        return
    if _name(found).endswith(_LINES) or _loaded(first[1]) is not None:
        yield from _of_line(*first)
        for number, line in lines:
            yield from _of_line(number, line)
        return
    yield from _document(first[1] + _whole(stream, LARGEST_DOCUMENT))


def _document(body: bytes) -> Iterator[Piece]:
    value = _loaded(body)
    if value is not None:
        yield from _of_value(value, body, None)
        return
    told = [(key, form) for key, form in _KEYS.items() if key.encode() in body[:_NEAR]]
    if told:
        # Its own decoder may still mend it, and says best what is wrong.
        yield from (Piece(form, body=body, json=True) for _, form in told)
        return
    if not any(isinstance(_loaded(line), dict) for line in body.splitlines()[:_TRIED]):
        raise UnreadableError(_why_no_json(body))
    for number, line in _numbered(BufferedReader(cast("RawIOBase", BytesIO(body)))):
        yield from _of_line(number, line)


def _numbered(stream: BufferedReader) -> Iterator[tuple[int, bytes]]:
    """Lines with their numbers; empty ones are passed over."""
    reading = iter(lambda: stream.readline(LARGEST_DOCUMENT), b"")
    for number, line in enumerate(reading, 1):
        told = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        if told.strip():
            yield number, told


def _loaded(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _why_no_json(text: bytes) -> str:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return f"no JSON: {error}"
    return "JSON, but nothing in it"


def _of_line(number: int, line: bytes) -> Iterator[Piece]:
    value = _loaded(line)
    if value is None:
        yield Piece(Form.CALL, number, problem=_why_no_json(line))
        return
    yield from _of_value(value, line, number)


def _of_value(value: Any, body: bytes, line: int | None) -> Iterator[Piece]:
    """What one JSON value is: an OTLP body, a record of LiteLLM, a call, or a list of the last two."""
    if isinstance(value, list):
        records = [one for one in value if _is_litellm(one)]
        if records:
            yield Piece(Form.LITELLM, line, record=records)
        yield from (Piece(Form.CALL, line, record=one) for one in value if not _is_litellm(one))
    elif not isinstance(value, dict):
        yield Piece(Form.CALL, line, problem="a line must hold one JSON object")
    elif _OTLP & value.keys():
        yield from (Piece(form, line, body=body, json=True) for key, form in _KEYS.items() if key in value)
    elif _is_litellm(value):
        yield Piece(Form.LITELLM, line, record=[value])
    else:
        yield Piece(Form.CALL, line, record=value)


def _is_litellm(value: Any) -> bool:
    return isinstance(value, dict) and len(_LITELLM & value.keys()) >= 2
