"""What a runbook file may say, and the runbook that it becomes; JSON Schema and reference docs are made from it."""

import hashlib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema, model_validator

from bot.actions.registry import Registry
from bot.catalog import Problem
from bot.catalog.explain import problems as explained
from bot.catalog.explain import told
from bot.catalog.problems import CatalogError
from bot.catalog.reading import Document, FieldPath, read
from bot.catalog.values import Name, nearest, wrong
from bot.runbooks import templates
from bot.runbooks.templates import TemplateProblemError, is_template

MOST_STEPS = 20


def _text(limit: int) -> Any:
    def check(value: Any) -> Any:
        if isinstance(value, str) and not value.strip():
            raise wrong("is empty", "write something, or leave the key out")
        if isinstance(value, str) and len(value) > limit:
            raise wrong(f"is longer than {limit} characters", "shorten it")
        return value.strip() if isinstance(value, str) else value

    return BeforeValidator(check)


Title = Annotated[str, _text(140), WithJsonSchema({"type": "string", "maxLength": 140})]
Words = Annotated[
    str, _text(templates.LONGEST_TEXT), WithJsonSchema({"type": "string", "maxLength": templates.LONGEST_TEXT})
]


class Strict(BaseModel):
    """A mapping of the file in which an unknown key is a mistake."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, validate_by_name=True, validate_by_alias=True
    )


class Start(Strict):
    """What makes the runbook start by itself."""

    watch: Title
    """Name of a watch, or a pattern for names: `status.*`."""


class Step(Strict):
    """One thing to do: an action of Badday (`do`), or something that a person does (`note`)."""

    id: Name
    """A short name, used once in the runbook."""
    title: Title
    """What the step is, in a few words. May have `{{ names }}` in it."""
    note: Words | None = None
    """What a person is to do or to know. May have `{{ names }}` in it."""
    do: str | None = None
    """An action, for example `route.set`."""
    arguments: dict[str, Any] | None = Field(default=None, alias="with")
    """What the action needs, see its reference. Texts may have `{{ names }}` in them."""
    undo: Literal["previous_value", "none"] = "previous_value"
    """What the undo button does: set what was there before, or not be there."""

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        if self.do is None and self.note is None:
            raise wrong("has neither `do` nor `note`", "write an action (`do`) or what a person is to do (`note`)")
        if self.do is None and self.arguments is not None:
            raise wrong("has `with` but no `do`", "name the action in `do`, or remove `with`")
        if self.do is None and "undo" in self.model_fields_set:
            raise wrong("has `undo` but no `do`", "remove `undo`: a note changes nothing")
        return self

    def texts(self) -> Iterator[tuple[FieldPath, str]]:
        """Every text that may have names in it, with its place in the step."""
        yield ("title",), self.title
        if self.note is not None:
            yield ("note",), self.note
        for key, value in (self.arguments or {}).items():
            if isinstance(value, str):
                yield ("with", key), value


class Runbook(Strict):
    """A plan for one kind of bad day: what starts it, and its steps in order."""

    model_config = ConfigDict(title="Runbook of Badday")

    runbook: Literal[1]
    """Version of this format; 1."""
    name: Name
    """The file's name without `.yaml`; one in your own folder replaces the packaged one of the same name."""
    summary: Title
    """What it is for, in one sentence."""
    starts_on: tuple[Start, ...] = ()
    """What starts it; nothing: it does not start by itself."""
    steps: tuple[Step, ...] = Field(min_length=1, max_length=MOST_STEPS)
    """The steps, in order."""

    def matches(self, watch: str) -> str | None:
        """The most exact pattern of `starts_on` that fits the watch."""
        fitting = [start.watch for start in self.starts_on if fnmatchcase(watch, start.watch)]
        return max(fitting, key=lambda pattern: exactness(pattern, watch), default=None)

    def document(self) -> dict[str, Any]:
        """As the file has it, for the run that pins it."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def exactness(pattern: str, watch: str) -> tuple[bool, int]:
    """How closely a pattern names a watch: the name itself, else the longer pattern."""
    return pattern == watch, len(pattern)


def digest(text: str) -> str:
    """SHA-256 of a runbook file's text."""
    return hashlib.sha256(text.encode()).hexdigest()


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
    found = [*document.problems, *_meaning(runbook, document, actions)]
    if found:
        raise CatalogError(found)
    return runbook


def _meaning(runbook: Runbook, document: Document, actions: Registry) -> Iterator[Problem]:
    """What the shape alone does not show: doubled ids, unknown actions, wrong arguments, texts that cannot be."""
    seen: set[str] = set()
    for index, step in enumerate(runbook.steps):
        here: FieldPath = ("steps", index)
        if step.id in seen:
            yield document.problem((*here, "id"), f"the id {step.id!r} is used twice", "give each step its own id")
        seen.add(step.id)
        for path, text in step.texts():
            try:
                templates.check(text)
            except TemplateProblemError as error:
                yield document.problem((*here, *path), error.message, error.fix)
        if step.do is not None:
            yield from _action_problems(step, here, document, actions)


def _action_problems(step: Step, here: FieldPath, document: Document, actions: Registry) -> Iterator[Problem]:
    assert step.do is not None
    action = actions.get(step.do)
    if action is None:
        guess = nearest(step.do, sorted(actions))
        fix = f"did you mean {guess}?" if guess else f"the actions are: {', '.join(sorted(actions))}"
        yield document.problem((*here, "do"), f"unknown action {step.do!r}", fix)
        return
    arguments = step.arguments or {}
    try:
        action.With.model_validate(arguments)
    except ValidationError as error:
        for problem, field in _argument_problems(error, here, document, action.With):
            # A text that is filled in later has its final type only then.
            if field not in action.With.model_fields or not is_template(arguments.get(field)):
                yield problem


def _argument_problems(
    error: ValidationError, here: FieldPath, document: Document, model: type[BaseModel]
) -> Iterator[tuple[Problem, str]]:
    """What is wrong in a step's `with`, at its place in the whole file, and the argument's name."""
    prefix: FieldPath = (*here, "with")
    alone = Document(document.file, data=document.at(prefix) or {})
    for detail, problem in zip(told(error, model), explained(error, alone, model), strict=True):
        at_key = detail["type"] == "extra_forbidden"
        path = (*prefix, *detail["loc"])
        yield document.problem(path, problem.message, problem.fix, at_key=at_key), str(detail["loc"][0])
