"""Who may read what a call said: people talk to a product about themselves, so not everybody."""

from bot.catalog import Catalog


def may_read(catalog: Catalog, system: str, person: str | None) -> bool:
    """Whether a person of the catalog may see the texts of a system's calls: its owner and deputies.

    A system that the catalog does not list has no owner yet; anybody of the catalog may read it then. Somebody whom the
    catalog does not know (None) may not read anything.
    """
    if person is None or person not in catalog.people:
        return False
    entry = catalog.systems.get(system)
    return entry is None or person in (entry.owner, *entry.deputies)


def readers(catalog: Catalog, system: str) -> tuple[str, ...]:
    """Whom somebody who may not read can ask, by key; for an unlisted system nobody in particular."""
    entry = catalog.systems.get(system)
    return () if entry is None else tuple(dict.fromkeys((entry.owner, *entry.deputies)))
