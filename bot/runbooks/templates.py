"""Texts of a runbook with `{{ names }}` in them: a subset of Jinja in which no text can take long or grow large.

Only `{{ … }}` and `{% if %}` are allowed, with names, comparisons and a few filters. Without loops, calls and
arithmetic a text takes time and room in proportion to its length, so no watchdog is needed. Rendering happens in
Jinja's immutable sandbox, over plain data that is known beforehand; text of models, users and providers is only ever
data in it, never a template.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, UndefinedError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from bot.runbooks.names import KNOWN, NAMES, Path

LONGEST_TEMPLATE = 4_000
LONGEST_TEXT = 3_000
"""Characters; a text block of a Slack message holds 3,000."""

_FILTERS = ("capitalize", "default", "first", "join", "last", "length", "lower", "title", "trim", "upper")
_ALLOWED = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.Name, nodes.Const, nodes.Getattr),
    *(nodes.Getitem, nodes.Filter, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not),
    *(nodes.List, nodes.Tuple),
)

Plain = str | int | float | Decimal | bool | None | list["Plain"] | dict[str, "Plain"]


class TemplateProblemError(Exception):
    """A text cannot be used: what is wrong, and what to do."""

    def __init__(self, message: str, fix: str) -> None:
        self.message = message
        self.fix = fix
        super().__init__(f"{message}; {fix}")


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False, cache_size=0)
    environment.globals.clear()
    environment.filters = {name: environment.filters[name] for name in _FILTERS}
    environment.tests = {}
    return environment


_ENVIRONMENT = _environment()


def is_template(text: object) -> bool:
    return isinstance(text, str) and ("{{" in text or "{%" in text or "{#" in text)


@lru_cache(maxsize=1_000)
def check(text: str) -> frozenset[str]:
    """The names that the text uses (`incident`, `route`). Raises TemplateProblemError for one that is not allowed."""
    if len(text) > LONGEST_TEMPLATE:
        raise TemplateProblemError(f"is longer than {LONGEST_TEMPLATE} characters", "shorten it")
    tree = _parsed(text)
    for node in _walk(tree):
        if not isinstance(node, _ALLOWED):
            raise TemplateProblemError(
                f"uses {_spoken(node)}, which texts of a runbook cannot",
                "use only {{ name.field }}, {% if %} and the filters " + ", ".join(_FILTERS),
            )
        if isinstance(node, nodes.Filter) and node.name not in _FILTERS:
            raise TemplateProblemError(
                f"uses the unknown filter {node.name!r}", f"the filters are: {', '.join(_FILTERS)}"
            )
        if isinstance(node, nodes.Getattr | nodes.Getitem):
            _check_field(node)
    names = {node.name for node in tree.find_all(nodes.Name)}
    for name in sorted(names - NAMES):
        raise TemplateProblemError(f"uses the unknown name {name!r}", f"the names are: {', '.join(sorted(NAMES))}")
    return frozenset(names)


@lru_cache(maxsize=1_000)
def paths(text: str) -> frozenset[Path]:
    """The names that the text depends on, each with its fields. Raises TemplateProblemError where it cannot be read."""
    if not is_template(text):
        return frozenset()
    return frozenset(_paths(_parsed(text)))


def render(text: str, context: Mapping[str, Plain]) -> str:
    """The text with its names filled in; raises TemplateProblemError."""
    if not is_template(text):
        return text
    check(text)
    try:
        rendered = _compiled(text).render(_plain(dict(context)))
    except UndefinedError as error:
        raise TemplateProblemError(f"cannot be filled in: {error.message}", "see docs/reference/runbooks.md") from None
    except (TemplateError, TypeError, ValueError, ArithmeticError, RecursionError) as error:
        raise TemplateProblemError(f"cannot be filled in: {error}", "see docs/reference/runbooks.md") from None
    if len(rendered) > LONGEST_TEXT:
        raise TemplateProblemError(f"becomes longer than {LONGEST_TEXT} characters", "shorten it")
    return rendered


@lru_cache(maxsize=1_000)
def _compiled(text: str) -> Template:
    return _ENVIRONMENT.from_string(text)


def _parsed(text: str) -> nodes.Template:
    try:
        return _ENVIRONMENT.parse(text)
    except TemplateSyntaxError as error:
        message = (error.message or "it cannot be read").rstrip(".")
        raise TemplateProblemError(f"is not a text that can be filled in: {message}", "close what {{ opens") from None
    except RecursionError:
        raise TemplateProblemError("is nested too deeply", "write it simpler") from None


def _walk(node: nodes.Node) -> Iterator[nodes.Node]:
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        waiting.extend(current.iter_child_nodes())


def _paths(node: nodes.Node) -> Iterator[Path]:
    path = _path(node)
    if path is not None:
        yield path
        return
    for child in node.iter_child_nodes():
        yield from _paths(child)


def _path(node: nodes.Node) -> Path | None:
    """The name that a chain of fields stands for; None for anything else."""
    fields: list[str] = []
    while not isinstance(node, nodes.Name):
        if isinstance(node, nodes.Getattr):
            fields.append(node.attr)
        elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
            fields.append(node.arg.value)
        else:
            return None
        node = node.node
    return (node.name, *reversed(fields))


def _check_field(node: nodes.Getattr | nodes.Getitem) -> None:
    if not isinstance(node.node, nodes.Name) or node.node.name not in KNOWN:
        return
    field = node.attr if isinstance(node, nodes.Getattr) else getattr(node.arg, "value", None)
    if isinstance(field, str) and field not in KNOWN[node.node.name]:
        fields = ", ".join(sorted(KNOWN[node.node.name]))
        raise TemplateProblemError(f"uses the unknown field {node.node.name}.{field}", f"its fields are: {fields}")


def _spoken(node: nodes.Node) -> str:
    match node:
        case nodes.For():
            return "a loop"
        case nodes.Call():
            return "a call"
        case nodes.BinExpr() | nodes.UnaryExpr() | nodes.Concat():
            return "arithmetic"
    return f"{{% {type(node).__name__.lower()} %}}"


def _plain(value: object) -> Any:
    """A copy that holds nothing but plain data: a public attribute of a real object would be open to a text."""
    if value is None or type(value) in (str, int, float, bool, Decimal):
        return value
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    raise TypeError(f"{type(value).__name__} is no plain data")
