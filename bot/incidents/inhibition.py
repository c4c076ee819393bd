"""Inhibition as data: which kinds of finding an open incident explains, as inhibition.yaml beside this file says."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Annotated

from pydantic import Field, StringConstraints, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bot.catalog.strict import Strict

FILE = "inhibition.yaml"
Kind = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*\*?$")]


class InhibitionError(Exception):
    """The table cannot be used; the message says where it is wrong."""


class Same(StrEnum):
    """What finding and incident have in common; the system always is."""

    PROVIDER = "provider"
    SYSTEM = "system"


class Rule(Strict):
    """An incident that holds a finding of a kind in `by` explains findings of the kinds in `inhibits`."""

    by: tuple[Kind, ...] = Field(min_length=1)
    inhibits: tuple[Kind, ...] = Field(min_length=1)
    same: Same


class _Table(Strict):
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Explaining:
    """What a rule looks at of an open incident of the same system."""

    incident: int
    provider: str | None
    kinds: frozenset[str]
    """Of the findings that it holds."""


@cache
def rules() -> tuple[Rule, ...]:
    """The rules that come with the bot. Raises InhibitionError."""
    return read((resources.files("bot.incidents") / FILE).read_text("utf-8"))


def read(text: str) -> tuple[Rule, ...]:
    """A table's rules. Raises InhibitionError naming the rule and the key."""
    try:
        return _Table.model_validate(YAML(typ="safe", pure=True).load(text)).rules
    except YAMLError as error:
        raise InhibitionError(f"{FILE} is not YAML: {error}") from error
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise InhibitionError(f"{FILE}: {'; '.join(wrong)}") from error


def of_kind(table: Iterable[Rule], kind: str) -> list[Rule]:
    """The rules by which findings of the kind may be held back."""
    return [rule for rule in table if _among(kind, rule.inhibits)]


def explained_by(
    table: Iterable[Rule], kind: str, provider: str | None, incidents: Iterable[Explaining]
) -> Explaining | None:
    """The first of the open incidents of a system that explains a finding of the kind at the provider."""
    found = of_kind(table, kind)
    return next((one for one in incidents if any(_holds(rule, provider, one) for rule in found)), None)


def _holds(rule: Rule, provider: str | None, incident: Explaining) -> bool:
    if rule.same is Same.PROVIDER and (provider is None or provider != incident.provider):
        return False
    return any(_among(kind, rule.by) for kind in incident.kinds)


def _among(kind: str, patterns: Collection[str]) -> bool:
    return any(kind == one or (one.endswith("*") and kind.startswith(one[:-1])) for one in patterns)
