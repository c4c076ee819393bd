"""`badday probe status`: read status pages once, by the name of a watch or provider, by address or from files."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import click

from bot.catalog import Catalog, CatalogError, load_catalog
from bot.settings import SettingsError, config_path
from bot.watches.http import Failed, Fresh, Http
from bot.watches.snapshot import Snapshot
from bot.watches.source import is_data_address, parse, registry, source_for
from bot.watches.status import StatusError

ENGINES = (
    *("statuspage", "incidentio", "google", "aws", "azure"),
    *("instatus", "betterstack", "statusio", "feed", "json"),
)
"""Every kind of page there is a word for; a target of one that cannot be read yet has an `error`."""
FIELDS = ("engine", "indicator", "components", "incidents", "maintenances")


@dataclass(frozen=True, slots=True)
class Probed:
    """What one target said, or why it could not be read."""

    target: str
    snapshot: Snapshot | None = None
    error: str | None = None

    def line(self) -> dict[str, Any]:
        """As it is printed with --json."""
        values = dict.fromkeys(FIELDS) if self.snapshot is None else _values(self.snapshot)
        return {"target": self.target, **values, "error": self.error}


def command(targets: Sequence[str], engine: str | None, as_json: bool) -> int:
    """Print a line a target; 0 whatever the pages say, 1 when one could not be read, 2 for an unknown engine."""
    if engine is not None and engine not in ENGINES:
        click.echo(f"badday probe status: there is no engine {engine}; there are: {', '.join(ENGINES)}", err=True)
        return 2
    probed = asyncio.run(probe(targets, engine))
    for one in probed:
        click.echo(json.dumps(one.line(), ensure_ascii=False) if as_json else _readable(one))
    return 1 if any(one.error for one in probed) else 0


async def probe(targets: Sequence[str], engine: str | None) -> list[Probed]:
    """Read every target, side by side; the answers are in the order of the targets."""
    catalog = cache(_catalog)  # read only if a name needs it, and once
    async with Http() as http:
        return list(await asyncio.gather(*(_probe(http, target, engine, catalog) for target in targets)))


async def _probe(http: Http, target: str, engine: str | None, catalog: Callable[[], Catalog]) -> Probed:
    try:
        return Probed(target, await _read(http, target, engine, catalog))
    except StatusError as error:
        return Probed(target, error=str(error))


async def _read(http: Http, target: str, engine: str | None, catalog: Callable[[], Catalog]) -> Snapshot:
    if "://" in target:
        return await _read_page(http, target, engine)
    if Path(target).is_file():  # noqa: ASYNC240 - a local file, once
        return await asyncio.to_thread(_read_file, target, engine)
    page, known_engine = _named(target, catalog)
    return await _read_page(http, page, engine or known_engine)


def _read_file(target: str, engine: str | None) -> Snapshot:
    try:
        body = Path(target).read_bytes()
    except OSError as error:
        raise StatusError(f"{target}: {error.strerror}") from error
    return parse(body, engine=engine)


def _named(name: str, catalog: Callable[[], Catalog]) -> tuple[str, str]:
    """Page and engine of a watch or provider of the catalog."""
    if "/" in name or Path(name).suffix in {".json", ".xml", ".rss", ".atom", ".html"}:
        if Path(name).is_dir():
            raise StatusError(f"{name}: is a folder; name the files in it")
        raise StatusError(f"{name}: no such file")
    known = catalog()
    if watch := known.watches.get(name):
        return watch.page, watch.engine
    watches = [watch for watch in known.watches.values() if watch.provider == name]
    if watches:
        return watches[0].page, watches[0].engine
    if name in known.providers:
        raise StatusError(f"{name}: the catalog names no status page; set providers.{name}.status")
    names = ", ".join(sorted({*known.watches, *known.providers})) or "none"
    raise StatusError(f"{name}: no file, and no watch or provider of the catalog (there are: {names})")


def _catalog() -> Catalog:
    path = config_path()
    try:
        return load_catalog(path)
    except CatalogError as error:
        raise StatusError(f"the catalog {path} cannot be read: {error.problems[0]}") from error
    except (OSError, SettingsError) as error:
        raise StatusError(f"the catalog {path} cannot be read: {error}") from error


async def _read_page(http: Http, url: str, engine: str | None) -> Snapshot:
    """Try the places where pages keep their data; what the first of them answered is the error where none has any."""
    first: StatusError | None = None
    for address in _addresses(url, engine):
        try:
            return await _fetch(http, address, engine)
        except StatusError as error:
            first = first or error
    assert first is not None
    raise first


def _addresses(url: str, engine: str | None) -> list[str]:
    if is_data_address(url):
        return [url]
    sources = [source_for(engine)] if engine else registry().values()
    addresses = [source.address(source.Options(page=url)) for source in sources]
    return list(dict.fromkeys((*addresses, url)))


async def _fetch(http: Http, url: str, engine: str | None) -> Snapshot:
    fetched = await http.fetch(url)
    if isinstance(fetched, Fresh):
        return parse(fetched.body, engine=engine)
    raise StatusError(fetched.reason if isinstance(fetched, Failed) else f"{url}: nothing new, unasked")


def _values(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "engine": snapshot.engine,
        "indicator": snapshot.indicator.value,
        "components": [
            {"id": one.id, "name": one.name, "group": one.group, "status": one.status.value}
            for one in snapshot.components
        ],
        "incidents": [
            {
                "id": one.id,
                "name": one.name,
                "impact": one.impact.value,
                "status": one.status,
                "started_at": _time(one.started_at),
                "updated_at": _time(one.updated_at),
                "components": list(one.components),
            }
            for one in snapshot.incidents
        ],
        "maintenances": [
            {
                "id": one.id,
                "name": one.name,
                "status": one.status,
                "starts_at": _time(one.starts_at),
                "ends_at": _time(one.ends_at),
            }
            for one in snapshot.maintenances
        ],
    }


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None


def _readable(probed: Probed) -> str:
    """For people: the verdict, then what is not well."""
    snapshot = probed.snapshot
    if snapshot is None:
        return f"{probed.target}: cannot be read: {probed.error}"
    lines = [f"{probed.target}: {snapshot.indicator.words} ({snapshot.engine}, {len(snapshot.components)} components)"]
    lines += [
        f"  {one.status.words:15} {f'{one.group} / ' if one.group else ''}{one.name}"
        for one in sorted(snapshot.components, key=lambda one: -one.status.rank)
        if one.status.rank
    ]
    lines += [f"  incident        {one.name} ({one.status}, {one.impact.words})" for one in snapshot.incidents]
    lines += [f"  maintenance     {one.name} ({one.status})" for one in snapshot.maintenances]
    return "\n".join(lines)
