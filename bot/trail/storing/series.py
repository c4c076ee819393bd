"""What many calls share is stored once: the fields of a series, and its digest."""

from collections.abc import Iterable
from hashlib import blake2b
from typing import NamedTuple

import orjson

from bot.trail.calls import Facts


class SeriesFields(NamedTuple):
    """The fields of a series, in the order of the table's columns."""

    system: str
    environment: str | None
    release: str | None
    feature: str | None
    route: str | None
    prompt_name: str | None
    prompt_version: str | None
    provider: str | None
    model_asked: str | None
    model_answered: str | None
    operation: str
    emitter: str
    emitter_version: str


def series_of(facts: Facts) -> SeriesFields:
    """The series that a call belongs to."""
    return SeriesFields(
        facts.system,
        facts.environment,
        facts.release,
        facts.feature,
        facts.route,
        facts.prompt_name,
        facts.prompt_version,
        facts.provider,
        facts.model_asked,
        facts.model_answered,
        facts.operation,
        facts.emitter,
        facts.emitter_version,
    )


def digest(fields: SeriesFields) -> bytes:
    """Sixteen bytes that two different series hardly share."""
    return blake2b(orjson.dumps(list(fields)), digest_size=16).digest()


class SeriesCache:
    """The ids that this process has seen."""

    LIMIT = 50_000

    def __init__(self) -> None:
        self._ids: dict[SeriesFields, int] = {}

    def missing(self, wanted: Iterable[SeriesFields]) -> list[SeriesFields]:
        return list({fields for fields in wanted if fields not in self._ids})

    def learn(self, fields: SeriesFields, series_id: int) -> None:
        if len(self._ids) >= self.LIMIT:
            self._ids.clear()
        self._ids[fields] = series_id

    def __getitem__(self, fields: SeriesFields) -> int:
        return self._ids[fields]

    def forget(self) -> None:
        """After a roll-back: the ids may never have existed."""
        self._ids.clear()
