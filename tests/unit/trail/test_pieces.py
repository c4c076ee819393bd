"""What the files of an import hold, told by their content, and in which order they are read."""

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.trail.importing.files import Found, find
from bot.trail.importing.pieces import LARGEST_BODY, Form, Piece, UnreadableError, pieces

CALL = {"ts": 1772460000, "output": "x"}
LITELLM = {"call_type": "acompletion", "response_cost": 0.1, "model": "m"}
SPANS: dict[str, Any] = {"resourceSpans": []}
LOGS: dict[str, Any] = {"resourceLogs": []}


def read(folder: Path, content: bytes, name: str, **known: Any) -> list[Piece]:
    path = folder / name
    path.write_bytes(content)
    return list(pieces(Found(path, **known)))


def forms(found: list[Piece]) -> list[tuple[Form, int | None]]:
    return [(piece.form, piece.line) for piece in found]


def lines(*records: Any) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def test_each_line_is_what_it_holds(tmp_path: Path) -> None:
    found = read(tmp_path, lines(CALL, LITELLM, SPANS, LOGS), "a.jsonl")
    assert forms(found) == [(Form.CALL, 1), (Form.LITELLM, 2), (Form.TRACES, 3), (Form.LOGS, 4)]


def test_a_broken_line_spoils_no_other_and_empty_ones_are_counted(tmp_path: Path) -> None:
    found = read(tmp_path, b"{\n\n" + lines(CALL) + b"[1, 2\n7\n", "a.jsonl")
    assert forms(found) == [(Form.CALL, 1), (Form.CALL, 3), (Form.CALL, 4), (Form.CALL, 5)]
    assert [bool(piece.problem) for piece in found] == [True, False, True, True]


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.log", "a", "a.jsonl.gz", "a.txt"])
def test_lines_are_known_whatever_the_name(tmp_path: Path, name: str) -> None:
    content = lines(CALL, CALL)
    found = read(tmp_path, gzip.compress(content) if name.endswith("gz") else content, name)
    assert forms(found) == [(Form.CALL, 1), (Form.CALL, 2)]


def test_lines_in_a_json_file_are_read_though_the_first_is_broken(tmp_path: Path) -> None:
    found = read(tmp_path, b'{"ts": \n' + lines(CALL), "a.json")
    assert forms(found) == [(Form.CALL, 1), (Form.CALL, 2)]
    assert found[0].problem


@pytest.mark.parametrize("indent", [None, 2])
def test_a_document_is_read_as_a_whole(tmp_path: Path, indent: int | None) -> None:
    def one(value: Any) -> list[Form]:
        return [piece.form for piece in read(tmp_path, json.dumps(value, indent=indent).encode(), "a.json")]

    assert one([LITELLM, LITELLM]) == [Form.LITELLM]
    assert one(SPANS) == [Form.TRACES]
    assert one(LOGS) == [Form.LOGS]
    assert one({"resourceMetrics": []}) == [Form.METRICS]
    assert one([CALL, CALL]) == [Form.CALL, Form.CALL]


def test_litellm_posted_anywhere_is_litellm(tmp_path: Path) -> None:
    found = read(tmp_path, json.dumps([LITELLM]).encode(), "a.json", posted_to="/v1/traces")
    assert [piece.form for piece in found] == [Form.LITELLM]


@pytest.mark.parametrize(
    ("name", "posted_to", "form"),
    [
        ("chat.001.traces.pb", None, Form.TRACES),
        ("chat.002.logs.pb.gz", None, Form.LOGS),
        ("chat.pb", "/v1/logs", Form.LOGS),
        ("chat.pb", "/api/public/otel/v1/traces", Form.TRACES),
        ("chat.pb", "/v1/metrics", Form.METRICS),
        ("chat.pb", None, Form.EITHER),
        ("chat", None, Form.EITHER),
    ],
)
def test_a_protobuf_body_is_what_its_path_or_its_name_promises(
    tmp_path: Path, name: str, posted_to: str | None, form: Form
) -> None:
    body = b"\n\x05hello"
    content = gzip.compress(body) if name.endswith("gz") else body
    found = read(tmp_path, content, name, posted_to=posted_to)
    assert [(piece.form, piece.body, piece.json) for piece in found] == [(form, body, False)]


@pytest.mark.parametrize("pack", [zlib.compress, lambda body: zlib.compress(body, wbits=-15)])
def test_deflate_is_read_with_and_without_its_header(tmp_path: Path, pack: Any) -> None:
    found = read(tmp_path, pack(lines(CALL)), "a.jsonl", encoding="deflate")
    assert forms(found) == [(Form.CALL, 1)]


@pytest.mark.parametrize(
    ("content", "name", "known", "why"),
    [
        (b"no gzip", "a.pb.gz", {"encoding": "gzip"}, "cannot be read: Not a gzipped file"),
        (gzip.compress(b"abc", mtime=0)[:-6], "a.pb.gz", {}, "cannot be read: Compressed file ended"),
        (b"x", "a.pb", {"encoding": "br"}, "content-encoding br is not known"),
        (b"x", "a.pb", {"content_type": "text/plain"}, "content-type text/plain is not known"),
        (gzip.compress(bytes(LARGEST_BODY + 1), mtime=0), "a.pb.gz", {}, "unpacks to more than 32 MB"),
        (b"{\n'no'\n}", "a.json", {}, "no JSON"),
    ],
)
def test_what_cannot_be_read_says_why(
    tmp_path: Path, content: bytes, name: str, known: dict[str, Any], why: str
) -> None:
    with pytest.raises(UnreadableError, match=why):
        read(tmp_path, content, name, **known)


def test_an_empty_file_holds_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, b"", "a.jsonl") == []


@settings(deadline=None)
@given(
    st.binary() | st.lists(st.sampled_from([b"{", b"}", b"[", b"]", b'"a"', b":", b"1", b",", b"\n"])).map(b"".join),
    st.sampled_from(["a", "a.pb", "a.json", "a.jsonl", "a.jsonl.gz", "a.log"]),
    st.sampled_from([None, "identity", "gzip", "deflate"]),
)
def test_any_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str, encoding: str | None
) -> None:
    folder = tmp_path_factory.mktemp("any")
    try:
        read(folder, content, name, encoding=encoding)
    except UnreadableError:
        pass


def names(folder: Path, *paths: Path) -> list[str]:
    return [str(found.path.relative_to(folder)) for found in find(list(paths or [folder]))]


def test_a_folder_gives_its_bodies_by_name_and_those_of_its_folders(tmp_path: Path) -> None:
    for name in ("b.pb", "a.json", "truth.json", "notes.md", ".hidden.json", "deep/c.jsonl.gz"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert names(tmp_path) == ["a.json", "b.pb", "deep/c.jsonl.gz"]
    assert names(tmp_path, tmp_path / "notes.md") == ["notes.md"]


def test_an_index_gives_order_and_headers(tmp_path: Path) -> None:
    for name in ("a.pb", "b.pb", "c.pb"):
        (tmp_path / name).touch()
    requests = [
        {"file": "b.pb", "path": "/v1/logs", "content-type": "application/x-protobuf", "content-encoding": None}
    ]
    index = [{"scenario": "one", "requests": requests}, {"file": "a.pb"}, {"file": "gone.pb"}, {"file": "../x.pb"}]
    (tmp_path / "index.json").write_text(json.dumps(index))
    first, second, missing, outside = find([tmp_path])
    assert first == Found(tmp_path / "b.pb", "application/x-protobuf", "identity", "/v1/logs")
    assert second == Found(tmp_path / "a.pb")
    assert "no such file" in (missing.problem or "")
    assert "outside of its folder" in (outside.problem or "")


def test_a_broken_index_and_a_missing_file_are_told(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text("{}")
    found = [*find([tmp_path]), *find([tmp_path / "gone"])]
    assert [one.problem for one in found] == [
        "cannot be read: it must hold a list of requests or scenarios",
        "no such file",
    ]
