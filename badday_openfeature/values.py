"""The values that are in force, as they were fetched last: read from an answer or from disk, decided for one user.

A snapshot is never changed, only replaced, so that evaluations in any thread need no lock.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from time import time
from types import MappingProxyType
from typing import Any

SPLIT = "split"
LARGEST = 1_048_576
"""Bytes of an answer or of a file; what is larger is not ours."""


class RubbishError(ValueError):
    """An answer, or a file, that is no bulk evaluation of OFREP."""


@dataclass(frozen=True, slots=True)
class Flag:
    """One value. `shares` are those of a route that is split by user, else empty."""

    value: Any
    variant: str | None = None
    reason: str = "STATIC"
    metadata: Mapping[str, Any] = field(default_factory=dict)
    shares: tuple[tuple[str, int], ...] = ()
    ends: float | None = None
    """When a closed cap opens again, in seconds since 1970; None for all else."""
    then: "Flag | None" = None
    """What counts from then on, whether or not the bot is there to say so."""

    def now(self) -> "Flag":
        """The flag as it counts now: a cap that was closed for a day does not outlast it while the bot is down."""
        return self if self.ends is None or self.then is None or time() < self.ends else self.then

    def of(self, key: str, user: str) -> Any:
        """The value for one user."""
        if not self.shares or not user:
            return self.value
        digest = hashlib.sha256(f"{key}\0{user}".encode()).digest()
        place = int.from_bytes(digest[:8], "big") % 100
        for name, share in self.shares:
            place -= share
            if place < 0:
                return name
        return self.value


Snapshot = Mapping[str, Flag]
EMPTY: Snapshot = MappingProxyType({})


def read(text: bytes | str) -> Snapshot:
    """A bulk evaluation. Raises RubbishError for anything else: then what is known stays in force."""
    if len(text) > LARGEST:
        raise RubbishError("it is too large")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise RubbishError("it is not JSON") from None
    flags = document.get("flags") if isinstance(document, dict) else None
    if not isinstance(flags, list):
        raise RubbishError("it has no list of flags")
    found: dict[str, Flag] = {}
    for each in flags:
        if not isinstance(each, dict) or not isinstance(each.get("key"), str):
            raise RubbishError("a flag has no key")
        if "value" in each:  # a flag without a value means: use your own default
            found[each["key"]] = _flag(each)
    return MappingProxyType(found)


def _flag(told: dict[str, Any]) -> Flag:
    metadata = told.get("metadata") if isinstance(told.get("metadata"), dict) else {}
    assert isinstance(metadata, dict)
    variant = told.get("variant")
    flag = Flag(
        told["value"],
        variant if isinstance(variant, str) else None,
        str(told.get("reason") or "UNKNOWN"),
        MappingProxyType(dict(metadata)),
        _shares(metadata.get(SPLIT)),
    )
    ends = _opens(told["key"], flag.value)
    if ends is None:
        return flag
    opened = replace(flag, value={**flag.value, "state": "open", "until": None}, variant="open")
    return replace(flag, ends=ends, then=opened)


def _opens(key: str, value: Any) -> float | None:
    """When a cap that is closed opens again; None where it is not, or does not say so in a way that is understood."""
    if not key.startswith("cap.") or not isinstance(value, dict) or value.get("state") != "closed":
        return None
    try:
        until = datetime.fromisoformat(value["until"])
        return until.timestamp() if until.tzinfo is not None else None
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _shares(text: Any) -> tuple[tuple[str, int], ...]:
    """`cirrus=10,northwind=90`, in the order of the names; nothing where it says anything else."""
    if not isinstance(text, str):
        return ()
    found = []
    for part in text.split(","):
        name, _, share = part.partition("=")
        if not name or not share.isdecimal():
            return ()
        found.append((name, int(share)))
    return tuple(sorted(found)) if sum(share for _, share in found) == 100 else ()


def load(path: Path) -> Snapshot:
    """What was in force when the product ran last; nothing where there is no such file, or rubbish in it."""
    try:
        with path.open("rb") as file:
            return read(file.read(LARGEST + 1))
    except (OSError, RubbishError):
        return EMPTY


def keep(path: Path, text: bytes) -> bool:
    """Write an answer so that the file is always a whole one; False where that is not possible."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(text)
            Path(name).replace(path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError:
        return False
    return True
