"""The vocabulary in which the table of Block Kit is written."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Str:
    maximum: int | None = None
    minimum: int = 1
    one_of: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Number:
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""


@dataclass(frozen=True, slots=True)
class Anything:
    """A value that is not looked into."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text object: `plain_text`, or also `mrkdwn`."""

    maximum: int
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Items:
    of: "Rule"
    maximum: int
    minimum: int = 1


@dataclass(frozen=True, slots=True)
class Shape:
    """An object with named parts; a part that is not named here is refused."""

    required: Mapping[str, "Rule"] = field(default_factory=dict)
    optional: Mapping[str, "Rule"] = field(default_factory=dict)
    either: tuple[str, ...] = ()  # at least one of these must be there
    only_one: tuple[str, ...] = ()  # at most one of these


@dataclass(frozen=True, slots=True)
class Element:
    """An interactive or shown element: one of these types of ELEMENTS."""

    types: frozenset[str]


@dataclass(frozen=True, slots=True)
class Child:
    """A block inside a block."""

    types: frozenset[str]


Rule = Str | Number | Flag | Anything | Text | Items | Shape | Element | Child
