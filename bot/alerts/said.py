"""What a sender said about one alert, whatever format it came in, and what was wrong with the rest."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.catalog import Catalog
from bot.incidents.severity import Severity


class Source(StrEnum):
    """Which format it came in."""

    ALERTMANAGER = "alertmanager"
    GRAFANA = "grafana"
    GENERIC = "generic"


@dataclass(frozen=True, slots=True)
class Said:
    """One alert as it stands by its sender's last word. Times are aware; `starts_at` is None where nothing was said."""

    system: str
    fingerprint: str
    source: Source
    cause: str
    severity: Severity
    title: str
    firing: bool
    text: str = ""
    url: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    """When it ended or, of one that fires, when it counts as ended unless it is sent again; None: when told so."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why one alert of a body was not taken: `field` says where (`[2].labels.system`), `detail` what to do."""

    field: str
    detail: str
    status: int = 400


@dataclass(frozen=True, slots=True)
class Reading:
    """What a body said: the alerts that can be taken, and what is wrong with the others."""

    alerts: Sequence[Said] = ()
    faults: Sequence[Fault] = ()


class PayloadError(Exception):
    """A body that cannot be read as a whole; nothing of it is taken."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(f"{fault.field}: {fault.detail}")


class FaultError(Exception):
    """One alert that cannot be taken; the others of the body can."""

    def __init__(self, field: str, detail: str, *, status: int = 400) -> None:
        self.fault = Fault(field, detail, status)
        super().__init__(f"{field}: {detail}")


@dataclass(frozen=True, slots=True)
class Scope:
    """For which systems somebody may speak: those of the catalog, or the one that the caller's token belongs to."""

    catalog: Catalog
    token_system: str | None = None

    def system(self, named: str | None, where: str, *, required: bool = False) -> str:
        """The system that is meant by a name, or by none; raises FaultError naming the field `where`."""
        if self.token_system is not None and named not in (None, self.token_system):
            detail = f"the token belongs to {self.token_system!r} and cannot speak for {named!r}"
            raise FaultError(where, detail, status=403)
        named = named or self.token_system
        systems = self.catalog.systems
        if named is None:
            if len(systems) == 1 and not required:
                return next(iter(systems))
            raise FaultError(where, f"it is missing; name one of the catalog's systems: {_listed(systems)}")
        if named not in systems:
            raise FaultError(where, f"there is no system {named[:100]!r}; the catalog has: {_listed(systems)}")
        return named


def _listed(systems: Mapping[str, object]) -> str:
    names = list(systems)
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")


_SEVERITIES = {
    "critical": Severity.SEV1,
    "page": Severity.SEV1,
    "error": Severity.SEV2,
    "warning": Severity.SEV3,
    "warn": Severity.SEV3,
    "info": Severity.SEV3,
    "note": Severity.SEV3,
    **{str(severity): severity for severity in Severity},
}


def known_severity(word: str) -> Severity | None:
    """The severity that a sender's word stands for; None where it stands for none."""
    return _SEVERITIES.get(word.strip().lower())


def severity_of(word: str | None) -> Severity:
    """As `known_severity`; without a word, or by one of the sender's own, it is sev2: rather a page too many."""
    return known_severity(word or "") or Severity.SEV2


def severity_words() -> str:
    """The words that stand for a severity, for messages."""
    return ", ".join(_SEVERITIES)


def fingerprint_of_labels(labels: Mapping[str, str]) -> str:
    """The same for the same labels in any order; `system` is left out, since a row has it in a field of its own."""
    pairs = sorted((name, value) for name, value in labels.items() if name != "system")
    return _hash("labels", json.dumps(pairs, ensure_ascii=True))


def fingerprint_of_key(cause: str, key: str) -> str:
    """Of an alert that its sender tells from others of the cause by a key of its own."""
    return _hash("key", json.dumps((cause, key)))


def _hash(kind: str, text: str) -> str:
    return hashlib.sha256(f"{kind}:{text}".encode("utf-8", "surrogatepass")).hexdigest()
