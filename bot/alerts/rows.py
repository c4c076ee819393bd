"""Alerts as rows: what was said is written down, and what that changes is told by groups.

A group is what shares a system and a cause; it is one finding, and so one incident. Whoever writes rows of a group
holds it (`hold_groups`), so that any number of processes may take in the same alert at once.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, literal, or_, select, tuple_, update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.alerts.said import Said
from bot.store.database import is_postgres
from bot.store.tables import Alert

AT_ONCE = 500
"""Rows looked up or written by one statement."""


@dataclass(frozen=True, slots=True, order=True)
class Group:
    """The alerts of one system that have one cause."""

    system: str
    cause: str


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody's words change about a group: `begins` when an alert fires that did not before."""

    group: Group
    begins: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """What a row says that may change without its labels changing."""

    id: int
    firing: bool
    severity: str
    title: str
    text: str
    url: str | None
    ends_at: datetime | None
    revision: int


@dataclass(frozen=True, slots=True)
class Newest:
    """The alert of a group that began last."""

    title: str
    text: str
    labels: dict[str, str]
    url: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """How a group stands: how many of its alerts fire, the gravest severity of those, and the newest of them."""

    firing: int
    severity: str
    newest: Newest


_INSERT = insert(Alert)
_REPLACE = (
    update(Alert)
    .where(col(Alert.id) == bindparam("row"))
    .values({name: bindparam(name) for name in ("firing", "severity", "title", "text", "url", "labels", "annotations")})
    .values({name: bindparam(name) for name in ("starts_at", "ends_at", "changed_at", "revision", "handled_revision")})
)
_PROLONG = update(Alert).where(col(Alert.id) == bindparam("row")).values(ends_at=bindparam("ends_at"))


async def hold_groups(session: AsyncSession, groups: Iterable[Group]) -> None:
    """Wait for other processes that work on the groups, and keep them waiting until the transaction ends.

    SQLite has one writer anyway.
    """
    if not is_postgres(session):
        return
    await (await session.connection()).run_sync(lock, groups)


def lock(connection: Connection, groups: Iterable[Group]) -> None:
    """As `hold_groups`."""
    if connection.dialect.name != "postgresql":
        return
    # Sorted, so that two processes with the same groups never wait for each other.
    for key in sorted({_lock_of(group) for group in groups}):
        connection.execute(select(func.pg_advisory_xact_lock(literal(key))))


def _lock_of(group: Group) -> int:
    digest = sha256(f"alerts:{group.system}\0{group.cause}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


@dataclass(frozen=True, slots=True)
class Heard:
    """What was said, beside what is known of it: the rows to be written, and the groups that change by it."""

    new: list[dict[str, Any]]
    replaced: list[dict[str, Any]]
    prolonged: list[dict[str, Any]]
    changes: dict[Group, Change]
    known: set[Group]
    """Groups of which something changes that was known before."""


async def keep(session: AsyncSession, said: Iterable[Said], *, handled: bool, now: datetime) -> list[Change]:
    """Write down what was said, in order; the caller holds the groups.

    `handled`: the same transaction tells incidents about it; else the rows wait for the AlertHandler.
    """

    def work(connection: Connection) -> list[Change]:
        heard = hear(connection, said, handled=handled, now=now)
        write(connection, heard)
        return list(heard.changes.values())

    return await (await session.connection()).run_sync(work)


def hear(connection: Connection, said: Iterable[Said], *, handled: bool, now: datetime) -> Heard:
    """Compare what was said with what is known; writes nothing."""
    last = {(one.system, one.fingerprint): one for one in said}
    known = _known(connection, last)
    heard = Heard([], [], [], {}, set())
    for key, one in last.items():
        row = known.get(key)
        group = Group(one.system, one.cause)
        if row is None:
            if not one.firing:
                continue  # the end of what we never heard of
            heard.new.append(_new(one, handled=handled, now=now))
        elif row.firing != one.firing or (one.firing and _says_more(row, one)):
            heard.replaced.append(_replacement(row, one, handled=handled, now=now))
            heard.known.add(group)
        else:
            if one.firing and one.ends_at != row.ends_at:
                heard.prolonged.append({"row": row.id, "ends_at": one.ends_at})
            continue
        begins = one.firing and (row is None or not row.firing)
        before = heard.changes.get(group)
        heard.changes[group] = Change(group, begins or (before is not None and before.begins))
    return heard


def write(connection: Connection, heard: Heard) -> None:
    """Write the rows."""
    for statement, values in ((_INSERT, heard.new), (_REPLACE, heard.replaced), (_PROLONG, heard.prolonged)):
        if values:
            connection.execute(statement, values)


def _known(connection: Connection, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], Kept]:
    wanted = list(keys)
    found: dict[tuple[str, str], Kept] = {}
    for start in range(0, len(wanted), AT_ONCE):
        for system, fingerprint, *rest in connection.execute(_KNOWN, {"keys": wanted[start : start + AT_ONCE]}):
            found[system, fingerprint] = Kept(*rest)
    return found


_KNOWN = select(
    col(Alert.system), col(Alert.fingerprint), *(col(getattr(Alert, name)) for name in Kept.__slots__)
).where(tuple_(col(Alert.system), col(Alert.fingerprint)).in_(bindparam("keys", expanding=True)))


def _says_more(row: Kept, said: Said) -> bool:
    return (row.severity, row.title, row.text, row.url) != (said.severity, said.title, said.text, said.url)


def _new(said: Said, *, handled: bool, now: datetime) -> dict[str, Any]:
    return {
        "system": said.system,
        "fingerprint": said.fingerprint,
        "source": str(said.source),
        "cause": said.cause,
        "severity": str(said.severity),
        "title": said.title,
        "text": said.text,
        "url": said.url,
        "labels": dict(said.labels),
        "annotations": dict(said.annotations),
        "firing": True,
        "starts_at": said.starts_at or now,
        "ends_at": said.ends_at,
        "received_at": now,
        "changed_at": now,
        "revision": 1,
        "handled_revision": 1 if handled else 0,
        "attempt": 0,
    }


def _replacement(row: Kept, said: Said, *, handled: bool, now: datetime) -> dict[str, Any]:
    # An end without a word of when: it is over since now.
    return {
        "row": row.id,
        "firing": said.firing,
        "severity": str(said.severity),
        "title": said.title,
        "text": said.text,
        "url": said.url,
        "labels": dict(said.labels),
        "annotations": dict(said.annotations),
        "starts_at": said.starts_at or now,
        "ends_at": said.ends_at if said.firing else said.ends_at or now,
        "changed_at": now,
        "revision": row.revision + 1,
        "handled_revision": row.revision + 1 if handled else row.revision,
    }


async def standing(session: AsyncSession, groups: Collection[Group]) -> dict[Group, Standing]:
    """How groups stand now; one of which no alert fires is not in it."""
    together = (col(Alert.system), col(Alert.cause))
    latest = (col(Alert.starts_at).desc(), col(Alert.id).desc())
    ranked = (
        select(
            *together,
            *(col(getattr(Alert, name)) for name in Newest.__slots__),
            func.count().over(partition_by=together).label("firing"),
            func.min(col(Alert.severity)).over(partition_by=together).label("gravest"),
            func.row_number().over(partition_by=together, order_by=latest).label("place"),
        )
        .where(col(Alert.firing), _of_groups(groups))
        .subquery()
    )
    rows = await session.execute(select(ranked).where(ranked.c.place == 1))
    return {
        Group(row.system, row.cause): Standing(
            row.firing, row.gravest, Newest(row.title, row.text, row.labels, row.url)
        )
        for row in rows
    }


def _of_groups(groups: Collection[Group]) -> Any:
    by_system: dict[str, list[str]] = {}
    for group in groups:
        by_system.setdefault(group.system, []).append(group.cause)
    return or_(*((col(Alert.system) == system) & col(Alert.cause).in_(causes) for system, causes in by_system.items()))


async def belong_to(session: AsyncSession, findings: Collection[tuple[Group, int]]) -> None:
    """Note which finding a group's alerts are."""
    await (await session.connection()).execute(
        _BELONG,
        [{"in_system": group.system, "of_cause": group.cause, "finding": finding} for group, finding in findings],
    )


_BELONG = (
    update(Alert)
    .where(col(Alert.system) == bindparam("in_system"), col(Alert.cause) == bindparam("of_cause"), col(Alert.firing))
    .values(finding_id=bindparam("finding"))
)


async def waiting(session: AsyncSession, *, limit: int) -> Sequence[Group]:
    """Groups of which something was taken in and not told to incidents yet, the oldest first."""
    statement = (
        select(col(Alert.system), col(Alert.cause))
        .where(col(Alert.handled_revision) < col(Alert.revision))
        .group_by(col(Alert.system), col(Alert.cause))
        .order_by(func.min(col(Alert.changed_at)))
        .limit(limit)
    )
    return [Group(system, cause) for system, cause in await session.execute(statement)]


async def handle(session: AsyncSession, group: Group) -> Change | None:
    """Mark a group as told; what it was that had to be told. The caller holds it."""
    statement = (
        update(Alert)
        .where(
            col(Alert.system) == group.system,
            col(Alert.cause) == group.cause,
            col(Alert.handled_revision) < col(Alert.revision),
        )
        .values(handled_revision=col(Alert.revision))
        .returning(col(Alert.firing))
        .execution_options(synchronize_session=False)
    )
    told = (await session.execute(statement)).scalars().all()
    return Change(group, begins=any(told)) if told else None


async def expired(session: AsyncSession, *, now: datetime, limit: int) -> Sequence[Group]:
    """Groups with an alert whose end has come without its being sent again."""
    statement = (
        select(col(Alert.system), col(Alert.cause))
        .where(col(Alert.firing), col(Alert.ends_at) <= now)
        .distinct()
        .limit(limit)
    )
    return [Group(system, cause) for system, cause in await session.execute(statement)]


async def expire(session: AsyncSession, groups: Collection[Group], *, now: datetime) -> None:
    """Let alerts end whose end has come; they wait to be told then. The caller holds the groups."""
    await session.execute(
        update(Alert)
        .where(col(Alert.firing), col(Alert.ends_at) <= now, _of_groups(groups))
        .values(firing=False, changed_at=now, revision=col(Alert.revision) + 1)
        .execution_options(synchronize_session=False)
    )
