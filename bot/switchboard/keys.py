"""The keys that products read, as the catalog has them: what each may be, and what it is where nobody changed it.

    key               | value                                                   | where nobody changed it
    route.<name>      | a provider, or {"split": {provider: percent}}           | the route's primary
    feature.<name>    | true or false                                           | the feature's default
    cap.<name>        | {"amount": "100.00", "currency": "USD", "period": "day"} or None | the cap's amount, or None
    model.<route>     | a model's name, or None                                 | None: the product's own choice
    ban.<provider>    | a list of models' names                                 | []

This is what is stored; what products are served is in bot.switchboard.serving.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from bot.catalog import Catalog
from bot.catalog.models import Cap, Provider, Route

Value = str | bool | dict[str, Any] | list[str] | None
"""Plain JSON."""
CURRENCY, PERIOD = "USD", "day"
HIGHEST_CAP = Decimal(10_000_000)
_MODEL = re.compile(r"[^\s\"'<>&]{1,200}")
_MOST_BANNED = 50


class Kind(StrEnum):
    ROUTE = "route"
    FEATURE = "feature"
    CAP = "cap"
    MODEL = "model"
    BAN = "ban"
    LIMIT = "limit"
    """What a provider lets calls cost; held by the provider alone, never on the board."""
    KEY = "key"
    """Whether a key is blocked; held by whoever made it."""


class SwitchboardError(Exception):
    """A change that cannot be made; the message says what is wrong and what could be done instead."""


class UnknownKeyError(SwitchboardError):
    """The catalog has no such key."""


class RefusedValueError(SwitchboardError):
    """The key cannot take this value."""


@dataclass(frozen=True, slots=True)
class SwitchKey:
    """One key: of which kind and system, and its default. `of` is what the catalog says about its object."""

    kind: Kind
    name: str
    system: str | None
    """None for a provider, which systems share."""
    default: Value
    of: Route | Cap | Provider | None = None

    @property
    def key(self) -> str:
        return f"{self.kind}.{self.name}"

    def checked(self, value: object) -> Value:
        """The value in the form in which it is stored. Raises RefusedValueError."""
        match self.kind:
            case Kind.ROUTE:
                return self._provider_or_split(value)
            case Kind.FEATURE:
                if not isinstance(value, bool):
                    raise RefusedValueError(f"{self.key} cannot be {value!r}; it is true or false")
                return value
            case Kind.CAP:
                return self._cap(value)
            case Kind.MODEL:
                return None if value is None else self._model(value)
        if not isinstance(value, list) or len(value) > _MOST_BANNED:
            raise RefusedValueError(f"{self.key} cannot be {value!r}; it is a list of at most {_MOST_BANNED} models")
        return sorted({self._model(each) for each in value})

    def permits(self, value: object) -> bool:
        """Whether it may have this value, as far as the catalog of now knows; 1 is no `true` here."""
        try:
            return self.checked(value) == value
        except RefusedValueError:
            return False

    def _provider_or_split(self, value: object) -> Value:
        assert isinstance(self.of, Route)
        providers = self.of.providers
        if isinstance(value, dict) and value.keys() == {"split"} and isinstance(value["split"], dict):
            return {"split": self._split(value["split"], providers)}
        if not isinstance(value, str) or value not in providers:
            raise RefusedValueError(f"{self.key} cannot be {value!r}; its providers are: {', '.join(providers)}")
        return value

    def _split(self, shares: dict[str, Any], providers: tuple[str, ...]) -> dict[str, int]:
        strangers = [name for name in shares if name not in providers]
        if strangers:
            known = f"its providers are: {', '.join(providers)}"
            raise RefusedValueError(f"{self.key} cannot go to {strangers[0]!r}; {known}")
        whole = all(isinstance(share, int) and not isinstance(share, bool) for share in shares.values())
        if not whole or any(not 0 <= share <= 100 for share in shares.values()) or sum(shares.values()) != 100:
            raise RefusedValueError(f"{self.key} cannot be split into {shares}; write whole percents that make 100")
        return {name: shares[name] for name in sorted(shares) if shares[name]}

    def _cap(self, value: object) -> Value:
        if value is None:
            return None
        if not isinstance(value, dict) or value.keys() - {"amount", "currency", "period"}:
            what = f"it is an amount of {CURRENCY} a {PERIOD}, or none"
            raise RefusedValueError(f"{self.key} cannot be {value!r}; {what}")
        if (value.get("currency", CURRENCY), value.get("period", PERIOD)) != (CURRENCY, PERIOD):
            raise RefusedValueError(f"{self.key} is an amount of {CURRENCY} a {PERIOD}")
        return cap_value(value.get("amount"), self.key)

    def _model(self, value: object) -> str:
        if not isinstance(value, str) or not _MODEL.fullmatch(value):
            raise RefusedValueError(f"{self.key} cannot be {value!r}; it is the name of a model")
        return value


def cap_value(amount: object, key: str = "the cap") -> dict[str, Any]:
    """A cap of so many US dollars a day. Raises RefusedValueError."""
    exact = _exact(amount)
    if exact is None:
        fix = "write an amount of US dollars to the cent, for example 100.00"
        raise RefusedValueError(f"{key} cannot be {amount!r}; {fix}")
    return {"amount": str(exact.quantize(Decimal("0.01"))), "currency": CURRENCY, "period": PERIOD}


def limit_value(amount: Decimal) -> dict[str, Any]:
    """A provider's limit of so many US dollars a month."""
    return {"amount": str(amount.quantize(Decimal("0.01"))), "currency": CURRENCY, "period": "month"}


def _exact(amount: object) -> Decimal | None:
    if isinstance(amount, bool) or not isinstance(amount, str | int | Decimal):
        return None
    try:
        exact = Decimal(str(amount))
    except InvalidOperation:
        return None
    fits = exact.is_finite() and 0 < exact <= HIGHEST_CAP and exact == exact.quantize(Decimal("0.01"))
    return exact if fits else None


def known_key(catalog: Catalog, key: str) -> SwitchKey | None:
    """The key as the catalog has it; None when it has no such route, feature, cap or provider."""
    kind, _, name = key.partition(".")
    match kind:
        case Kind.ROUTE | Kind.MODEL:
            route = catalog.route(name)
            if route is not None:
                default = route[1].primary if kind == Kind.ROUTE else None
                return SwitchKey(Kind(kind), name, route[0].name, default, route[1])
        case Kind.FEATURE:
            feature = catalog.feature(name)
            if feature is not None:
                return SwitchKey(Kind.FEATURE, name, feature[0].name, feature[1].default)
        case Kind.CAP:
            cap = catalog.cap(name)
            if cap is not None:
                default_cap = None if cap[1].amount is None else cap_value(cap[1].amount)
                return SwitchKey(Kind.CAP, name, cap[0].name, default_cap, cap[1])
        case Kind.BAN if name in catalog.providers:
            return SwitchKey(Kind.BAN, name, None, [], catalog.providers[name])
    return None


def known_keys(catalog: Catalog) -> Iterator[SwitchKey]:
    """Every key, in the order of the catalog."""
    for system in catalog.systems.values():
        for kind, names in (
            (Kind.ROUTE, system.routes),
            (Kind.FEATURE, system.features),
            (Kind.CAP, system.caps),
            (Kind.MODEL, system.routes),
        ):
            for name in names:
                found = known_key(catalog, f"{kind}.{name}")
                assert found is not None
                yield found
    for name in catalog.providers:
        found = known_key(catalog, f"{Kind.BAN}.{name}")
        assert found is not None
        yield found


def variant(kind: Kind, value: Value) -> str:
    """The name of a value: a provider's or model's own, `on` and `off`, an amount, `split`, `none`."""
    match value:
        case bool():
            return "on" if value else "off"
        case str():
            return value
        case dict():
            return "split" if kind is Kind.ROUTE else str(value.get("amount"))
        case list():
            return ",".join(value) or "none"
    return "none"
