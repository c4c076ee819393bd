"""Looks into a file as it was read: its mappings, its texts, and the names in it that must be known."""

from collections.abc import Iterator
from typing import Any

from bot.catalog.problems import Problem
from bot.catalog.reading import Document, FieldPath
from bot.catalog.values import nearest, shown

Named = tuple[FieldPath, str]
"""A name, and where it stands."""


def entries(document: Document, section: str) -> Iterator[tuple[FieldPath, dict[str, Any]]]:
    for key, entry in mapping(document.at((section,))).items():
        if isinstance(entry, dict):
            yield (section, key), entry


def mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def texts(document: Document, path: FieldPath) -> list[Named]:
    """The texts at `path`, which holds one or a list of them; anything else is the schema's business."""
    value = document.at(path)
    if isinstance(value, str):
        return [(path, value)]
    if isinstance(value, list):
        return [((*path, index), item) for index, item in enumerate(value) if isinstance(item, str)]
    return []


def unknown(document: Document, named: Named, section: str, what: str) -> Iterator[Problem]:
    path, name = named
    known = sorted(mapping(document.at((section,))))
    if name in known:
        return
    guess = nearest(name, known)
    fix = f"did you mean {guess}?" if guess else f"add it under `{section}`, or write one of them"
    yield document.problem(path, f"{shown(name)} is not {what} of this catalog", fix)


def repeated(document: Document, path: FieldPath, other: object, message: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for own, name in texts(document, path):
        if name == other:
            yield document.problem(own, f"{name} {message}", "name another one, or remove it")
        elif name in seen:
            yield document.problem(own, f"{name} is named twice", "remove one of the two")
        seen.add(name)
