"""Every Web API request with its answer, for tests, benchmarks and the curious."""

import json
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Any

KEPT = 50_000


@dataclass(frozen=True, slots=True)
class Entry:
    at: datetime
    method: str
    arguments: dict[str, Any]
    body: bytes | None  # the JSON of what was done; None: nothing was
    status: int  # of the HTTP answer; 0: there was none

    @property
    def response(self) -> Any:
        return None if self.body is None else json.loads(self.body)

    def as_json(self) -> dict[str, Any]:
        return {
            "at": self.at.isoformat(),
            "method": self.method,
            "arguments": self.arguments,
            "response": self.response,
            "status": self.status,
        }


class Journal:
    def __init__(self) -> None:
        self.entries: deque[Entry] = deque(maxlen=KEPT)

    def write(self, entry: Entry) -> None:
        self.entries.append(entry)

    def of(self, method: str | None = None) -> list[Entry]:
        return [entry for entry in self.entries if method is None or entry.method == method]
