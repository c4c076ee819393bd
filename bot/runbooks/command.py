"""`badday runbook …`: list, validate, show, plan and rehearse change nothing and need no database; run starts one."""

import asyncio
import json
import logging
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot import logs
from bot.actions.registry import packaged
from bot.catalog import Catalog, CatalogError, Feature, Provider, Route, System
from bot.catalog.load import load_catalog
from bot.catalog.reading import read_text
from bot.runbooks import by_hand, knowing, planning
from bot.runbooks.by_hand import SeveralIncidentsError
from bot.runbooks.facts import Facts, IncidentFacts, RouteFacts
from bot.runbooks.library import Library, LiveLibrary, LoadedRunbook
from bot.runbooks.meaning import parse_runbook
from bot.runbooks.planning import PlannedStep
from bot.runbooks.rehearsal import rehearse
from bot.runbooks.schema import Step
from bot.runbooks.templates import Plain
from bot.settings import Settings
from bot.store import migrate
from bot.store.database import Database

_ADVICE = "give the path of a runbook file"


class _FoundIn(BaseModel):
    """A finding of the incident, as the file of `--incident-json` has it."""

    model_config = ConfigDict(extra="ignore")

    kind: str
    subject: str
    value: str | int | float | bool | None = None


class _IncidentFile(BaseModel):
    """The file of `--incident-json`."""

    model_config = ConfigDict(extra="ignore")

    system: str
    severity: str = "sev2"
    title: str
    route: str | None = None
    feature: str | None = None
    provider: str | None = None
    findings: list[_FoundIn] = Field(default_factory=list)
    opened_at: str | None = None


def list_(config: Path, *, as_json: bool) -> int:
    """The runbooks in force; those that are refused are told on standard error, with exit status 1."""
    library = _library(config)
    for name, loaded in sorted(library().runbooks.items()):
        starts = [start.watch for start in loaded.runbook.starts_on]
        if as_json:
            _line({"runbook": name, "summary": loaded.runbook.summary, "starts_on": starts, "file": str(loaded.file)})
        else:
            click.echo(f"{name}\t{loaded.runbook.summary}")
    for problem in library.problems:
        click.echo(str(problem), err=True)
    return 1 if library.problems else 0


def validate(files: Sequence[Path], *, as_json: bool) -> int:
    """Every mistake of the files; 1 with some, 2 where one cannot be read."""
    status = 0
    for file in files:
        try:
            parse_runbook(read_text(file, advice=_ADVICE), str(file), packaged())
        except CatalogError as error:
            for problem in error.problems:
                _line(problem.as_dict()) if as_json else click.echo(str(problem))
            status = max(status, 2 if error.unreadable else 1)
        else:
            if not as_json:
                click.echo(f"{file}: good")
    return status


def show(name: str, config: Path, *, as_json: bool) -> int:
    """One runbook as it is in force, or of a file."""
    loaded = _find(name, config)
    if as_json:
        _line(loaded.runbook.document())
    else:
        click.echo(f"# {loaded.file}")
        click.echo(read_text(loaded.file, advice=_ADVICE), nl=False)
    return 0


def plan(name: str, incident: Path, config: Path, given: Sequence[str], *, as_json: bool) -> int:
    """The steps that the incident would be offered, with every text filled in; nothing is done."""
    loaded = _find(name, config)
    told = _incident(incident)
    catalog = _catalog(config, told)
    system = catalog.systems[told.system]
    known = Facts(_facts(told), _routes(system, told))
    chosen = dict(each.partition("=")[::2] for each in given)
    inputs = knowing.chosen(loaded.runbook, chosen, known, system)
    known = Facts(known.incident, known.routes, inputs)
    planned = planning.plan(loaded.runbook, catalog=catalog, system=system, facts=known, actions=packaged())
    written = {step.id: step for step in loaded.runbook.steps}
    for each in planned:
        line = _planned(each, written[each.name])
        _line(line) if as_json else click.echo(_told(each, line))
    return 0


def run(name: str, system: str | None, given: Sequence[str], settings: Settings, *, as_json: bool) -> int:
    """Start a runbook in the database of a running bot, which offers its steps; 1 where that is not possible."""
    catalog = load_catalog(settings.config)
    library = _library(settings.config)()
    wanted = system or (next(iter(catalog.systems)) if len(catalog.systems) == 1 else "")
    if wanted not in catalog.systems:
        raise click.UsageError(f"--system is one of: {', '.join(catalog.systems)}")
    chosen = dict(each.partition("=")[::2] for each in given)
    try:
        number = asyncio.run(_run(settings, library, catalog, name, wanted, chosen))
    except (LookupError, SeveralIncidentsError) as error:
        click.echo(f"badday: {error}", err=True)
        return 1
    told = {"runbook": name, "system": wanted, "incident": number}
    _line(told) if as_json else click.echo(f"runbook {name} runs in incident {number} of {wanted}")
    return 0


async def _run(
    settings: Settings, library: Library, catalog: Catalog, name: str, system: str, given: dict[str, str]
) -> int:
    db = Database(settings.database_url)
    try:
        await migrate.upgrade(db.engine)
        async with db.transaction() as session:
            provider = given.pop("provider", None) if "provider" not in _inputs_of(library, name) else None
            incident, _ = await by_hand.start(
                *(session, library, catalog, name),
                system=system,
                provider=provider,
                inputs=given,
                actor="command line",
                now=datetime.now(UTC),
            )
            return incident.id or 0
    finally:
        await db.close()


def _inputs_of(library: Library, name: str) -> Collection[str]:
    return library.runbooks[name].runbook.inputs if name in library.runbooks else ()


def rehearse_(names: Sequence[str], config: Path, *, all_paths: bool, as_json: bool) -> int:
    """Play the paths; 1 where one of them cannot be gone to its end, 2 where a file cannot be read."""
    status = 0
    for name in names:
        try:
            runbook = _find(name, config).runbook
        except CatalogError as error:
            for problem in error.problems:
                click.echo(str(problem), err=True)
            status = max(status, 2 if error.unreadable else 1)
            continue
        rehearsal = rehearse(runbook, packaged(), all_paths=all_paths)
        for played in rehearsal.played:
            status = max(status, 0 if played.ok else 1)
            steps = [{"step": step, "outcome": state.value} for step, state in played.steps]
            told = {"runbook": runbook.name, "path": played.path, "steps": steps, "ok": played.ok}
            if as_json:
                _line(told | {"problems": list(played.problems)})
            elif not played.ok:
                click.echo(f"FAILED {runbook.name}: {played.path}: {'; '.join(played.problems)}")
        if not as_json:
            bad = sum(not played.ok for played in rehearsal.played)
            click.echo(f"{runbook.name}: {len(rehearsal.played)} paths, {bad} failed")
        if rehearsal.left_out:
            click.echo(f"{runbook.name}: {rehearsal.left_out} further paths were not played", err=True)
    return status


def _find(name: str, config: Path) -> LoadedRunbook:
    """By its name, or by the path of its file. Raises CatalogError for a file that is wrong or not there."""
    path = Path(name)
    if path.suffix in (".yaml", ".yml") or path.exists():
        text = read_text(path, advice=_ADVICE)
        return LoadedRunbook(parse_runbook(text, str(path), packaged()), "", path)
    known = _library(config)().runbooks
    if name not in known:
        raise click.UsageError(f"there is no runbook {name!r}; there are: {', '.join(sorted(known))}")
    return known[name]


def _library(config: Path) -> LiveLibrary:
    logs.configure(level=logging.CRITICAL)  # what is refused is printed by the command itself
    return LiveLibrary(config.parent / "runbooks")


def _incident(file: Path) -> _IncidentFile:
    try:
        return _IncidentFile.model_validate_json(file.read_bytes())
    except OSError as error:
        raise click.UsageError(f"{file}: cannot be read: {(error.strerror or 'unknown error').lower()}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise click.UsageError(f"{file}: {where}: {first['msg'].lower()}; see docs/reference/runbooks.md") from None


def _catalog(config: Path, told: _IncidentFile) -> Catalog:
    """The catalog, where there is one; else one that has what the incident speaks of."""
    if config.exists():
        catalog = load_catalog(config)
        if told.system in catalog.systems:
            return catalog
        raise click.UsageError(
            f"the catalog {config} has no system {told.system!r}; it has: {', '.join(catalog.systems) or 'none'}"
        )
    provider = told.provider or "provider"
    routes = {told.route: Route(told.route, provider)} if told.route else {}
    features = {told.feature: Feature(told.feature)} if told.feature else {}
    system = System(told.system, owner="owner", channel=told.system, routes=routes, features=features)
    return Catalog(providers={provider: Provider(provider)}, systems={told.system: system})


def _facts(told: _IncidentFile) -> IncidentFacts:
    first = told.findings[0] if told.findings else None
    return IncidentFacts(
        *(0, told.system, told.title, told.severity, told.provider),
        kind=first.kind if first else None,
        subject=first.subject if first else None,
        value=first.value if first else None,
        route=told.route,
        feature=told.feature,
    )


def _routes(system: System, told: _IncidentFile) -> list[RouteFacts]:
    """The route that the incident names, else those whose primary is its provider."""
    if told.route is not None and told.route in system.routes:
        found = [system.routes[told.route]]
    else:
        found = [route for route in system.routes.values() if told.provider in (None, route.primary)]
    return [
        RouteFacts(
            route.name,
            told.provider if told.provider in route.providers else route.primary,
            route.primary,
            route.standbys,
            planning.standby(route.providers, told.provider or route.primary, frozenset({told.provider or ""})),
        )
        for route in found
    ]


def _planned(each: PlannedStep, step: Step) -> dict[str, Any]:
    written = step.model_dump(mode="json", by_alias=True)
    return {
        "step": each.name,
        "title": each.title,
        "do": step.do,
        "with": each.arguments if each.arguments is not None else step.arguments,
        "run": step.run if step.do is not None else None,
        "if": step.condition,
        "approve": written["approve"],
        "undo": step.undo if step.do is not None else None,
        "expires": written["expires"],
        "note": each.note,
        "route": each.route,
        "possible": not each.moot,
        "waits_for": sorted(each.waits_for),
    }


def _told(each: PlannedStep, line: dict[str, Any]) -> str:
    how = f"{line['do']} {json.dumps(line['with'], default=str, ensure_ascii=False)}" if line["do"] else "note"
    when = f", after {', '.join(line['waits_for'])}" if each.pending else ""
    return f"{each.name}: {each.title}\n    {how}{when}" + (f"\n    {each.note}" if each.moot else "")


def _line(told: dict[str, Any]) -> None:
    click.echo(json.dumps(told, ensure_ascii=False, default=_plain))


def _plain(value: Plain) -> str:
    return str(value)
