"""Bodies come out as they went in, however they were packed and cut; what is too large or broken is refused."""

import gzip
import tracemalloc
import zlib
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.trail.receiving.wire import Form, Unpacker, WireError, form_of, unpack


def raw_deflate(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


PACKERS = {
    None: bytes,
    "": bytes,
    "identity": bytes,
    "gzip": gzip.compress,
    "GZip ": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
}


def fed(encoding: str | None, packed: bytes, *, step: int = 7, cap: int = 10_000) -> bytes:
    unpacker = Unpacker(encoding, cap=cap)
    for start in range(0, len(packed), step):
        unpacker.feed(packed[start : start + step])
    return unpacker.finish()


def refusal(encoding: str | None, packed: bytes, *, step: int = 7, cap: int = 10_000) -> HTTPStatus:
    with pytest.raises(WireError) as caught:
        fed(encoding, packed, step=step, cap=cap)
    return caught.value.status


@given(st.binary(max_size=500), st.sampled_from(list(PACKERS)), st.integers(1, 600))
def test_a_body_comes_out_as_it_went_in_however_it_is_cut(content: bytes, encoding: str | None, step: int) -> None:
    assert fed(encoding, PACKERS[encoding](content), step=step) == content


@given(st.binary(max_size=500), st.integers(1, 600))
def test_deflate_may_come_without_its_zlib_header(content: bytes, step: int) -> None:
    assert fed("deflate", raw_deflate(content), step=step) == content


@given(st.binary(max_size=200), st.sampled_from(["gzip", "deflate"]), st.integers(1, 300))
def test_rubbish_is_unpacked_or_refused(content: bytes, encoding: str, step: int) -> None:
    try:
        fed(encoding, content, step=step)
    except WireError as error:
        assert error.status == HTTPStatus.BAD_REQUEST  # noqa: PT017 - either outcome is right


def test_gzip_in_several_members_and_with_padding_is_one_body() -> None:
    assert fed("gzip", gzip.compress(b"one ") + gzip.compress(b"two") + bytes(20)) == b"one two"
    assert refusal("gzip", gzip.compress(b"") * 101) == HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_body_without_its_end_is_refused(encoding: str) -> None:
    whole = PACKERS[encoding](b"x" * 100)
    assert refusal(encoding, whole[:-5]) == HTTPStatus.BAD_REQUEST
    assert refusal(encoding, b"hello, I am plain text") == HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize("encoding", [None, "gzip", "deflate"])
def test_the_cap_holds_to_the_byte(encoding: str | None) -> None:
    assert len(fed(encoding, PACKERS[encoding](b"x" * 10_000), step=999)) == 10_000
    assert refusal(encoding, PACKERS[encoding](b"x" * 10_001), step=999) == HTTPStatus.REQUEST_ENTITY_TOO_LARGE


def test_a_bomb_is_never_unpacked_whole() -> None:
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join(packer.compress(bytes(1_000_000)) for _ in range(100)) + packer.flush()
    tracemalloc.start()
    try:
        assert refusal("gzip", bomb, step=65_536, cap=5_000_000) == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        assert tracemalloc.get_traced_memory()[1] < 25_000_000
    finally:
        tracemalloc.stop()


def test_what_is_sent_is_capped_too() -> None:
    packed = gzip.compress(b"x" * 50, compresslevel=0)
    assert refusal("gzip", packed, cap=20) == HTTPStatus.REQUEST_ENTITY_TOO_LARGE


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "é"])
def test_other_encodings_are_not_supported(encoding: str) -> None:
    with pytest.raises(WireError, match="send gzip") as caught:
        Unpacker(encoding)
    assert (caught.value.status, caught.value.field) == (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Content-Encoding")


@pytest.mark.parametrize(
    ("content_type", "form"),
    [
        ("application/x-protobuf", Form.PROTOBUF),
        ("Application/JSON ; charset=UTF-8", Form.JSON),
        ("application/json;charset=utf-8", Form.JSON),
    ],
)
def test_content_types_are_read_whatever_their_parameters(content_type: str, form: Form) -> None:
    assert form_of(content_type) == form


@pytest.mark.parametrize("content_type", [None, "", "text/plain", "application/x-ndjson", ";", "application/jsonp"])
def test_other_content_types_are_not_supported(content_type: str | None) -> None:
    with pytest.raises(WireError, match="send application/x-protobuf or application/json") as caught:
        form_of(content_type)
    assert (caught.value.status, caught.value.field) == (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Content-Type")


def test_a_whole_body_is_unpacked_at_once() -> None:
    body = unpack("application/x-ndjson", "gzip", gzip.compress(b"{}\n"))
    assert (body.form, body.content) == (Form.LINES, b"{}\n")
