"""The catalog in force: reread when its file changes, and kept when the new one is wrong."""

import hashlib
from pathlib import Path

import structlog

from bot.catalog import Catalog, CatalogError, Problem, load_catalog

log = structlog.get_logger(__name__)


class LiveCatalog:
    """Call it for the catalog in force; `problems` says what is wrong with a newer file that was refused."""

    def __init__(self, path: Path) -> None:
        """Read the file; raises CatalogError when it is wrong, since at the start there is no older one to keep."""
        self._path = path
        self._catalog = load_catalog(path)
        self._digest = self._read_digest()
        self.problems: tuple[Problem, ...] = ()

    def __call__(self) -> Catalog:
        return self._catalog

    def refresh(self) -> bool:
        """Reread the file if it changed; True when a new catalog is in force."""
        digest = self._read_digest()
        if digest == self._digest:
            return False
        self._digest = digest
        try:
            self._catalog = load_catalog(self._path)
        except CatalogError as error:
            self.problems = tuple(error.problems)
            for problem in error.problems:
                log.error("catalog refused, the old one stays in force", problem=str(problem))
            return False
        self.problems = ()
        log.info("catalog reloaded", file=str(self._path), systems=len(self._catalog.systems))
        return True

    def _read_digest(self) -> bytes | None:
        try:
            return hashlib.sha256(self._path.read_bytes()).digest()
        except OSError:
            return None
