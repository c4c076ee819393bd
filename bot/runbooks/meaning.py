"""A runbook file's text -> the runbook, or every mistake with its place; also those that the shape alone cannot show:
doubled ids, unknown actions, wrong arguments, names that do not exist, conditions that cannot be read."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from bot.actions.registry import Registry
from bot.catalog import Problem
from bot.catalog.explain import problems as explained
from bot.catalog.explain import told
from bot.catalog.problems import CatalogError
from bot.catalog.reading import Document, FieldPath, read
from bot.catalog.values import nearest
from bot.runbooks import expressions, names, templates
from bot.runbooks.expressions import ExpressionError
from bot.runbooks.names import Path
from bot.runbooks.schema import Runbook, Step
from bot.runbooks.templates import TemplateProblemError, is_template


def parse_runbook(text: str, file: str, actions: Registry) -> Runbook:
    """The runbook in the text; raises CatalogError with every problem. `file` only names it in them."""
    document = read(text, file)
    if not document.complete:
        raise CatalogError(document.problems)
    if document.data is None:
        empty = Problem(file, 1, 1, "", "the runbook is empty", "see docs/how-to/write-a-runbook.md")
        raise CatalogError([*document.problems, empty])
    try:
        runbook = Runbook.model_validate(document.data)
    except ValidationError as error:
        raise CatalogError([*document.problems, *explained(error, document, Runbook)]) from None
    found = [*document.problems, *_Meaning(runbook, document, actions).problems()]
    if found:
        raise CatalogError(found)
    return runbook


@dataclass(frozen=True)
class _Meaning:
    runbook: Runbook
    document: Document
    actions: Registry

    def problems(self) -> Iterator[Problem]:
        yield from self._of_inputs()
        for index, start in enumerate(self.runbook.starts_on):
            if start.condition is not None:
                yield from self._condition(("starts_on", index, "if"), start.condition, earlier=(), without=("route",))
        seen: list[str] = []
        for index, step in enumerate(self.runbook.steps):
            here: FieldPath = ("steps", index)
            if step.id in seen:
                message = f"the id {step.id!r} is used twice"
                yield self.document.problem((*here, "id"), message, "give each step its own id")
            yield from self._of_step(step, here, seen)
            seen.append(step.id)
        yield from self._of_close(seen)

    def _of_inputs(self) -> Iterator[Problem]:
        for name, one in self.runbook.inputs.items():
            if isinstance(one.default, str):
                path: FieldPath = ("inputs", name, "default")
                yield from self._text(path, one.default, earlier=(), without=("inputs", "steps"))

    def _of_step(self, step: Step, here: FieldPath, earlier: Collection[str]) -> Iterator[Problem]:
        for path, text in step.texts():
            yield from self._text((*here, *path), text, earlier=earlier)
        if step.condition is not None:
            yield from self._condition((*here, "if"), step.condition, earlier=earlier)
        if step.do is not None:
            yield from self._action(step.do, step.arguments, (*here, "do"), (*here, "with"))
        if step.check is not None:
            yield from self._check(step, (*here, "check"))

    def _check(self, step: Step, here: FieldPath) -> Iterator[Problem]:
        assert step.check is not None
        if step.check.do is not None:
            yield from self._action(step.check.do, step.check.arguments, (*here, "do"), (*here, "with"))
            action = self.actions.get(step.check.do)
            if action is not None and not action.reads_only:
                message = f"{step.check.do} changes something, which a check must not"
                yield self.document.problem((*here, "do"), message, "name an action that only reads")
        elif step.check.arguments is not None:
            message = "has `with` but no `do`"
            yield self.document.problem((*here, "with"), message, "name the action in `do`, or remove `with`")
        try:
            expressions.parse(step.check.expect)
        except ExpressionError as error:
            yield self.document.problem((*here, "expect"), error.message, error.fix)

    def _of_close(self, steps: Collection[str]) -> Iterator[Problem]:
        close = self.runbook.close
        if close is None:
            return
        if close.condition is not None:
            yield from self._condition(("close", "if"), close.condition, earlier=steps, without=("route",))
        for index, name in enumerate(close.offer_undo):
            step = next((each for each in self.runbook.steps if each.id == name), None)
            path: FieldPath = ("close", "offer_undo", index)
            if step is None:
                guess = nearest(name, list(steps))
                fix = f"did you mean {guess}?" if guess else f"the steps are: {', '.join(steps)}"
                yield self.document.problem(path, f"{name!r} is no step of this runbook", fix)
            elif step.do is None or step.undo == "none":
                yield self.document.problem(path, f"{name!r} cannot be undone", "remove it")

    def _text(
        self, path: FieldPath, text: str, *, earlier: Collection[str], without: Collection[str] = ()
    ) -> Iterator[Problem]:
        try:
            templates.check(text)
            paths = templates.paths(text)
        except TemplateProblemError as error:
            yield self.document.problem(path, error.message, error.fix)
            return
        yield from self._names(path, paths, earlier, without)

    def _condition(
        self, path: FieldPath, text: str, *, earlier: Collection[str], without: Collection[str] = ()
    ) -> Iterator[Problem]:
        try:
            paths = expressions.parse(text).paths
        except ExpressionError as error:
            yield self.document.problem(path, error.message, error.fix)
            return
        yield from self._names(path, paths, earlier, without)

    def _names(
        self, path: FieldPath, paths: frozenset[Path], earlier: Collection[str], without: Collection[str]
    ) -> Iterator[Problem]:
        for first in sorted({each[0] for each in paths} & set(without)):
            others = ", ".join(sorted(names.NAMES - set(without)))
            yield self.document.problem(path, f"speaks of {first}, which is not known here", f"use: {others}")
        known = frozenset(each for each in paths if each[0] not in without)
        for message, fix in names.problems(known, inputs=self.runbook.inputs, earlier=earlier):
            yield self.document.problem(path, message, fix)

    def _action(
        self, name: str, arguments: dict[str, Any] | None, at_name: FieldPath, at_arguments: FieldPath
    ) -> Iterator[Problem]:
        action = self.actions.get(name)
        if action is None:
            guess = nearest(name, sorted(self.actions))
            fix = f"did you mean {guess}?" if guess else f"the actions are: {', '.join(sorted(self.actions))}"
            yield self.document.problem(at_name, f"unknown action {name!r}", fix)
            return
        try:
            action.With.model_validate(arguments or {})
        except ValidationError as error:
            for problem, field in _argument_problems(error, at_arguments, self.document, action.With):
                # A text that is filled in later has its final type only then.
                if field not in action.With.model_fields or not _waits(arguments, field):
                    yield problem


def _waits(arguments: dict[str, Any] | None, field: str) -> bool:
    """Whether the argument is filled in later, or holds something that is."""
    value = (arguments or {}).get(field)
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]
    return any(is_template(each) for each in inner)


def _argument_problems(
    error: ValidationError, prefix: FieldPath, document: Document, model: type[BaseModel]
) -> Iterator[tuple[Problem, str]]:
    """What is wrong in a `with`, at its place in the whole file, and the argument's name."""
    alone = Document(document.file, data=document.at(prefix) or {})
    for detail, problem in zip(told(error, model), explained(error, alone, model), strict=True):
        at_key = detail["type"] == "extra_forbidden"
        path = (*prefix, *detail["loc"])
        yield document.problem(path, problem.message, problem.fix, at_key=at_key), str((*detail["loc"], "")[0])
