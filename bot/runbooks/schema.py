"""What a runbook file may say, and the runbook that it becomes; JSON Schema and reference docs are made from it."""

import hashlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from bot.catalog.reading import FieldPath
from bot.catalog.strict import Span, Switch
from bot.catalog.values import Name, wrong
from bot.runbooks import expressions, templates

MOST_STEPS = 20
MOST_APPROVERS = 5
MOST_TRIES = 5
LONGEST_TRY = timedelta(minutes=10)


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


Condition = Annotated[
    str, _text(expressions.LONGEST), WithJsonSchema({"type": "string", "maxLength": expressions.LONGEST})
]
"""An expression over names of the incident, the inputs and earlier steps: `steps.switch.failed or inputs.force`."""


class Start(Strict):
    """What makes the runbook start by itself."""

    watch: Title
    """Name of a watch, or a pattern for names: `status.*`."""
    condition: Condition | None = Field(default=None, alias="if")
    """What must hold, too."""


class InputType(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    MONEY = "money"
    SPAN = "span"
    YES_NO = "yes_no"


class Input(Strict):
    """A value that whoever starts the runbook may choose, within what is written here."""

    title: Title | None = None
    """What it is, for people; the input's name where it is left out."""
    type: InputType = InputType.TEXT
    """`text`, `number`, `money` (US dollars), `span` (30m) or `yes_no`."""
    default: str | int | float | bool | None = None
    """Its value where nobody chooses; may have `{{ names }}` in it. None: it must be chosen."""
    choices: tuple[str | int | float, ...] = ()
    """The only values that it may have; none: any."""
    choose_from: Literal["providers", "routes", "features", "caps", "route.standbys"] | None = None
    """Names of the catalog that it may have: those of the incident's system."""
    minimum: float | None = Field(default=None, alias="min")
    """Least value of a number, an amount of money or (in seconds) a span."""
    maximum: float | None = Field(default=None, alias="max")
    """Greatest value."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.choices and self.choose_from is not None:
            raise wrong("has both `choices` and `choose_from`", "keep one of them")
        ranged = self.minimum is not None or self.maximum is not None
        if ranged and self.type not in (InputType.NUMBER, InputType.MONEY, InputType.SPAN):
            raise wrong(f"has a range, but is of type {self.type}", "write `type: number`, or remove `min` and `max`")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise wrong("has a `min` above its `max`", "exchange them")
        return self


class Approve(Strict):
    """Who must say yes before the step is run."""

    roles: tuple[Literal["owner", "deputy", "on_call", "lead"] | Name, ...] = Field(default=("owner",), min_length=1)
    """Who may: `owner`, `deputy`, `on_call`, `lead` (whoever leads the incident), or a group of the catalog."""
    count: int = Field(default=1, ge=1, le=MOST_APPROVERS, strict=True)
    """How many different people."""
    not_opener: Switch = False
    """Whether whoever asked for the step does not count."""
    expires: Span = Field(default=timedelta(minutes=30), json_schema_extra={"default": "30m"})
    """How long is waited; after that the step is refused."""


class Check(Strict):
    """What must be so soon after the step."""

    do: str | None = None
    """An action that only reads, for example `probe.route`; none: the step's own reading back."""
    arguments: dict[str, Any] | None = Field(default=None, alias="with")
    """What that action needs."""
    expect: Condition
    """What must hold of what it read: `ok_rate >= 0.95`."""
    within: Span = Field(default=timedelta(minutes=2), json_schema_extra={"default": "2m"})
    """How long it may take; it is looked at again and again until then."""


class Retry(Strict):
    """How often a failed step is tried again by itself, where repeating it is safe."""

    tries: int = Field(default=2, ge=2, le=MOST_TRIES, strict=True)
    """Tries altogether."""
    wait: Span = Field(default=timedelta(seconds=5), json_schema_extra={"default": "5s"})
    """Time before the next one."""


class Close(Strict):
    """How the runbook ends."""

    condition: Condition | None = Field(default=None, alias="if")
    """What must hold for the end to be offered; none: the incident is resolved."""
    offer_undo: tuple[Name, ...] = ()
    """Steps whose undo is offered at the end, in this order."""
    follow_up: tuple[Title, ...] = ()
    """What is left to do afterwards; each becomes a follow-up of the incident."""


class OnFail(StrEnum):
    ASK = "ask"
    CONTINUE = "continue"
    UNDO_ALL = "undo_all"


OF_ACTIONS = ("arguments", "undo", "run", "approve", "check", "expires", "on_fail", "timeout", "retry")
"""Fields of a step that make sense only with an action."""


class Step(Strict):
    """One thing to do: an action of Badday (`do`), or something that a person does (`note`)."""

    id: Name
    """A short name, used once in the runbook."""
    title: Title
    """What the step is, in a few words. May have `{{ names }}` in it."""
    note: Words | None = None
    """What a person is to do or to know. May have `{{ names }}` in it."""
    condition: Condition | None = Field(default=None, alias="if")
    """What must hold for the step to be offered; one that waits for an earlier step is offered when that has ended."""
    do: str | None = None
    """An action, for example `route.set`."""
    arguments: dict[str, Any] | None = Field(default=None, alias="with")
    """What the action needs, see its reference. Texts may have `{{ names }}` in them."""
    run: Literal["auto", "click"] = "click"
    """Whether it waits for a click, or begins by itself when its turn comes."""
    approve: Approve | None = None
    """Who must say yes first; none: whoever clicks."""
    check: Check | None = None
    """What must be so soon afterwards; otherwise the step has failed."""
    undo: Literal["previous_value", "none"] = "previous_value"
    """What the undo button does: set what was there before, or not be there."""
    expires: Span | None = None
    """How long the change stays: then the owner is asked, and without an answer it is undone."""
    on_fail: OnFail = OnFail.ASK
    """What follows a failure: `ask` people, `continue` with the next step, or `undo_all` that the run changed."""
    timeout: Span | None = None
    """How long one try may take: at most 10m; 30s where it is left out."""
    retry: Retry | None = None
    """Tries that follow a failure by themselves; none: people are asked."""

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        if self.do is None and self.note is None:
            raise wrong("has neither `do` nor `note`", "write an action (`do`) or what a person is to do (`note`)")
        if self.do is None and self.arguments is not None:
            raise wrong("has `with` but no `do`", "name the action in `do`, or remove `with`")
        for field in OF_ACTIONS if self.do is None else ():
            if field in self.model_fields_set:
                raise wrong(f"has `{field}` but no `do`", f"remove `{field}`: a note changes nothing")
        if self.timeout is not None and not timedelta(0) < self.timeout <= LONGEST_TRY:
            raise wrong("has a timeout out of reach", "write more than 0s, at most 10m")
        if self.expires is not None and self.undo == "none":
            raise wrong("expires, but cannot be undone", "remove `expires` or `undo: none`")
        return self

    def texts(self) -> Iterator[tuple[FieldPath, str]]:
        """Every text that may have names in it, with its place in the step."""
        yield ("title",), self.title
        if self.note is not None:
            yield ("note",), self.note
        yield from _texts(("with",), self.arguments)
        if self.check is not None:
            yield from _texts(("check", "with"), self.check.arguments)


def _texts(path: FieldPath, value: Any) -> Iterator[tuple[FieldPath, str]]:
    """The texts in arguments, however deep they lie."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _texts((*path, key), each)
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            yield from _texts((*path, index), each)


class Runbook(Strict):
    """A plan for one kind of bad day: what starts it, and its steps in order."""

    model_config = ConfigDict(title="Runbook of Badday")

    runbook: Literal[1]
    """Version of this format; 1."""
    name: Name
    """The file's name without `.yaml`; one in your own folder replaces the packaged one of the same name."""
    summary: Title
    """What it is for, in one sentence."""
    severity: Literal["sev1", "sev2", "sev3"] | None = None
    """Severity of an incident that is opened to run it by hand; sev2 where it is left out."""
    inputs: dict[Name, Input] = Field(default_factory=dict)
    """Values that whoever starts it may choose, by name."""
    starts_on: tuple[Start, ...] = ()
    """What starts it; nothing: it does not start by itself."""
    steps: tuple[Step, ...] = Field(min_length=1, max_length=MOST_STEPS)
    """The steps, in order."""
    close: Close | None = None
    """How it ends; none: with the incident."""

    def matches(self, watch: str, holds: Callable[[str], bool]) -> str | None:
        """The most exact pattern of `starts_on` that fits the watch, and whose condition `holds`."""
        fitting = [
            start.watch
            for start in self.starts_on
            if fnmatchcase(watch, start.watch) and (start.condition is None or holds(start.condition))
        ]
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
