"""What a run knows at this moment, read from the store: the incident, its routes, what was chosen, how steps stand."""

from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.catalog import Catalog, System
from bot.runbooks import inputs, planning, templates
from bot.runbooks.facts import Facts, IncidentFacts, RouteFacts, StepFacts
from bot.runbooks.inputs import InputError
from bot.runbooks.life import State
from bot.runbooks.schema import Runbook
from bot.runbooks.templates import Plain, TemplateProblemError
from bot.store.tables import Finding, Incident, IncidentFinding, RunbookStep
from bot.switchboard import board


async def facts(
    session: AsyncSession,
    catalog: Catalog,
    incident: Incident,
    *,
    runbook: Runbook | None = None,
    given: Mapping[str, str] | None = None,
    steps: Sequence[RunbookStep] = (),
) -> Facts:
    """All of it. Inputs that nobody chose and that have no value here are left out: what needs them is not possible.

    Raises InputError where a value that was given is not allowed.
    """
    system = catalog.systems[incident.system]
    planned_for = frozenset(step.route for step in steps if step.route is not None)
    routes = await _routes(session, catalog, incident, planned_for)
    known = Facts(await of_incident(session, incident), routes)
    return Facts(
        known.incident,
        known.routes,
        chosen(runbook, given or {}, known, system) if runbook is not None else {},
        [of_step(step) for step in steps],
    )


async def of_incident(session: AsyncSession, incident: Incident) -> IncidentFacts:
    """What texts and conditions may say about the incident."""
    assert incident.id is not None
    statement = (
        select(Finding)
        .join(IncidentFinding, col(IncidentFinding.finding_id) == col(Finding.id))
        .where(col(IncidentFinding.incident_id) == incident.id)
        .order_by(col(Finding.id))
        .limit(1)
    )
    first = (await session.execute(statement)).scalar_one_or_none()
    evidence = (first.evidence or {}) if first is not None else {}
    return IncidentFacts(
        incident.id,
        incident.system,
        incident.title,
        incident.severity,
        incident.provider,
        kind=first.kind if first is not None else None,
        subject=first.subject if first is not None else None,
        value=_plain(evidence.get("value")),
        route=_name(evidence.get("route")),
        feature=_name(evidence.get("feature")),
    )


def of_step(step: RunbookStep) -> StepFacts:
    """How a step stands, as conditions see it."""
    return StepFacts(step.name, State(step.state), step.route, step.reading or {})


def chosen(runbook: Runbook, given: Mapping[str, str], known: Facts, system: System) -> dict[str, Plain]:
    """The values of the inputs. Raises InputError where one that was given is not allowed."""
    names = {
        "providers": list(system.providers),
        "routes": list(system.routes),
        "features": list(system.features),
        "caps": list(system.caps),
        "route.standbys": list(dict.fromkeys(name for route in known.routes for name in route.standbys)),
    }
    first = known.routes[0] if known.routes else None
    defaults = {name: _default(one.default, known, first) for name, one in runbook.inputs.items()}
    for name, one in runbook.inputs.items():
        only = inputs.allowed(one, names.get(str(one.choose_from), ()))
        if defaults[name] is None and len(only) == 1:  # there is nothing to choose
            defaults[name] = only[0]
    values: dict[str, Plain] = {}
    for name in given:
        if name not in runbook.inputs:
            inputs.resolve(runbook.inputs, {name: given[name]}, defaults=defaults, names=names)
    for name, one in runbook.inputs.items():
        own = {name: given[name]} if name in given else {}
        try:
            values |= inputs.resolve({name: one}, own, defaults=defaults, names=names)
        except InputError:
            if own:
                raise
    return values


def _default(written: Plain, known: Facts, route: RouteFacts | None) -> Plain:
    if not isinstance(written, str):
        return written
    try:
        return templates.render(written, known.plain(route)) or None
    except TemplateProblemError:
        return None


async def _routes(
    session: AsyncSession, catalog: Catalog, incident: Incident, planned_for: frozenset[str]
) -> list[RouteFacts]:
    """The system's routes that use the incident's provider now, and those that steps were planned for before."""
    troubled = await _troubled(session, incident)
    found = []
    for route in catalog.systems[incident.system].routes.values():
        current = await board.value(session, catalog, board.ROUTE + route.name)
        if current is None:
            continue
        concerned = incident.provider is not None and current.value == incident.provider
        if not concerned and route.name not in planned_for:
            continue
        value = current.variant  # `split` where it is split
        found.append(
            RouteFacts(
                route.name, value, route.primary, route.standbys, planning.standby(route.providers, value, troubled)
            )
        )
    return found


async def _troubled(session: AsyncSession, incident: Incident) -> frozenset[str]:
    """Providers that an open incident is about, whichever system's it is."""
    statement = select(col(Incident.provider)).where(
        col(Incident.resolved_at).is_(None),
        col(Incident.recovered_at).is_(None),
        col(Incident.provider).is_not(None),
    )
    others = (await session.execute(statement)).scalars().all()
    return frozenset(name for name in (*others, incident.provider) if name is not None)


def _plain(value: object) -> Plain:
    return value if isinstance(value, str | int | float | bool) else None


def _name(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
