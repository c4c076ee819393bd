"""How things stand as a whole: the answer to `/badday status`; App Home shows parts of it."""

from typing import Any

from sqlalchemy import select
from sqlmodel import col

from bot.incidents import incidents
from bot.runbooks import arming
from bot.slack.messages.status import CallsLine, IncidentLine, RouteLine, StatusView, SystemLine, WatchLine
from bot.slack.views import quiet
from bot.slack.views.look import Look
from bot.store.tables import Incident, WatchState
from bot.switchboard import board
from bot.watches.calls_seen import SeenCalls, seen_calls


async def status(look: Look, subject: dict[str, Any]) -> StatusView:
    found = await incidents.open_incidents(look.session)
    return StatusView(
        at=look.now,
        systems=await systems(look),
        watches=await _watches(look),
        incidents=[await _line(look, incident) for incident in found],
        calls=await calls(look),
        quiet=await quiet.silences(look, subject),
    )


async def systems(look: Look) -> list[SystemLine]:
    in_force = await board.all_values(look.session, look.catalog)
    return [
        SystemLine(
            name=system.name,
            owner=await look.name(system.owner),
            armed=await arming.is_armed(look.session, look.catalog, system.name),
            routes=[
                RouteLine(route.name, str(in_force[board.ROUTE + route.name].value), route.primary)
                for route in system.routes.values()
            ],
        )
        for system in look.catalog.systems.values()
    ]


async def _watches(look: Look) -> list[WatchLine]:
    statement = select(WatchState).where(col(WatchState.active).is_(True)).order_by(col(WatchState.name))
    return [
        WatchLine(
            name=watch.name,
            status=watch.status,
            age=look.now - watch.observed_at if watch.observed_at is not None else None,
            stale=watch.stale,
            problem=watch.problem,
        )
        for watch in (await look.session.execute(statement)).scalars()
    ]


async def calls(look: Look) -> list[CallsLine]:
    return [line for seen in await seen_calls(look.session, look.catalog, look.now) for line in _calls(seen)]


def _calls(seen: SeenCalls) -> list[CallsLine]:
    """A line for each route that is called now, or that failed when it was; else one for the system."""
    if seen.series and seen.silent_since is None:
        return [
            CallsLine(
                system=seen.system,
                route=series.route or None,
                provider=series.provider or None,
                state=series.state,
                calls=series.calls,
                failed=series.failed,
                p95_ms=series.p95_ms,
                minutes=seen.minutes,
                stale=seen.stale,
            )
            for series in seen.series
        ]
    state = "silent" if seen.silent_since is not None else "none"
    return [CallsLine(system=seen.system, state=state, last_at=seen.last_call_at, stale=seen.stale)]


async def _line(look: Look, incident: Incident) -> IncidentLine:
    assert incident.id is not None
    return IncidentLine(
        number=incident.id,
        system=incident.system,
        title=incident.title,
        severity=incident.severity,
        state=incident.state,
        age=look.now - incident.opened_at,
        owner=await look.name(incident.owner),
    )
