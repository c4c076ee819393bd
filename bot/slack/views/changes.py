"""What is still switched, as faces show it."""

from typing import Any

from bot.runbooks import changes, freeze
from bot.slack.messages.changes import ChangeLine, ChangesView, Frozen
from bot.slack.messages.words import Deed
from bot.slack.views.look import Look
from bot.store.tables import RunbookRun


async def listed(look: Look, subject: dict[str, Any]) -> ChangesView:
    """The answer to `/badday changes [SYSTEM]`."""
    system = subject.get("system")
    return ChangesView(await lines(look, system=system), about=system or "", frozen=await frozen(look))


async def ending(look: Look, subject: dict[str, Any]) -> ChangesView:
    """What a runbook offers to undo at its end, in its own order."""
    run = await look.session.get_one(RunbookRun, subject["run"])
    wanted = tuple((run.document.get("close") or {}).get("offer_undo") or ())
    found = await changes.in_force(look.session, incident=run.incident_id, steps=wanted) if wanted else []
    return ChangesView([await _line(look, one) for one in found], ending=run.runbook)


async def lines(look: Look, *, system: str | None = None) -> list[ChangeLine]:
    return [await _line(look, one) for one in await changes.in_force(look.session, system=system)]


async def frozen(look: Look) -> Frozen | None:
    row = await freeze.in_force(look.session)
    return None if row is None else Frozen(Deed(await look.name(row.changed_by), row.changed_at), row.reason)


async def _line(look: Look, one: changes.Change) -> ChangeLine:
    deed = await look.deed(one.by, one.at)
    return ChangeLine(one.step, one.version, one.incident, one.system, one.what, deed, one.until, one.can_undo)
