"""`badday postmortem N`: the postmortem of an incident on standard output, or in a file."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import click

from bot.catalog import load_catalog
from bot.incidents.postmortem import Document, collect, html, markdown
from bot.settings import Settings
from bot.store import migrate
from bot.store.database import Database


def command(settings: Settings, number: int, *, as_html: bool, out: Path | None) -> int:
    """Exit status 1 where there is no such incident, 2 where the file cannot be written."""
    try:
        document = asyncio.run(_document(settings, number, as_html=as_html))
    except LookupError:
        click.echo(f"badday postmortem: there is no incident {number}", err=True)
        return 1
    if out is None:
        click.echo(document.content, nl=False)
        return 0
    try:
        out.write_bytes(document.content)
    except OSError as error:
        click.echo(f"badday postmortem: --out: cannot write {out}: {error.strerror}", err=True)
        return 2
    click.echo(f"{out} is written", err=True)
    return 0


async def _document(settings: Settings, number: int, *, as_html: bool) -> Document:
    catalog = load_catalog(settings.config)
    db = Database(settings.database_url)
    try:
        await migrate.upgrade(db.engine)
        async with db.reading() as session:
            facts = await collect(session, catalog, number, now=datetime.now(UTC))
    finally:
        await db.close()
    return html(facts) if as_html else markdown(facts)
