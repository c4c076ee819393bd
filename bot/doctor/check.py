"""One thing that the doctor looked at, and what came of it."""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `fix` says what to do where the status is not ok."""

    check: str
    status: Status
    message: str
    fix: str = ""
