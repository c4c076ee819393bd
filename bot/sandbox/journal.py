"""Every Web API request with its answer, for tests, benchmarks and the curious."""

from collections import deque
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

KEPT = 50_000


@dataclass(frozen=True, slots=True)
class Entry:
    at: datetime
    method: str
    arguments: dict[str, Any]
    response: dict[str, Any] | None  # None: the caller got no JSON
    status: int

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "at": self.at.isoformat()}


class Journal:
    def __init__(self) -> None:
        self.entries: deque[Entry] = deque(maxlen=KEPT)

    def write(self, entry: Entry) -> None:
        self.entries.append(entry)

    def of(self, method: str | None) -> list[Entry]:
        return [entry for entry in self.entries if method is None or entry.method == method]
