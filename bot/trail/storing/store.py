"""What the writer asks of a store, and what it hands over: everything heavy is done before the store is locked."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from bot.trail.calls import CostSource, SeenSpan, StoredCall
from bot.trail.merging.merge import Known, Wanted
from bot.trail.storing.rollups import Delta
from bot.trail.storing.series import SeriesFields
from bot.trail.storing.words import Document


class StoreUnavailableError(Exception):
    """The trail cannot be written now (database locked, down or full); the same batch can be written later."""


class IdTakenError(Exception):
    """Another process gave a new call's id to another call a moment before."""


@dataclass(slots=True, frozen=True)
class StoredRow:
    """What the store knows of a call beside its facts."""

    series_id: int
    cost_nano: int | None
    fell_back: bool


@dataclass(slots=True)
class Found:
    """What is stored of a batch's traces and response ids."""

    known: Known = field(default_factory=Known)
    rows: dict[int, StoredRow] = field(default_factory=dict)
    version: int = 0
    """Of the store when it was read."""


@dataclass(slots=True)
class CallWrite:
    """A call, ready to be written."""

    call: StoredCall
    series_id: int
    cost_nano: int | None
    cost_source: CostSource | None
    price_version: str | None
    input_hash: int | None


@dataclass(slots=True)
class BodyWrite:
    """A call's texts, compressed."""

    call_id: int
    dictionary_id: int | None
    input: bytes | None
    output: bytes | None
    extra: bytes | None


@dataclass(slots=True)
class SourceDelta:
    """What an emitter of a system has sent more of (see the table CallSource)."""

    emitter_version: str = ""
    calls: int = 0
    with_input: int = 0
    with_output: int = 0
    with_usage: int = 0
    with_prompt_version: int = 0
    twins: int = 0
    truncated: int = 0
    unknown_spans: int = 0
    rejected: int = 0


@dataclass(slots=True)
class Plan:
    """All that one transaction writes."""

    received_us: int
    added: list[CallWrite] = field(default_factory=list)
    changed: list[CallWrite] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)
    spans: list[SeenSpan] = field(default_factory=list)
    new_bodies: list[BodyWrite] = field(default_factory=list)
    changed_bodies: list[BodyWrite] = field(default_factory=list)
    words_gone: list[Document] = field(default_factory=list)
    """As they were written."""
    words_new: list[Document] = field(default_factory=list)
    delta: Delta = field(default_factory=Delta)
    sources: dict[tuple[str, str], SourceDelta] = field(default_factory=dict)


class TrailStore(Protocol):
    """One connection of its own. Every method may raise StoreUnavailableError."""

    def look_up(self, wanted: Wanted, *, received_us: int) -> Found:
        """Every stored call (with its body) and span of these traces and response ids."""

    def series_ids(self, wanted: Sequence[SeriesFields]) -> list[int]:
        """The ids of series; unknown ones are made."""

    def dictionaries(self) -> tuple[dict[int, bytes], int | None]:
        """The compression dictionaries by id, and which one to use for new bodies."""

    def transaction(self) -> AbstractContextManager[int]:
        """Hold the write lock; gives the version, commits at the end, rolls back on an error."""

    def write(self, plan: Plan) -> None:
        """Write a plan inside a transaction."""

    def close(self) -> None:
        """Give the connection back; using the store again connects again."""
