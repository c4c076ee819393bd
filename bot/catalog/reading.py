"""YAML 1.2 text -> plain data with the line and column of every key and value, and every mistake of the YAML itself."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.resolver import implicit_resolvers

from bot.catalog.problems import CatalogError, Problem

LARGEST = 1_048_576  # bytes; a thousand systems take about 300 KB
DEEPEST = 32  # levels of nesting; a catalog has six

FieldPath = tuple[str | int, ...]

# The types of unquoted text in YAML 1.2, from the library's own table. Dates stay text: no field of ours is one.
_SCALARS = [
    (tag.rpartition(":")[2], pattern)
    for versions, tag, pattern, _ in implicit_resolvers
    if (1, 2) in versions and tag.endswith((":bool", ":int", ":float", ":null"))
]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a key and its value stand; counted from 1. List items have no key: there both are the value's."""

    key: tuple[int, int]
    value: tuple[int, int]


@dataclass(slots=True)
class Document:
    """A file's data (dicts, lists, text, numbers, booleans, None), the place of each part, and what was wrong."""

    file: str
    data: Any = None
    places: dict[FieldPath, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    unread: set[FieldPath] = field(default_factory=set)
    """Parts whose value was not read, because of a problem that is in `problems`."""
    complete: bool = False
    """False where the text is no YAML, so that `data` says nothing."""

    def problem(self, path: FieldPath, message: str, fix: str, *, at_key: bool = False) -> Problem:
        """A problem of the part at `path`, or of the nearest part around it that the file has."""
        known = path
        while known and known not in self.places:
            known = known[:-1]
        place = self.places.get(known, Place((1, 1), (1, 1)))
        around = known != path or isinstance(self.at(known), (dict, list))
        line, column = place.key if at_key or around else place.value
        return Problem(self.file, line, column, dotted(path), message, fix)

    def at(self, path: FieldPath) -> Any:
        """The data at `path`, None where there is none."""
        found = self.data
        for part in path:
            if isinstance(found, dict):
                found = found.get(part)
            elif isinstance(found, list) and isinstance(part, int) and part < len(found):
                found = found[part]
            else:
                return None
        return found


def dotted(path: FieldPath) -> str:
    """A path as people read it: systems.support-bot.deputies[0]."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def read_text(path: Path, *, advice: str) -> str:
    """The file's text; raises CatalogError (unreadable) where there is none, it is too large or not UTF-8."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(LARGEST + 1)
    except FileNotFoundError:
        raise _unreadable(path, "there is no such file", advice) from None
    except OSError as error:
        reason = (error.strerror or "unknown error").lower()
        raise _unreadable(path, f"cannot be read: {reason}", "check the path and its permissions") from None
    if len(raw) > LARGEST:
        raise _unreadable(path, f"is larger than {LARGEST // 1024} KiB", "make it smaller; is it the right file?")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - (raw.rfind(b"\n", 0, error.start) + 1) + 1
        raise _unreadable(path, "is not UTF-8 text", "save it as UTF-8", line=line, column=column) from None


def _unreadable(path: Path, message: str, fix: str, *, line: int = 1, column: int = 1) -> CatalogError:
    return CatalogError([Problem(str(path), line, column, "", message, fix)], unreadable=True)


def read(text: str, file: str) -> Document:
    """The YAML document in `text`. Never raises: mistakes are in `problems`."""
    document = Document(file)
    try:
        events = iter(YAML(typ="safe", pure=True).parse(text))
        _document(events, document)
        document.complete = True
    except YAMLError as error:
        document.problems.append(_syntax_problem(error, text, file))
    except _NotWorthReadingError:
        pass
    return document


class _NotWorthReadingError(Exception):
    """The rest of the file would only give follow-up errors; what is wrong is in the document's problems."""


def _document(events: Iterator[Event], document: Document) -> None:
    for event in events:
        if isinstance(event, (MappingStartEvent, SequenceStartEvent, ScalarEvent, AliasEvent)):
            document.places[()] = Place(_at(event), _at(event))
            document.data = _value(event, events, document, ())
        elif isinstance(event, (DocumentEndEvent, StreamEndEvent)):
            break
    for event in events:
        if isinstance(event, DocumentStartEvent):
            _complain(document, event, (), "a second document starts here", "keep one document and remove the line ---")
            raise _NotWorthReadingError


def _value(event: Event, events: Iterator[Event], document: Document, path: FieldPath) -> Any:
    """The data that begins with `event`; takes the events up to its end."""
    if len(path) > DEEPEST:
        _complain(document, event, path, "is nested too deeply", f"use at most {DEEPEST} levels")
        raise _NotWorthReadingError
    if isinstance(event, AliasEvent):
        # Refused, not followed: ten lines of nested aliases can stand for gigabytes.
        _complain(document, event, path, f"the alias *{event.anchor} is not supported", "write the value out")
        document.unread.add(path)
        return None
    tag = str(getattr(event, "tag", None) or "!")
    if tag != "!" and not tag.startswith("tag:yaml.org,2002:"):
        _complain(document, event, path, f"the tag {tag} is not supported", "remove it")
        document.unread.add(path)
    if isinstance(event, MappingStartEvent):
        return _mapping(events, document, path)
    if isinstance(event, SequenceStartEvent):
        return _sequence(events, document, path)
    assert isinstance(event, ScalarEvent)
    return scalar(event.value) if event.implicit[0] else event.value


def _mapping(events: Iterator[Event], document: Document, path: FieldPath) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for event in events:
        if isinstance(event, MappingEndEvent):
            break
        if not isinstance(event, ScalarEvent):
            _complain(document, event, path, "a key is not plain text", "write a name as the key")
            _skip(event, events)
            _skip(next(events), events)
            continue
        key, value = event.value, next(events)
        own = (*path, key)
        if key in mapping:
            first = document.places[own].key[0]
            _complain(document, event, own, f"this key is already in line {first}", "remove one of the two")
            _skip(value, events)
            continue
        document.places[own] = Place(_at(event), _at(event) if _is_nothing(value) else _at(value))
        mapping[key] = _value(value, events, document, own)
    return mapping


def _is_nothing(event: Event) -> bool:
    """A value that is not there is reported by the parser where the next thing begins."""
    return isinstance(event, ScalarEvent) and event.implicit[0] and not event.value


def _sequence(events: Iterator[Event], document: Document, path: FieldPath) -> list[Any]:
    items: list[Any] = []
    for event in events:
        if isinstance(event, SequenceEndEvent):
            break
        own = (*path, len(items))
        document.places[own] = Place(_at(event), _at(event))
        items.append(_value(event, events, document, own))
    return items


def _skip(event: Event, events: Iterator[Event]) -> None:
    depth = 0
    while True:
        depth += isinstance(event, (MappingStartEvent, SequenceStartEvent))
        depth -= isinstance(event, (MappingEndEvent, SequenceEndEvent))
        if not depth:
            return
        event = next(events)


def scalar(text: str) -> Any:
    """Unquoted text as YAML 1.2 means it: `no` is text, `12:30` is text, only true and false are booleans."""
    kind = next((kind for kind, pattern in _SCALARS if pattern.match(text)), "str")
    try:
        match kind:
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int":
                return int(text) if text.lstrip("+-").isdecimal() else int(text, 0)
            case "float":
                return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    except ValueError:  # such as a number of more than 4,300 digits: then it is text
        return text
    return text


def _complain(document: Document, event: Event, path: FieldPath, message: str, fix: str) -> None:
    document.problems.append(Problem(document.file, *_at(event), dotted(path), message, fix))


def _at(event: Event) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _syntax_problem(error: YAMLError, text: str, file: str) -> Problem:
    if isinstance(error, ReaderError):
        before = text[: error.position]
        column = len(before) - (before.rfind("\n") + 1) + 1
        message = f"holds the character U+{int(error.character):04X}, which YAML does not allow"
        return Problem(file, before.count("\n") + 1, column, "", message, "remove it")
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    lines = text.splitlines()
    at_line = lines[line - 1] if line <= len(lines) else ""
    if "\t" in at_line[: len(at_line) - len(at_line.lstrip())] or "'\\t'" in str(getattr(error, "problem", "")):
        return Problem(file, line, column, "", "a tab is used for indentation", "indent with spaces")
    said = str(getattr(error, "problem", None) or "cannot be read as YAML").partition("\n")[0]
    return Problem(file, line, column, "", f"this is not YAML: {said}", _SYNTAX_FIXES.get(said, _SYNTAX_FIX))


_SYNTAX_FIX = "look at the indentation, quotes, colons and brackets of this line and the one above"
_SYNTAX_FIXES = {
    "mapping values are not allowed here": "put text that holds `: ` in quotes, and align keys of one mapping",
    "could not find expected ':'": "write `key: value`, with a space after the colon",
}
