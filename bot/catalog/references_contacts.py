"""Ways to reach people, checked by their kinds' own models: what each wants to know, what is set up for it."""

from collections.abc import Callable, Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from bot.catalog import contact_kinds, explain
from bot.catalog.problems import Problem
from bot.catalog.raw import entries, mapping
from bot.catalog.reading import Document, FieldPath
from bot.catalog.values import nearest, shown

PLAIN = "slack"
"""The kind that wants to know nothing and that everybody has; for it alone the others are not loaded."""


def _of_people(document: Document) -> Iterator[Problem]:
    for path, person in entries(document, "people"):
        contacts = person.get("contacts")
        seen: list[Any] = []
        for index, contact in enumerate(contacts if isinstance(contacts, list) else []):
            own = (*path, "contacts", index)
            if contact in seen:
                yield document.problem(own, "is named twice", "remove one of the two")
            seen.append(contact)
            yield from _way(document, own, contact)


def _way(document: Document, path: FieldPath, contact: object) -> Iterator[Problem]:
    """A kind alone, or a mapping whose first key is the kind; anything else is the schema's business."""
    options = {key: one for key, one in mapping(contact).items() if key != "after"}
    kind = contact if isinstance(contact, str) else next(iter(options), None)
    if kind is None or kind == PLAIN:
        if options and options != {PLAIN: True}:
            fix = "write `slack`, or {slack: true, after: 5m}"
            yield document.problem(path, "slack wants to know nothing more", fix)
        return
    if kind not in contact_kinds.kinds():
        yield _no_kind(document, path, kind)
        return
    model = contact_kinds.options_model(kind)
    if model is not None and None not in options.values():
        yield from _checked(document, path, model, options)
    needed = contact_kinds.setup_model(kind)
    if needed is not None and kind not in mapping(document.at(("contacts",))) and contact_kinds.required(needed):
        keys = ", ".join(f"{key}: …" for key in contact_kinds.required(needed))
        yield document.problem(path, f"{kind} is not set up", f"add `{kind}: {{{keys}}}` under `contacts`")


def _setups(document: Document) -> Iterator[Problem]:
    for kind, setup in mapping(document.at(("contacts",))).items():
        path: FieldPath = ("contacts", kind)
        if kind != PLAIN and kind not in contact_kinds.kinds():
            yield _no_kind(document, path, kind)
            continue
        model = None if kind == PLAIN else contact_kinds.setup_model(kind)
        if model is None:
            yield document.problem(path, "has nothing to be set up", "remove it", at_key=True)
        elif isinstance(setup, dict):
            yield from _checked(document, path, model, setup)


def _checked(document: Document, path: FieldPath, model: type[BaseModel], given: dict[str, Any]) -> Iterator[Problem]:
    try:
        model.model_validate(given)
    except ValidationError as error:
        yield from explain.problems(error, document, model, within=path)


def _no_kind(document: Document, path: FieldPath, kind: str) -> Problem:
    kinds = list(contact_kinds.kinds())
    guess = nearest(kind, kinds)
    fix = f"did you mean {guess}?" if guess else f"write one of {', '.join(kinds)}"
    return document.problem(path, f"{shown(kind)} is no way to reach somebody", fix, at_key=True)


CHECKS: tuple[Callable[[Document], Iterator[Problem]], ...] = (_of_people, _setups)
