"""Any system with an HTTP API, described as data: how a value is read, set and taken away.

A description (`bot/actions/presets/*.yaml`) has requests with `{names}` in path, headers and body:
the driver's settings, `token`, `remote` (the object's name there), `comment`, and `amount` for caps. What is read is
taken from the answer by a JMESPath expression. A name in a path is escaped for it; the token only ever goes into
headers. A refusal that says one of the words of `consent` is not a failure: somebody has to approve it there.
"""

import json
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bot.actions import outside
from bot.actions.contract import ActionContext, ActionError
from bot.actions.driver import Driver, Seen, Target
from bot.switchboard.keys import Kind, RefusedValueError, Value, cap_value, limit_value

PRESETS = Path(__file__).resolve().parents[1] / "presets"
_NAME = re.compile(r"\{([a-z_]+)\}")
_AMOUNT, _CENTS = "{amount}", "{cents}"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RequestEntry(_Strict):
    """One request."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    path: str = Field(pattern=r"^/")
    body: Any = None


class ReadEntry(RequestEntry):
    """The request that reads a value, and where the value stands in its answer."""

    value: str
    none_on: tuple[int, ...] = ()
    """Statuses that mean that there is no value."""


class FeatureCalls(_Strict):
    read: ReadEntry
    on: RequestEntry
    off: RequestEntry


class CapCalls(_Strict):
    read: ReadEntry
    set: RequestEntry
    clear: RequestEntry


class LimitCalls(_Strict):
    unit: Literal["cents", "dollars"]
    read: ReadEntry
    set: RequestEntry
    clear: RequestEntry | None = None


class KeyCalls(_Strict):
    read: ReadEntry
    """Whether it is blocked."""
    block: RequestEntry
    unblock: RequestEntry


class Description(_Strict):
    """How a system is asked."""

    driver: Literal[1]
    name: str
    base: str = ""
    settings: dict[str, str] = Field(default_factory=dict)
    """Names for paths and bodies, with their defaults."""
    headers: dict[str, str] = Field(default_factory=dict)
    consent: tuple[str, ...] = ()
    takes_effect: str | None = None
    feature: FeatureCalls | None = None
    cap: CapCalls | None = None
    limit: LimitCalls | None = None
    key: KeyCalls | None = None


def describe(text: str) -> Description:
    """Raises ValueError that says what is wrong with a description."""
    try:
        return Description.model_validate(YAML(typ="safe", pure=True).load(text))
    except (YAMLError, ValidationError) as error:
        raise ValueError(str(error)) from error


def presets() -> list[str]:
    """The descriptions that come with Badday."""
    return sorted(path.stem for path in PRESETS.glob("*.yaml"))


@cache
def preset(name: str) -> Description:
    """One of them. Raises ValueError for an unknown one."""
    if name not in presets():
        raise ValueError(f"there is no preset {name!r}; there are: {', '.join(presets())}")
    return describe((PRESETS / f"{name}.yaml").read_text(encoding="utf-8"))


class Http(Driver):
    """One system by its description. `remote` maps a target's name to the one that it has there."""

    def __init__(
        self, description: Description, *, base: str, token: str | None, settings: Mapping[str, str], remote: str
    ) -> None:
        self._description = description
        self._base = (base or description.base).rstrip("/")
        self._token = token
        self._names = {**description.settings, **settings, "remote": remote}

    async def read(self, context: ActionContext, target: Target) -> Seen:
        entry = self._calls(target).read
        answer = await self._ask(context, target, entry, self._names)
        try:
            expression = jmespath.compile(_filled(entry.value, self._names))
            found = expression.search(answer)
        except JMESPathError as error:
            raise ActionError(f"{self._description.name}: the value cannot be found: {error}", permanent=True) from None
        return Seen(self._value(target, found))

    async def put(self, context: ActionContext, target: Target, value: Value) -> None:
        names = self._names | {"comment": f"Badday incident {context.incident_id}, asked by {context.actor}"}
        calls = self._calls(target)
        if isinstance(calls, FeatureCalls):
            entry: RequestEntry | None = calls.on if value else calls.off
        elif isinstance(calls, KeyCalls):
            entry = calls.block if value else calls.unblock
        elif isinstance(value, dict):
            cents = str(int(Decimal(value["amount"]) * 100))
            entry, names = calls.set, names | {"amount": str(value["amount"]), "cents": cents, "cents_text": cents}
        else:
            entry = calls.clear
        if entry is None:
            name = self._description.name
            raise ActionError(f"this version cannot take a limit of {name} away; do it there by hand", permanent=True)
        await self._ask(context, target, entry, names)

    def takes_effect(self, target: Target) -> str | None:
        return self._description.takes_effect

    def _calls(self, target: Target) -> FeatureCalls | CapCalls | LimitCalls | KeyCalls:
        told = self._description
        kinds = {Kind.FEATURE: told.feature, Kind.CAP: told.cap, Kind.LIMIT: told.limit, Kind.KEY: told.key}
        found = kinds.get(target.kind)
        if found is None:
            raise ActionError(f"{self._description.name} cannot hold a {target.kind}", permanent=True)
        return found

    async def _ask(self, context: ActionContext, target: Target, entry: RequestEntry, names: Mapping[str, str]) -> Any:
        secret = "" if self._token is None else outside.reachable(context).secret(self._token).get_secret_value()
        headers = {
            name: _filled(value, {**names, "token": secret}) for name, value in self._description.headers.items()
        }
        path = _NAME.sub(lambda found: quote(names.get(found[1], ""), safe=""), entry.path)
        body = None if entry.body is None else json.dumps(_body(entry.body, names)).encode()
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        answer = await outside.ask(context, entry.method, f"{self._base}{path}", headers=headers, raw=body)
        what = f"{self._description.name}, {target}"
        if isinstance(entry, ReadEntry) and answer.status_code in entry.none_on:
            return None
        return outside.require(answer, what, consent=self._description.consent)

    def _value(self, target: Target, found: Any) -> Value:
        if target.kind in (Kind.FEATURE, Kind.KEY):
            if not isinstance(found, bool):
                what = "is on" if target.kind is Kind.FEATURE else "is blocked"
                raise ActionError(f"{self._description.name} does not say whether {target} {what}", permanent=True)
            return found
        if found is None:
            return None
        try:
            if target.kind is Kind.LIMIT:
                assert self._description.limit is not None
                unit = Decimal("0.01") if self._description.limit.unit == "cents" else Decimal(1)
                return limit_value(Decimal(str(found)) * unit)
            return cap_value(Decimal(str(found)).quantize(Decimal("0.01")))
        except (InvalidOperation, RefusedValueError):
            raise ActionError(f"{self._description.name} has the limit {found!r}, which is no amount") from None


def _filled(text: str, names: Mapping[str, str]) -> str:
    return _NAME.sub(lambda found: names.get(found[1], found[0]), text)


def _body(value: Any, names: Mapping[str, str]) -> Any:
    """The body with its names filled in; an amount that stands alone is a number."""
    if value == _AMOUNT:
        return float(names["amount"])  # on the wire it is JSON's number; we count in Decimal
    if value == _CENTS:
        return int(names["cents"])
    if isinstance(value, str):
        return _filled(value, names)
    if isinstance(value, dict):
        return {_filled(key, names): _body(each, names) for key, each in value.items()}
    if isinstance(value, list):
        return [_body(each, names) for each in value]
    return value
