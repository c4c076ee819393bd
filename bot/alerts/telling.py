"""What alerts mean for incidents: each group is a finding, which opens, grows, gets graver and is over.

A thousand alerts of one group are one incident whose root message counts them; no alert has a thread note of its own.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.alerts import rows
from bot.alerts.rows import Change, Group, Newest, Standing
from bot.catalog import Catalog
from bot.incidents import findings
from bot.incidents.severity import worse
from bot.store.tables import Finding

KIND = "alert"
NO_HOLD = timedelta()
"""Whoever sent the alert has waited long enough before saying that it is over."""
_NOT_TOLD = frozenset({"alertname", "system", "severity"})
"""Labels that the title says already."""
_LABELS_TOLD = 6


async def tell(session: AsyncSession, catalog: Catalog, changes: Collection[Change], *, now: datetime) -> None:
    """Bring findings and incidents in line with the groups that changed; the caller holds the groups."""
    groups = {change.group: change for change in changes if change.group.system in catalog.systems}
    if not groups:
        return
    standing = await rows.standing(session, groups)
    open_now = await _open(session, groups)
    if len(open_now) > 1:
        await findings.hold_of(session, open_now.values())
    opened: list[tuple[Group, int]] = []
    for group, change in groups.items():
        stands, known_as = standing.get(group), open_now.get(group)
        if stands is not None and known_as is None:
            known_as = await _begin(session, catalog, group, stands, now=now)
        elif stands is not None and known_as is not None:
            await _go_on(session, catalog, known_as, stands, begins=change.begins, now=now)
        elif known_as is not None:
            await _end(session, known_as, now=now)
        if stands is not None and known_as is not None and change.begins and known_as.id is not None:
            opened.append((group, known_as.id))
    if opened:
        await rows.belong_to(session, opened)


async def _begin(session: AsyncSession, catalog: Catalog, group: Group, stands: Standing, *, now: datetime) -> Finding:
    new = Finding(**finding(group, stands, now=now))
    session.add(new)
    await session.flush()
    await findings.opened(session, catalog, new, now=now)
    return new


def finding(group: Group, stands: Standing, *, now: datetime) -> dict[str, Any]:
    """What a group that begins is found to be, as the columns of its row."""
    return {
        "kind": KIND,
        "subject": group.cause,
        "system": group.system,
        "severity": stands.severity,
        "title": stands.newest.title,
        "evidence": _evidence(stands, stands.newest.title),
        "dedupe_key": dedupe_key(group),
        "opened_at": now,
    }


async def _go_on(
    session: AsyncSession, catalog: Catalog, finding: Finding, stands: Standing, *, begins: bool, now: datetime
) -> None:
    graver = worse(stands.severity, finding.severity) != finding.severity
    finding.severity = worse(stands.severity, finding.severity)
    finding.evidence = _evidence(stands, finding.title)
    await session.flush()
    if begins and not await findings.is_attended(session, finding):
        # People had ended the incident, and now there is more of it.
        await findings.opened(session, catalog, finding, now=now)
        return
    await findings.changed(session, finding, now=now, quietly=not graver)


async def _end(session: AsyncSession, finding: Finding, *, now: datetime) -> None:
    finding.cleared_at = now
    finding.evidence = {**(finding.evidence or {}), "known": "no alert fires any more", "firing": 0}
    await session.flush()
    await findings.cleared(session, finding, now=now, hold=NO_HOLD)


async def _open(session: AsyncSession, groups: Collection[Group]) -> dict[Group, Finding]:
    keys = {dedupe_key(group): group for group in groups}
    statement = select(Finding).where(col(Finding.dedupe_key).in_(keys), col(Finding.cleared_at).is_(None))
    return {keys[finding.dedupe_key]: finding for finding in (await session.execute(statement)).scalars()}


def dedupe_key(group: Group) -> str:
    """The finding's key of a group."""
    return f"{KIND}:{group.system}:{group.cause}"


def _evidence(stands: Standing, title: str) -> dict[str, object]:
    return {"known": known(stands, title), "firing": stands.firing, "url": stands.newest.url}


def known(stands: Standing, title: str) -> str:
    """What an incident with this title says of the group's alerts, in one sentence."""
    newest = stands.newest
    if stands.firing == 1:
        return newest.text or _labels(newest) or "1 alert firing"
    latest = newest.title if newest.title != title else _labels(newest) or newest.title
    return f"{stands.firing} alerts firing, newest: {latest}"


def _labels(newest: Newest) -> str:
    told = [f"{name} {value}" for name, value in sorted(newest.labels.items()) if name not in _NOT_TOLD]
    return ", ".join(told[:_LABELS_TOLD])
