"""The fallback register: for each dependency and trigger, what should happen by the catalog, and what did happen."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import aliased
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog, System
from bot.catalog.models import FallbackTrigger
from bot.store.tables import Call, CallSeries
from bot.trail.calls import ErrorClass, Outcome
from bot.trail.identity import id_floor, microseconds

TRIGGERS: Mapping[str, FallbackTrigger] = {
    ErrorClass.TIMEOUT.value: FallbackTrigger.TIMEOUT,
    ErrorClass.RATE_LIMIT.value: FallbackTrigger.RATE_LIMIT,
    ErrorClass.OVERLOADED.value: FallbackTrigger.RATE_LIMIT,
    ErrorClass.MALFORMED_BODY.value: FallbackTrigger.MALFORMED,
    ErrorClass.MALFORMED_OUTPUT.value: FallbackTrigger.MALFORMED,
}
"""Which error classes make up a trigger."""
RETRY, NONE = "retry", "none"
UNSEEN = frozenset({"cached", "template", "human"})
"""What may answer in a model's stead without a model call: the trail shows only that the last call failed."""
UNKNOWN = "unknown"


class Verdict(StrEnum):
    """Whether what happened is what should happen, as people read it."""

    AS_EXPECTED = "as expected"
    NOT_SEEN = "not seen yet"
    OTHER = "other than expected"
    USERS_SAW_ERRORS = "users saw errors"
    NOT_SAID = "nobody said what should happen"
    CANNOT_TELL = "calls cannot tell"


@dataclass(slots=True)
class Happened:
    """What followed the failed calls of one dependency and trigger."""

    fell_back: Counter[str] = field(default_factory=Counter)
    """To another provider (or another model of the same one, `provider/model`), how often."""
    retried: int = 0
    failed: int = 0
    """Not tried again: whoever called got the failure."""

    @property
    def nothing(self) -> bool:
        return not (self.fell_back or self.retried or self.failed)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the register."""

    dependency: str
    trigger: FallbackTrigger
    expected: str | None
    """What the catalog says should happen; the standby of its routes where it says nothing; None without either."""
    happened: Mapping[str, int]
    """In words, how often."""
    verdict: Verdict


async def register(session: AsyncSession, catalog: Catalog, system: str, since: datetime) -> list[Entry]:
    """The register of a system, over the calls that started since then; dependencies in the catalog's order."""
    described = catalog.systems.get(system) or System(system, owner="", channel="")
    floor = id_floor(microseconds(since))
    found: dict[tuple[str, FallbackTrigger], Happened] = {}

    def dependency(provider: str | None, model: str | None) -> str:
        return catalog.provider_of(described, provider, model) or UNKNOWN

    def happened(name: str, error_class: str) -> Happened:
        return found.setdefault((name, TRIGGERS[error_class]), Happened())

    for provider, model, error_class, to_provider, to_model, fell_back, count in await _followed(
        session, system, floor
    ):
        name, target = dependency(provider, model), dependency(to_provider, to_model)
        outcome = happened(name, error_class)
        if not fell_back:
            outcome.retried += count
        else:
            outcome.fell_back[f"{target}/{to_model}" if name == target and to_model else target] += count
    for provider, model, error_class, count in await _unfollowed(session, system, floor):
        happened(dependency(provider, model), error_class).failed += count
    dependencies = dict.fromkeys((*described.providers, *described.fallbacks, *sorted(name for name, _ in found)))
    return [
        entry_of(described, name, trigger, found.get((name, trigger), Happened()))
        for name in dependencies
        for trigger in FallbackTrigger
    ]


def entry_of(system: System, dependency: str, trigger: FallbackTrigger, happened: Happened) -> Entry:
    """Compare what happened with what the catalog says."""
    said = system.fallbacks.get(dependency, {}).get(trigger)
    standby = _standby(system, dependency) if said is None else None
    expected = said if said is not None else f"{standby} (standby)" if standby is not None else None
    return Entry(dependency, trigger, expected, _in_words(happened), _verdict(said or standby, happened))


def _verdict(expected: str | None, happened: Happened) -> Verdict:
    if happened.nothing:
        return Verdict.NOT_SEEN
    tried_again = bool(happened.retried or happened.fell_back)
    if expected == NONE:
        return Verdict.OTHER if tried_again else Verdict.AS_EXPECTED
    if expected in UNSEEN:
        return Verdict.OTHER if tried_again else Verdict.CANNOT_TELL
    if happened.failed:
        return Verdict.USERS_SAW_ERRORS
    if expected is None:
        return Verdict.NOT_SAID
    # Trying the same once more before falling back contradicts no expectation.
    return Verdict.AS_EXPECTED if set(happened.fell_back) <= {expected} else Verdict.OTHER


def _in_words(happened: Happened) -> dict[str, int]:
    words = {f"fell back to {target}": count for target, count in happened.fell_back.most_common()}
    if happened.retried:
        words["tried again"] = happened.retried
    if happened.failed:
        words["failed"] = happened.failed
    return words


def _standby(system: System, dependency: str) -> str | None:
    """Where the routes of a dependency go next."""
    standbys = (
        standby for route in system.routes.values() if route.primary == dependency for standby in route.standbys
    )
    return next(standbys, None)


async def _followed(
    session: AsyncSession, system: str, floor: int
) -> list[tuple[str | None, str | None, str, str | None, str | None, bool, int]]:
    """Failed attempts with what came after them: provider, model, error, the next ones, fell back, how often."""
    ids = await _series(session, system)
    failed, after = aliased(Call), aliased(Call)
    series, next_series = aliased(CallSeries), aliased(CallSeries)
    fell_back = after.fell_back_from.is_not(None)  # type: ignore[union-attr]
    columns = (
        *(series.provider, func.coalesce(series.model_asked, series.model_answered), failed.error_class),
        *(next_series.provider, func.coalesce(next_series.model_asked, next_series.model_answered), fell_back),
    )
    statement = (
        select(*columns, func.count())  # type: ignore[call-overload]
        .select_from(failed)
        .join(after, (after.attempt_group == failed.attempt_group) & (after.attempt == failed.attempt + 1))
        .join(series, series.id == failed.series_id)
        .join(next_series, next_series.id == after.series_id)
        .where(
            failed.attempt_group.is_not(None),  # type: ignore[union-attr]
            failed.attempt_group >= floor,  # type: ignore[operator]
            # Known already, but it leads to the index of failed calls.
            failed.series_id.in_(ids),  # type: ignore[attr-defined]
            failed.id >= floor,
            failed.error_class.is_not(None),  # type: ignore[union-attr]
            failed.error_class.in_(TRIGGERS),  # type: ignore[union-attr]
        )
        .group_by(*columns)
    )
    return [tuple(row) for row in (await session.execute(statement)).all()]


async def _unfollowed(session: AsyncSession, system: str, floor: int) -> list[tuple[str | None, str | None, str, int]]:
    """Failed calls that nothing followed: provider, model, error, how often."""
    ids = (await session.execute(select(col(CallSeries.id)).where(col(CallSeries.system) == system))).scalars().all()
    model = func.coalesce(col(CallSeries.model_asked), col(CallSeries.model_answered))
    statement = (
        select(col(CallSeries.provider), model, col(Call.error_class), func.count())
        .join(CallSeries, col(CallSeries.id) == col(Call.series_id))
        .where(
            col(Call.series_id).in_(ids),
            col(Call.id) >= floor,
            col(Call.error_class).is_not(None),
            col(Call.error_class).in_(TRIGGERS),
            (col(Call.outcome) == Outcome.ERROR.value) | (col(Call.error_class) == ErrorClass.MALFORMED_OUTPUT.value),
            col(Call.is_final),
        )
        .group_by(col(CallSeries.provider), model, col(Call.error_class))
    )
    return [tuple(row) for row in (await session.execute(statement)).all()]


async def _series(session: AsyncSession, system: str) -> list[int]:
    return list((await session.execute(select(col(CallSeries.id)).where(col(CallSeries.system) == system))).scalars())
