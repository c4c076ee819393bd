"""What does not page now, as its messages show it."""

from typing import Any

from sqlalchemy import select
from sqlmodel import col

from bot.incidents import holds, windows
from bot.incidents import silences as standing_silences
from bot.slack.messages.quiet import ExplainedLine, QuietView, SilenceLine, WindowLine
from bot.slack.views.look import Look
from bot.store.tables import Incident, Silence


async def silences(look: Look, subject: dict[str, Any]) -> QuietView:
    held: dict[str, list[str]] = {}
    for hold, finding in await holds.standing(look.session):
        held.setdefault(hold.held_by, []).append(f"{hold.system}: {finding.title}")
    rows = await standing_silences.current(look.session, look.now)
    return QuietView(
        silences=[await _silence(look, row, held.get(f"silence:{row.id}", ())) for row in rows],
        windows=[
            WindowLine(one.name, one.systems, one.reason, one.ends, held.get(f"maintenance:{one.name}", ()))
            for one in look.catalog.maintenance.values()
            if windows.is_in_force(one, look.now)
        ],
        explained=await _explained(look, held),
    )


async def _silence(look: Look, row: Silence, held: list[str] | tuple[()]) -> SilenceLine:
    return SilenceLine(
        number=row.id or 0,
        what=f"{row.system}/{row.cause}" if row.cause is not None else row.system,
        starts=row.starts_at,
        ends=row.ends_at,
        in_force=standing_silences.is_in_force(row, look.now),
        by=await look.name(row.created_by),
        reason=row.reason,
        held=held,
    )


async def _explained(look: Look, held: dict[str, list[str]]) -> list[ExplainedLine]:
    numbers = {int(number) for kind, _, number in (one.partition(":") for one in held) if kind == "incident"}
    if not numbers:
        return []
    statement = select(Incident).where(col(Incident.id).in_(numbers)).order_by(col(Incident.id))
    found = (await look.session.execute(statement)).scalars().all()
    return [ExplainedLine(one.id or 0, one.title, held[f"incident:{one.id}"]) for one in found]
