"""Starting a runbook by hand, from whichever face: in the system's open incident, or in one that is opened for it."""

from collections.abc import Mapping
from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog
from bot.incidents import incidents
from bot.runbooks import runs
from bot.runbooks.library import Library
from bot.store.tables import Incident, RunbookRun


class SeveralIncidentsError(Exception):
    """Several incidents of the system are open, so it is not clear which one is meant."""

    def __init__(self, incidents: list[tuple[int, str]]) -> None:
        self.incidents = incidents
        known = ", ".join(f"{number} ({title})" for number, title in incidents)
        super().__init__(f"several incidents are open: {known}")


async def start(
    session: AsyncSession,
    library: Library,
    catalog: Catalog,
    runbook: str,
    *,
    system: str,
    provider: str | None,
    inputs: Mapping[str, str],
    actor: str,
    now: datetime,
) -> tuple[Incident, RunbookRun]:
    """All or nothing: a value that an input cannot have leaves no incident behind.

    Raises LookupError for an unknown runbook, InputError, and SeveralIncidentsError.
    """
    async with session.begin_nested():
        incident = await _incident(session, library, catalog, runbook, system, provider, actor, now)
        run = await runs.start_by_hand(
            *(session, library, catalog, incident, runbook), inputs=inputs, actor=actor, now=now
        )
    return incident, run


async def _incident(
    session: AsyncSession,
    library: Library,
    catalog: Catalog,
    runbook: str,
    system: str,
    provider: str | None,
    actor: str,
    now: datetime,
) -> Incident:
    loaded = library.runbooks.get(runbook)
    if loaded is None:
        raise LookupError(
            f"there is no runbook {runbook!r}; there are: {', '.join(sorted(library.runbooks)) or 'none'}"
        )
    open_now = await incidents.open_incidents(session, system)
    fitting = [one for one in open_now if provider is None or one.provider == provider]
    if len(fitting) > 1:
        raise SeveralIncidentsError([(one.id or 0, one.title) for one in fitting[:10]])
    if fitting:
        return fitting[0]
    return await incidents.open_incident(
        session,
        catalog,
        system=system,
        cause=f"run:{runbook}",
        title=loaded.runbook.summary,
        severity=loaded.runbook.severity or "sev2",
        known="",
        actor=actor,
        now=now,
        provider=provider,
    )
