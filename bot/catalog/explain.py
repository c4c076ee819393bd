"""What pydantic found -> Problems in plain words, at the line and column of the mistake."""

from collections.abc import Container, Iterable, Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bot.catalog.problems import Problem
from bot.catalog.reading import Document, FieldPath
from bot.catalog.values import PLAIN, nearest, shown

_KINDS = {dict: "a mapping", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}


def problems(
    error: ValidationError, document: Document, model: type[BaseModel], *, within: FieldPath = ()
) -> list[Problem]:
    """One problem for each error; errors of parts that could not be read are left out, they are known already.

    `within` is where the part of the file stands that the model describes.
    """
    found = []
    for detail in told(error, model):
        wrong_key = detail["loc"][-1:] == ("[key]",)
        own = detail["loc"][:-1] if wrong_key else detail["loc"]
        path = (*within, *own)
        if any(path[: len(unread)] == unread for unread in document.unread):
            continue
        message, fix = _words(detail, path, document, _keys_at(model, own[:-1]))
        at_key = wrong_key or detail["type"] == "extra_forbidden"
        found.append(document.problem(path, message, fix, at_key=at_key))
    return found


def told(error: ValidationError, model: type[BaseModel]) -> list[ErrorDetails]:
    """The errors that are worth telling: a misspelt key is one mistake, not an unknown key and a missing one.

    A list whose entries are wrong is not too short because of that.
    """
    details = error.errors(include_url=False)
    unknown = [detail["loc"] for detail in details if detail["type"] == "extra_forbidden"]
    meant = {(*path[:-1], nearest(str(path[-1]), _keys_at(model, path[:-1]))) for path in unknown}
    return [detail for detail in details if not _follows(detail, details, meant)]


def _follows(
    detail: ErrorDetails, details: Iterable[ErrorDetails], meant: Container[tuple[int | str | None, ...]]
) -> bool:
    """Whether the error only follows from another one."""
    match detail["type"], detail["loc"]:
        case "missing", path:
            return path in meant
        case "too_short", path:
            return any(len(one["loc"]) > len(path) and one["loc"][: len(path)] == path for one in details)
    return False


def _words(detail: ErrorDetails, path: FieldPath, document: Document, known: Iterable[str]) -> tuple[str, str]:
    """What is wrong and what to do; `known` are the keys that could stand there."""
    context: Mapping[str, Any] = detail.get("ctx", {})
    value = detail["input"]
    if value is None and detail["type"] != "missing" and document.at(path) is None:
        return "is empty", "write a value, or remove the key (text that starts with # must stand in quotes)"
    match detail["type"]:
        case kind if kind == PLAIN:
            return context["message"], context["fix"]
        case "missing":
            return "is missing", f"add `{path[-1]}: …`"
        case "extra_forbidden":
            return _unknown_key(str(path[-1]), known)
        case "enum" | "literal_error":
            return _unknown_word(value, context["expected"])
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"must be a mapping, not {_kind(value)}", "write `key: value` lines, indented under it"
        case "list_type" | "tuple_type" | "set_type" | "frozen_set_type":
            return f"must be a list, not {_kind(value)}", "write it in brackets: [one, two]"
        case "string_type":
            return f"must be text, not {_kind(value)}", "put it in quotes"
        case "int_type" | "int_from_float":
            return f"must be a whole number, not {_kind(value)}", "write it without quotes or a fraction"
        case "greater_than_equal":
            return f"must be at least {context['ge']}, not {value}", f"write {context['ge']} or more"
        case "less_than_equal":
            return f"must be at most {context['le']}, not {value}", f"write {context['le']} or less"
        case "too_short":
            return "is empty", "write at least one entry"
    return detail["msg"].lower(), "see docs/reference/catalog.md"


def _unknown_key(key: str, known: Iterable[str]) -> tuple[str, str]:
    keys = sorted(known)
    guess = nearest(key, keys)
    listed = ", ".join(keys)
    return "unknown key", f"did you mean `{guess}`?" if guess else f"remove it; known here: {listed}"


def _unknown_word(value: object, expected: str) -> tuple[str, str]:
    """`expected` is pydantic's list, such as "'a', 'b' or 'c'"."""
    words = [word for word in expected.replace(" or ", ", ").replace("'", "").split(", ") if word]
    guess = nearest(str(value), words)
    one_of = "write " + ", ".join(words[:-1]) + " or " + words[-1] if len(words) > 1 else f"write {words[0]}"
    return f"{shown(value)} is not known here", f"did you mean {guess}? ({one_of})" if guess else one_of


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "this")


def _keys_at(model: type[BaseModel], path: FieldPath) -> list[str]:
    """The keys that the model has at `path`."""
    current = model
    parts = iter(path)
    for part in parts:
        annotation = _fields(current).get(str(part))
        inner = _model_in(annotation)
        if inner is None:
            return []
        if get_origin(annotation) in (dict, list, tuple):
            next(parts, None)  # the entry's own key or index
        current = inner
    return list(_fields(current))


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for each in get_args(annotation) if (found := _model_in(each))), None)
