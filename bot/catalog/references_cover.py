"""What rotations, policies and groups say about people and about each other: names that must exist, steps that must be
able to reach somebody."""

from collections.abc import Callable, Iterator
from typing import Any

from bot.catalog.problems import Problem
from bot.catalog.raw import Named, entries, mapping, repeated, texts, unknown
from bot.catalog.reading import Document, FieldPath
from bot.catalog.targets import Named as Target
from bot.catalog.targets import parsed
from bot.catalog.values import nearest, shown


def _rotations(document: Document) -> Iterator[Problem]:
    for path, rotation in entries(document, "rotations"):
        for name in mapping(rotation.get("layers")):
            own = (*path, "layers", name, "people")
            for named in texts(document, own):
                yield from unknown(document, named, "people", "a person")
            yield from repeated(document, own, None, "")


def _groups(document: Document) -> Iterator[Problem]:
    for path, group in entries(document, "groups"):
        own = (*path, "people")
        for named in texts(document, own):
            yield from unknown(document, named, "people", "a person")
        yield from repeated(document, own, None, "")
        if not group.get("people") and not group.get("slack"):
            yield document.problem(path, "has nobody in it", "add `people: [one, two]`, or `slack: S…`", at_key=True)


def _maintenance(document: Document) -> Iterator[Problem]:
    for path, _ in entries(document, "maintenance"):
        own = (*path, "systems")
        for named in texts(document, own):
            yield from unknown(document, named, "systems", "a system")
        yield from repeated(document, own, None, "")


def _systems(document: Document) -> Iterator[Problem]:
    for path, _ in entries(document, "systems"):
        for key, section, what in (("rotation", "rotations", "a rotation"), ("policy", "policies", "a policy")):
            for named in texts(document, (*path, key)):
                yield from unknown(document, named, section, what)


def _targets(document: Document) -> Iterator[Problem]:
    for path, _ in _steps(document):
        own = (*path, "notify")
        yield from repeated(document, own, None, "")
        for named in texts(document, own):
            target = parsed(named[1])
            if target is not None:
                yield from _known(document, named, target)


def _known(document: Document, named: Named, target: Target) -> Iterator[Problem]:
    """Whether what a target names exists; a target that is none is the schema's business."""
    path, _ = named
    if not target.name or target.kind == "channel":
        return
    sections = {
        "person": ("people", "a person"),
        "group": ("groups", "a group"),
        "rotation": ("rotations", "a rotation"),
    }
    section, what = sections[target.kind]
    missing = list(unknown(document, (path, target.name), section, what))
    yield from missing
    if target.part and not missing:
        layers = sorted(mapping(document.at((section, target.name, "layers"))))
        if target.part not in layers:
            guess = nearest(target.part, layers)
            fix = f"did you mean {guess}?" if guess else f"its layers are {', '.join(layers)}"
            yield document.problem(path, f"{shown(target.part)} is not a layer of rotation {target.name}", fix)


def _reached(document: Document) -> Iterator[Problem]:
    """A policy whose step reaches nobody of a system that uses it: `deputies` where there are none."""
    for path, system in entries(document, "systems"):
        policy = system.get("policy")
        if not isinstance(policy, str):
            continue
        for number, (_, step) in enumerate(_steps_of(document, policy), 1):
            named = step.get("notify")
            wanted = [each for each in named if isinstance(each, str)] if isinstance(named, list) else []
            if wanted and all(each in _LACKING and not system.get(_LACKING[each]) for each in wanted):
                what = " and ".join(f"no {_LACKING[each]}" for each in wanted)
                message = f"step {number} of policy {policy} pages nobody: {path[1]} has {what}"
                fix = f"add `{_LACKING[wanted[0]]}` to {path[1]}, or name somebody else in that step"
                yield document.problem((*path, "policy"), message, fix)


_LACKING = {"deputies": "deputies", "rotation": "rotation"}
"""Targets that need a key of the system, and that key."""


def _steps(document: Document) -> Iterator[tuple[FieldPath, dict[str, Any]]]:
    for path, _ in entries(document, "policies"):
        yield from _steps_of(document, str(path[1]))


def _steps_of(document: Document, policy: str) -> Iterator[tuple[FieldPath, dict[str, Any]]]:
    steps = document.at(("policies", policy, "steps"))
    for index, step in enumerate(steps if isinstance(steps, list) else []):
        if isinstance(step, dict):
            yield ("policies", policy, "steps", index), step


CHECKS: tuple[Callable[[Document], Iterator[Problem]], ...] = (
    _rotations,
    _groups,
    _maintenance,
    _systems,
    _targets,
    _reached,
)
