"""`badday check`: every mistake of the catalog at once."""

import json
from pathlib import Path

import click

from bot.catalog.load import load_catalog
from bot.catalog.problems import CatalogError


def command(file: Path, as_json: bool) -> int:
    """Print the mistakes of the file; 0 without any, 1 with some, 2 where it cannot be read."""
    try:
        catalog = load_catalog(file)
    except CatalogError as error:
        for problem in error.problems:
            click.echo(json.dumps(problem.as_dict(), ensure_ascii=False) if as_json else str(problem))
        return 2 if error.unreadable else 1
    if not as_json:
        counts = {
            "people": len(catalog.people),
            "providers": len(catalog.providers),
            "systems": len(catalog.systems),
            "watches": len(catalog.watches),
        }
        click.echo(f"{file}: good; " + ", ".join(f"{what} {count}" for what, count in counts.items()))
    return 0
