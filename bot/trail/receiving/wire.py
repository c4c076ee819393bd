"""From what is on the wire to the body that was meant: content types, encodings, and how much is unpacked at most."""

import zlib
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Protocol

LARGEST_BODY = 32 * 1024 * 1024
"""Bytes, packed as well as unpacked."""
_MOST_MEMBERS = 100
"""gzip allows many files in one; no exporter does that."""
_GZIP = 16 + zlib.MAX_WBITS


class Form(StrEnum):
    """What a body is written in."""

    PROTOBUF = "application/x-protobuf"
    JSON = "application/json"
    LINES = "application/x-ndjson"


_FORMS = {
    "application/x-protobuf": Form.PROTOBUF,
    "application/protobuf": Form.PROTOBUF,
    "application/json": Form.JSON,
    "application/x-ndjson": Form.LINES,
    "application/ndjson": Form.LINES,
    "application/jsonl": Form.LINES,
}


class WireError(Exception):
    """The body cannot be taken as it was sent; `status` is the answer, `field` the header at fault if one is."""

    def __init__(self, status: HTTPStatus, message: str, *, field: str | None = None) -> None:
        self.status = status
        self.field = field
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Body:
    """A request body as it was before it was packed."""

    form: Form
    content: bytes


def form_of(content_type: str | None, *, allowed: tuple[Form, ...] = (Form.PROTOBUF, Form.JSON)) -> Form:
    """What a `Content-Type` stands for, whatever its parameters; raises WireError (415)."""
    name = (content_type or "").partition(";")[0].strip().lower()
    form = _FORMS.get(name)
    if form is None or form not in allowed:
        said = f"{name[:100]!r} is not taken here" if name else "no content type was sent"
        raise WireError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"{said}; send {' or '.join(allowed)}", field="Content-Type")
    return form


class _Packed(Protocol):
    """A decompressor of zlib."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class Unpacker:
    """Takes a body piece by piece; raises WireError as soon as it is too large or broken, or its encoding unknown."""

    def __init__(self, encoding: str | None, *, cap: int = LARGEST_BODY) -> None:
        self._encoding = _encoding(encoding)
        self._cap = cap
        self._pieces: list[bytes] = []
        self._head = b""
        self._packed: _Packed | None = None
        self._members = 0
        self.received = 0
        """Bytes as sent."""
        self.size = 0
        """Bytes unpacked so far."""

    def feed(self, chunk: bytes) -> None:
        self.received += len(chunk)
        if self.received > self._cap:
            raise self._too_large()
        if self._encoding == "identity":
            self._add(chunk)
        else:
            self._unpack(chunk)

    def finish(self) -> bytes:
        """The whole body; raises WireError where its end is missing."""
        if self._head or (self._packed is not None and not self._packed.eof):
            raise self._broken("it ends too early")
        content = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces = []
        return content

    def _unpack(self, chunk: bytes) -> None:
        data = self._head + chunk
        self._head = b""
        while data:
            if self._packed is None or self._packed.eof:
                if self._packed is not None and (self._encoding != "gzip" or not data.strip(b"\0")):
                    return  # padding behind the end
                if len(data) < 2:  # it takes two bytes to tell zlib from raw deflate
                    self._head = data
                    return
                self._packed = self._begin(data)
            try:
                self._add(self._packed.decompress(data, self._cap - self.size + 1))
            except zlib.error as error:
                raise self._broken(str(error).partition(": ")[2] or "it is damaged") from None
            data = self._packed.unused_data if self._packed.eof else b""

    def _begin(self, data: bytes) -> _Packed:
        self._members += 1
        if self._members > _MOST_MEMBERS:
            raise self._broken(f"it has more than {_MOST_MEMBERS} parts")
        if self._encoding == "gzip":
            return zlib.decompressobj(_GZIP)
        # RFC 9110 means zlib by `deflate`, some clients send what is inside of it.
        is_zlib = data[0] & 0x0F == zlib.DEFLATED and int.from_bytes(data[:2], "big") % 31 == 0
        return zlib.decompressobj(zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS)

    def _add(self, piece: bytes) -> None:
        self.size += len(piece)
        if self.size > self._cap:
            raise self._too_large()
        if piece:
            self._pieces.append(piece)

    def _too_large(self) -> WireError:
        return WireError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"the body is larger than {self._cap // 1024 // 1024} MB when unpacked; send less at once",
        )

    def _broken(self, reason: str) -> WireError:
        return WireError(
            HTTPStatus.BAD_REQUEST, f"the body is not {self._encoding}: {reason}", field="Content-Encoding"
        )


def unpack(content_type: str | None, encoding: str | None, content: bytes, *, cap: int = LARGEST_BODY) -> Body:
    """A body that is there as a whole; raises WireError."""
    form = form_of(content_type, allowed=tuple(Form))
    unpacker = Unpacker(encoding, cap=cap)
    unpacker.feed(content)
    return Body(form, unpacker.finish())


def _encoding(told: str | None) -> str:
    name = (told or "").strip().lower() or "identity"
    if name == "x-gzip":
        return "gzip"
    if name not in ("identity", "gzip", "deflate"):
        raise WireError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"encoding {name[:50]!r} is not understood; send gzip, deflate or nothing",
            field="Content-Encoding",
        )
    return name
