"""One transaction for many alerts: written down, and those that begin something new opened together.

A group is plain when all of it is new: nothing of its cause is open or was until lately, nothing holds it back, and its
first step pages people. All plain groups of a batch are opened by the same few statements. The other groups' alerts are
kept as waiting; bot.alerts.telling tells them, group by group.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, bindparam, inspect, or_, select, tuple_
from sqlmodel import col

from bot.alerts import rows, telling
from bot.alerts.rows import Change, Group, Newest, Standing
from bot.alerts.said import Said
from bot.catalog import Catalog
from bot.incidents import inhibition, opening, silences, windows
from bot.incidents.incidents import REOPEN_WITHIN
from bot.incidents.opening import Batch, Claim, New
from bot.incidents.severity import Severity
from bot.paging import overrides
from bot.paging.first_step import FirstStep, first_step
from bot.paging.overrides import StandIns
from bot.store.tables import Alert, CoverOverride, Finding, Incident, Silence

AT_ONCE = 500
"""Groups looked up by one statement."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a transaction did: what it opened, and the changes that are kept and still have to be told."""

    opened: Batch
    left: Sequence[Change]


def take(
    connection: Connection, catalog: Catalog, said: Collection[Said], *, now: datetime, claim: Claim | None = None
) -> Taken:
    """Write down what was said and open what is plain."""
    rows.lock(connection, {Group(one.system, one.cause) for one in said})
    heard = rows.hear(connection, said, handled=False, now=now)
    begun = {group for group, change in heard.changes.items() if change.begins} - heard.known
    plain = _plain(connection, catalog, begun, now=now)
    new = _new(connection, catalog, plain, heard.new, now=now)
    batch = opening.open_all(connection, catalog, list(new.values()), now=now, claim=claim)
    findings = {group: one.finding_id for group, one in zip(new, batch.opened, strict=True)}
    for row in heard.new:
        finding_id = findings.get(Group(row["system"], row["cause"]))
        # One set of columns, so that it is one statement.
        row["finding_id"] = finding_id
        row["handled_revision"] = row["revision"] if finding_id is not None else 0
    rows.write(connection, heard)
    return Taken(batch, [change for group, change in heard.changes.items() if group not in new])


def _plain(connection: Connection, catalog: Catalog, groups: Collection[Group], *, now: datetime) -> set[Group]:
    """Those of the groups of which nothing is known and which nothing holds back."""
    if inhibition.of_kind(inhibition.rules(), telling.KIND):
        return set()
    systems = {group.system for group in groups} & catalog.systems.keys()
    open_systems = {name for name in systems if windows.of_system(catalog, name, now) is None}
    wanted = [group for group in groups if group.system in open_systems]
    if not wanted:
        return set()
    held: Sequence[Any] = connection.execute(_SILENCES, {"systems": sorted(open_systems), "now": now}).all()
    free = {group for group in wanted if not any(_covers(silence, group) for silence in held)}
    return free - _known(connection, list(free), now=now)


_SILENCES = silences.IN_FORCE.with_only_columns(col(Silence.system), col(Silence.cause))


def _covers(silence: silences.Silencing, group: Group) -> bool:
    return silences.covers(silence, system=group.system, kind=telling.KIND, subject=group.cause)


def _known(connection: Connection, groups: Sequence[Group], *, now: datetime) -> set[Group]:
    """Groups with an alert that fires, a finding that is open, or an incident that is open or was until lately."""
    found: set[Group] = set()
    by_key = {telling.dedupe_key(group): group for group in groups}
    for start in range(0, len(groups), AT_ONCE):
        some = groups[start : start + AT_ONCE]
        pairs = [(group.system, group.cause) for group in some]
        found |= {Group(*pair) for pair in connection.execute(_FIRING, {"pairs": pairs})}
        keys = [telling.dedupe_key(group) for group in some]
        found |= {by_key[key] for key in connection.execute(_FINDINGS, {"findings": keys}).scalars()}
        causes = [(group.system, _cause(group)) for group in some]
        since = now - REOPEN_WITHIN
        for system, cause in connection.execute(_INCIDENTS, {"causes": causes, "since": since}):
            found.add(Group(system, cause.removeprefix(f"{telling.KIND}:")))
    return found


def _cause(group: Group) -> str:
    return f"{telling.KIND}:{group.cause}"


_A, _F, _I = (inspect(table).c for table in (Alert, Finding, Incident))
_FIRING = select(_A.system, _A.cause).where(
    tuple_(_A.system, _A.cause).in_(bindparam("pairs", expanding=True)), _A.firing
)
_FINDINGS = select(_F.dedupe_key).where(
    _F.dedupe_key.in_(bindparam("findings", expanding=True)), _F.cleared_at.is_(None)
)
_INCIDENTS = select(_I.system, _I.cause).where(
    tuple_(_I.system, _I.cause).in_(bindparam("causes", expanding=True)),
    or_(_I.resolved_at.is_(None), _I.resolved_at > bindparam("since")),
)


def _new(
    connection: Connection,
    catalog: Catalog,
    plain: Collection[Group],
    alerts: Sequence[Mapping[str, Any]],
    *,
    now: datetime,
) -> dict[Group, New]:
    if not plain:
        return {}
    by_group: dict[Group, list[Mapping[str, Any]]] = {}
    for alert in alerts:
        group = Group(alert["system"], alert["cause"])
        if group in plain:
            by_group.setdefault(group, []).append(alert)
    step_of = _steps(connection, catalog, now)
    new: dict[Group, New] = {}
    for group, firing in by_group.items():
        stands = _standing(firing)
        pages = Severity(stands.severity).pages
        step = step_of(group.system, stands.severity) if pages else None
        if step is not None or not pages:
            finding = telling.finding(group, stands, now=now)
            new[group] = New(finding, str(finding["evidence"]["known"]), step)
    return new


def _steps(connection: Connection, catalog: Catalog, now: datetime) -> Callable[[str, str], FirstStep | None]:
    """Whom incidents of a system page first, looked up once."""
    known: Sequence[Any] = connection.execute(_STAND_INS, {"now": now}).all()
    standing = StandIns.of(known, catalog)

    @cache
    def step(system: str, severity: str) -> FirstStep | None:
        return first_step(catalog, standing, system, severity=severity, now=now)

    return step


_STAND_INS = overrides.CURRENT.with_only_columns(*inspect(CoverOverride).columns)


def _standing(firing: Sequence[Mapping[str, Any]]) -> Standing:
    """As rows.standing says of rows."""
    newest = max(enumerate(firing), key=lambda one: (one[1]["starts_at"], one[0]))[1]
    told = Newest(newest["title"], newest["text"], newest["labels"], newest["url"])
    return Standing(len(firing), min(alert["severity"] for alert in firing), told)
