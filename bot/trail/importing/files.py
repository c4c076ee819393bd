"""Which files an import reads, in which order, and what is known of each before it is opened."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

INDEX = "index.json"
_BESIDE = frozenset({INDEX, "truth.json"})
"""Files about bodies that are none themselves."""
_BODIES = (".pb", ".binpb", ".json", ".jsonl", ".ndjson", ".log")


class ListingError(ValueError):
    """An index.json that is none; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file to be read. What is None is found out from its name and content."""

    path: Path
    content_type: str | None = None
    encoding: str | None = None
    """As in HTTP; `identity` where the file is known to be as it is."""
    posted_to: str | None = None
    """The path of the request that the body came by: a hint, the content decides."""
    problem: str | None = None
    """Why there is nothing to read."""


def find(paths: list[Path]) -> Iterator[Found]:
    """The files named, and those of the folders named: as their index.json tells, else all bodies by name."""
    for path in paths:
        if path.is_dir():
            yield from _folder(path)
        elif path.exists():
            yield Found(path)
        else:
            yield Found(path, problem="no such file")


def _folder(folder: Path) -> Iterator[Found]:
    index = folder / INDEX
    if index.is_file():
        try:
            yield from _indexed(folder, json.loads(index.read_bytes()))
        except (OSError, ValueError) as error:
            yield Found(index, problem=f"cannot be read: {error}")
        return
    entries = sorted(folder.iterdir())
    yield from (Found(path) for path in entries if path.is_file() and _is_body(path))
    for path in entries:
        if path.is_dir() and not path.name.startswith("."):
            yield from _folder(path)


def _is_body(path: Path) -> bool:
    bare = path.name.lower().removesuffix(".gz")
    return bare.endswith(_BODIES) and path.name not in _BESIDE and not path.name.startswith(".")


def _indexed(folder: Path, index: Any) -> Iterator[Found]:
    """Every request that the index lists, in its order: alone, or grouped into scenarios."""
    if not isinstance(index, list):
        raise ListingError("it must hold a list of requests or scenarios")
    for entry in index:
        requests = entry.get("requests", [entry]) if isinstance(entry, dict) else [entry]
        for request in requests:
            if not isinstance(request, dict) or not isinstance(request.get("file"), str):
                raise ListingError(f"each request must name its `file`, this one does not: {str(request)[:80]}")
            yield _request(folder, request)


def _request(folder: Path, request: dict[str, Any]) -> Found:
    path = folder / request["file"]
    if folder.resolve() not in path.resolve().parents:
        return Found(path, problem="the index names a file outside of its folder")
    if not path.is_file():
        return Found(path, problem="the index names it, but there is no such file")
    encoding = request.get("content-encoding")
    return Found(
        path,
        content_type=_text(request.get("content-type")),
        encoding=_text(encoding) or "identity" if "content-encoding" in request else None,
        posted_to=_text(request.get("path")),
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
