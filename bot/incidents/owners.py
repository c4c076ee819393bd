"""Tells an owner by direct message of a finding that pages nobody, but that a thread alone would not bring to them."""

from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog
from bot.incidents import timeline
from bot.store import outbox
from bot.store.tables import Finding, Incident

KINDS = frozenset({"calls_silent"})


async def tell(session: AsyncSession, catalog: Catalog, finding: Finding, incident: Incident, *, now: datetime) -> None:
    """Once a finding, whether its incident opens at once or when what held it back is over."""
    if finding.kind not in KINDS:
        return
    assert incident.id is not None
    key = f"silence:{finding.id}:owner"
    if await outbox.get(session, key) is not None:
        return
    system = catalog.systems.get(incident.system)
    where = f" in #{system.channel}" if system is not None else ""
    text = f"{incident.system}: {finding.title}. Its thread is incident {incident.id}{where}"
    entry = await timeline.add(session, incident.id, kind="seen", actor="badday", text=text, now=now)
    await outbox.post(
        session,
        key=key,
        kind="note",
        subject={"entry": entry.id},
        channel=f"person:{incident.owner}",
        priority=outbox.Priority.REPLY,
        incident_id=incident.id,
        now=now,
    )
