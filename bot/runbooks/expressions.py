"""Conditions of a runbook: `steps.switch.failed or inputs.budget < 100`.

A small part of Python's own expressions: names with fields, constants, comparisons, `and`, `or`, `not`, `in`. Without
calls, arithmetic and loops a condition takes time and room in proportion to its length. It is evaluated by simpleeval
over plain data, in which a field is a key and never an attribute of an object.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from simpleeval import InvalidExpression, SimpleEval

from bot.runbooks.names import Path

LONGEST = 300
"""Characters."""
_DEEPEST = 20
_NODES = (
    *(ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.Compare),
    *(ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn),
    *(ast.Name, ast.Attribute, ast.Subscript, ast.Load, ast.Constant, ast.List, ast.Tuple),
)
_WORDS: Mapping[str, bool | None] = {"true": True, "false": False, "none": None, "null": None}
_HOW = "use names, constants, ==, !=, <, <=, >, >=, in, not in, and, or, not"


class ExpressionError(Exception):
    """A condition cannot be read or decided: what is wrong, what to do, and the column (from 1) where it is."""

    def __init__(self, message: str, fix: str, column: int = 1) -> None:
        self.message = message
        self.fix = fix
        self.column = column
        super().__init__(f"{message}; {fix}")


@dataclass(frozen=True, slots=True)
class Expression:
    """A condition that was read; `paths` are the names that it depends on."""

    text: str
    tree: ast.expr
    paths: frozenset[Path]

    def holds(self, facts: Mapping[str, Any]) -> bool:
        """Whether it holds of the facts (nested mappings of plain data). Raises ExpressionError where that is unknown.

        What has no value (None) equals nothing but none, and every other comparison with it is an error.
        """
        evaluator = _Evaluator(self.text, facts)
        try:
            return bool(evaluator.eval(self.text, previously_parsed=self.tree))
        except ExpressionError:
            raise
        except (InvalidExpression, TypeError, ValueError, ArithmeticError) as error:
            raise ExpressionError(f"{self.text!r} cannot be decided: {error}", "compare values of one kind") from None


@lru_cache(maxsize=1_000)
def parse(text: str) -> Expression:
    """Read a condition. Raises ExpressionError."""
    if len(text) > LONGEST:
        raise ExpressionError(f"is longer than {LONGEST} characters", "shorten it, or split the step")
    plain = " ".join(text.split())
    try:
        tree = ast.parse(plain, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        column = getattr(error, "offset", None) or 1
        raise ExpressionError(f"{plain!r} is not a condition", _HOW, column) from None
    _check(tree.body)
    return Expression(plain, tree.body, frozenset(_paths(tree.body)))


def _check(root: ast.expr) -> None:
    waiting: list[tuple[ast.AST, int]] = [(root, 0)]
    while waiting:
        node, depth = waiting.pop()
        column = getattr(node, "col_offset", 0) + 1
        if depth > _DEEPEST:
            raise ExpressionError("is nested too deeply", "write it simpler", column)
        if not isinstance(node, _NODES):
            raise ExpressionError(f"has {_spoken(node)}, which a condition cannot", _HOW, column)
        if isinstance(node, ast.Constant) and not isinstance(node.value, str | int | float | bool | None):
            raise ExpressionError(f"has the constant {node.value!r}, which a condition cannot", _HOW, column)
        if isinstance(node, ast.Attribute | ast.Subscript) and _path(node) is None:
            raise ExpressionError(
                "takes a field of something that is no name", 'write name.field, or name["field"]', column
            )
        waiting += [(child, depth + 1) for child in ast.iter_child_nodes(node)]


def _paths(node: ast.AST) -> Iterator[Path]:
    path = _path(node)
    if path is not None:
        if len(path) > 1 or path[0] not in _WORDS:
            yield path
        return
    for child in ast.iter_child_nodes(node):
        yield from _paths(child)


def _path(node: ast.AST) -> Path | None:
    """The name that a chain of fields stands for; None for anything else."""
    fields: list[str] = []
    while not isinstance(node, ast.Name):
        if isinstance(node, ast.Attribute):
            fields.append(node.attr)
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            if not isinstance(node.slice.value, str):
                return None
            fields.append(node.slice.value)
        else:
            return None
        node = node.value
    return (node.id, *reversed(fields))


def _spoken(node: ast.AST) -> str:
    match node:
        case ast.Call():
            return "a call"
        case ast.BinOp() | ast.UnaryOp() | ast.operator() | ast.unaryop():
            return "arithmetic"
        case ast.JoinedStr():
            return "a formatted text"
        case ast.Lambda() | ast.ListComp() | ast.GeneratorExp() | ast.SetComp() | ast.DictComp():
            return "a loop"
    return type(node).__name__.lower()


class _Evaluator(SimpleEval):  # type: ignore[misc]
    """simpleeval with fields as keys of plain mappings, and no functions at all."""

    def __init__(self, text: str, facts: Mapping[str, Any]) -> None:
        super().__init__(functions={}, names={})
        self._text = text
        self._facts = facts
        self.nodes |= {
            ast.Name: self._eval_path,
            ast.Attribute: self._eval_path,
            ast.Subscript: self._eval_path,
            ast.List: self._eval_items,
            ast.Tuple: self._eval_items,
            ast.Constant: self._eval_number,
        }

    def _eval_items(self, node: ast.List | ast.Tuple) -> list[Any]:
        return [self._eval(each) for each in node.elts]

    def _eval_number(self, node: ast.Constant) -> Any:
        # 0.1 as it is written: an amount of money is a Decimal, and 0.1 has no exact binary form.
        return Decimal(str(node.value)) if isinstance(node.value, float) else node.value

    def _eval_path(self, node: ast.expr) -> Any:
        path = _path(node)
        assert path is not None
        if len(path) == 1 and path[0] in _WORDS:
            return _WORDS[path[0]]
        found: Any = self._facts
        for place, field in enumerate(path):
            if not isinstance(found, Mapping) or field not in found:
                raise ExpressionError(f"{'.'.join(path[: place + 1])} is not known", "see whether it can be by then")
            found = found[field]
        return Decimal(str(found)) if isinstance(found, float) else found
