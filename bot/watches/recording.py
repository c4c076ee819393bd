"""Writing down what polls said: targets, observations, watch states and findings, in one transaction for many polls."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Insert, Update, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog
from bot.detect.hysteresis import Verdict
from bot.store.tables import Observation, PollTarget, WatchState
from bot.watches.deciding import decide
from bot.watches.http import Failed, Known, Unchanged, pause_after
from bot.watches.judge import Judgement, judge, unreadable
from bot.watches.polls import Result, Watching
from bot.watches.slots import Grid
from bot.watches.source import Reading

log = structlog.get_logger(__name__)

STALE_AFTER = 3
"""Failed polls in a row after which a page counts as moved or blocked."""


async def record(
    session: AsyncSession, catalog: Catalog, results: Sequence[Result], *, owner: str, now: datetime
) -> None:
    """Write the results of all polls whose lease `owner` still holds, decide, and hand findings to the incidents."""
    held = await _held(session, results, owner)
    if not held:
        return
    await _write_targets(session, held.values())
    observations, states = [], []
    for watching in await _watchings(session, catalog, held):
        if not watching.is_due:
            continue
        judgement = _judge(watching)
        try:
            async with session.begin_nested():
                detector = await decide(session, catalog, watching, judgement, now=now)
        except Exception:
            # A defect in one watch's incident must not blind the others; its detector stands still and tries again.
            log.exception("finding not handed over, the next observation tries again", watch=watching.watch.name)
            continue
        states.append(_state_values(watching, judgement, detector))
        observations.append(_observation(watching, judgement))
    if observations:
        connection = await session.connection()
        await connection.execute(_observation_insert(connection.dialect.name), observations)
        await connection.execute(_STATES, states)


async def _write_targets(session: AsyncSession, results: Iterable[Result]) -> None:
    """Write what the polls left behind, and give the leases back. A snapshot is rewritten only when it is new."""
    fresh, unchanged, failed = [], [], []
    for result in results:
        match result.polled:
            case Reading(snapshot=snapshot, known=known, final_url=url):
                fresh.append(_good(result, known, url) | {"snapshot": snapshot.to_json()})
            case Unchanged(known=known, final_url=url):
                unchanged.append(_good(result, known, url))
            case Failed() as failure:
                failed.append(_failed(result, failure))
    for statement, rows in ((_FRESH, fresh), (_UNCHANGED, unchanged), (_FAILED, failed)):
        if rows:
            await (await session.connection()).execute(statement, rows)


async def _held(session: AsyncSession, results: Iterable[Result], owner: str) -> dict[str, Result]:
    """Results by target, without those whose lease somebody else took over while we polled."""
    by_id = {result.target.id: result for result in results}
    statement = (
        select(col(PollTarget.id), col(PollTarget.attempt))
        .where(col(PollTarget.id).in_(by_id), col(PollTarget.lease_owner) == owner)
        .with_for_update()
    )
    rows = (await session.execute(statement)).all()
    return {key: by_id[key] for key, attempt in rows if by_id[key].target.attempt == attempt}


async def _watchings(session: AsyncSession, catalog: Catalog, held: dict[str, Result]) -> list[Watching]:
    statement = (
        select(
            col(WatchState.name),
            col(WatchState.target_id),
            col(WatchState.status),
            col(WatchState.status_since),
            col(WatchState.detector),
        )
        .where(col(WatchState.target_id).in_(held), col(WatchState.active))
        .order_by(col(WatchState.name))
        .with_for_update()
    )
    rows = (await session.execute(statement)).all()
    return [
        Watching(catalog.watches[row.name], held[row.target_id], row.status, row.status_since, row.detector or {})
        for row in rows
        if row.name in catalog.watches
    ]


def _judge(watching: Watching) -> Judgement:
    snapshot = watching.result.snapshot
    if snapshot is not None:
        return judge(snapshot, watching.watch, hidden=watching.detector.get("hidden", ()))
    polled = watching.result.polled
    return unreadable(watching.watch, polled.reason if isinstance(polled, Failed) else "no answer is known")


def _good(result: Result, known: Known, final_url: str) -> dict[str, Any]:
    target = result.target
    return {
        "key": target.id,
        "next_due": Grid.of(target.id, target.interval).after(target.slot),
        "missed": target.missed,
        "failures": 0,
        "error": None,
        "etag": known.etag,
        "last_modified": known.last_modified,
        "validated_at": known.validated_at,
        "body_hash": known.body_hash,
        "fetched_at": result.at,
        "final_url": final_url,
    }


def _failed(result: Result, failed: Failed) -> dict[str, Any]:
    target = result.target
    failures = target.failures + 1
    return {
        "key": target.id,
        "next_due": Grid.of(target.id, target.interval).after(
            target.slot, pause_after(failed, failures, target.interval)
        ),
        "missed": target.missed,
        "failures": failures,
        "error": failed.reason,
    }


def _state_values(watching: Watching, judgement: Judgement, detector: dict[str, Any]) -> dict[str, Any]:
    """After a failed poll the last good status stays, marked stale once it has failed too often."""
    polled, at = watching.result.polled, watching.result.at
    status, since, stale, problem = watching.status, watching.status_since, False, judgement.problem
    if isinstance(polled, Failed):
        stale = watching.result.target.failures + 1 >= STALE_AFTER
        problem = f"source moved or blocked: {polled.reason}" if stale else None
    elif status != judgement.status.value:
        status, since = judgement.status.value, at
    return {
        "key": watching.watch.name,
        "status": status,
        "status_since": since,
        "observed_at": at,
        "stale": stale,
        "problem": problem,
        "detector": detector,
    }


def _observation(watching: Watching, judgement: Judgement) -> dict[str, Any]:
    result = watching.result
    telling = judgement.verdict is not Verdict.GOOD or judgement.problem is not None
    return {
        "watch": watching.watch.name,
        "slot": result.target.slot,
        "at": result.at,
        "verdict": judgement.verdict.value,
        "status": judgement.status.value,
        "evidence": judgement.evidence(result.target.url) if telling else None,
    }


def _observation_insert(dialect: str) -> Insert:
    """A slot is observed once, whoever comes second."""
    if dialect == "postgresql":
        return postgresql.insert(Observation).on_conflict_do_nothing(index_elements=["watch", "slot"])
    return sqlite.insert(Observation).on_conflict_do_nothing(index_elements=["watch", "slot"])


def _update(table: type[PollTarget | WatchState], key: Any, *names: str, **values: Any) -> Update:
    """An UPDATE of one row by its key, prepared once and executed with a list of rows."""
    columns: dict[str, Any] = {name: bindparam(name) for name in names}
    return update(table).where(key == bindparam("key")).values(**columns, **values)


_FREE: dict[str, Any] = {
    "lease_owner": None,
    "lease_until": None,
    "missed_slots": col(PollTarget.missed_slots) + bindparam("missed"),
}
_GOOD = (
    *("next_due", "failures", "error", "etag", "last_modified"),
    *("validated_at", "body_hash", "fetched_at", "final_url"),
)
_UNCHANGED = _update(PollTarget, col(PollTarget.id), *_GOOD, **_FREE)
_FRESH = _update(PollTarget, col(PollTarget.id), *_GOOD, "snapshot", **_FREE)
_FAILED = _update(PollTarget, col(PollTarget.id), "next_due", "failures", "error", **_FREE)
_STATES = _update(
    WatchState,
    col(WatchState.name),
    *("status", "status_since", "observed_at", "stale", "problem", "detector"),
)
