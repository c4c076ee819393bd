"""The runbooks in force: those that come with Badday, and the users' own, which replace them by name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType

import structlog

from bot.actions.registry import Registry, packaged
from bot.catalog import CatalogError, Problem
from bot.catalog.reading import read_text
from bot.runbooks import expressions
from bot.runbooks.expressions import ExpressionError
from bot.runbooks.facts import Facts
from bot.runbooks.meaning import parse_runbook
from bot.runbooks.schema import Runbook, digest, exactness

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LoadedRunbook:
    """A runbook, the file that it came from and the SHA-256 of that file."""

    runbook: Runbook
    digest: str
    file: Path


@dataclass(frozen=True, slots=True)
class Library:
    """Runbooks by name."""

    runbooks: Mapping[str, LoadedRunbook] = field(default_factory=dict)

    def pick(self, watch: str | None, known: Facts) -> LoadedRunbook | None:
        """The runbook that starts on the watch; of several the one that names it most exactly, then by name.

        A start whose condition cannot be decided does not count: what it asks for is not known of this incident.
        """
        if watch is None:
            return None
        fitting = [
            (exactness(pattern, watch), loaded)
            for _, loaded in sorted(self.runbooks.items())
            if (pattern := loaded.runbook.matches(watch, partial(_starts, known))) is not None
        ]
        return max(fitting, key=lambda each: each[0])[1] if fitting else None


def _starts(known: Facts, condition: str) -> bool:
    try:
        return expressions.parse(condition).holds(known.plain())
    except ExpressionError:
        return False


def packaged_folder() -> Path:
    """Where the packaged runbooks lie: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_runbooks"
    return installed if installed.is_dir() else package.parent / "runbooks"


Signature = tuple[int, int, int]


class LiveLibrary:
    """Call it for the library in force. A file with a mistake is refused and what it said before stays in force;
    `problems` says what is wrong with it. A broken file that was never good leaves the packaged one in force."""

    def __init__(self, folder: Path, *, packaged_in: Path | None = None, actions: Registry | None = None) -> None:
        self._folders = (packaged_in or packaged_folder(), folder)
        self._actions = actions if actions is not None else packaged()
        self._seen: dict[Path, Signature] = {}
        self._good: dict[Path, LoadedRunbook] = {}
        self._wrong: dict[Path, tuple[Problem, ...]] = {}
        self._library = Library()
        self.refresh()

    def __call__(self) -> Library:
        return self._library

    @property
    def problems(self) -> tuple[Problem, ...]:
        return tuple(problem for _, problems in sorted(self._wrong.items()) for problem in problems)

    def refresh(self) -> bool:
        """Reread the files that changed; True when another library is in force."""
        files = dict(self._files())
        for gone in self._seen.keys() - files.keys():
            for table in (self._seen, self._good, self._wrong):
                table.pop(gone, None)
        for path, signature in files.items():
            if self._seen.get(path) != signature:
                self._seen[path] = signature
                self._load(path)
        # A later folder replaces an earlier one by name.
        found = {loaded.runbook.name: loaded for path in files if (loaded := self._good.get(path)) is not None}
        if found == self._library.runbooks:
            return False
        self._library = Library(MappingProxyType(found))
        log.info("runbooks loaded", runbooks=sorted(found))
        return True

    def _load(self, path: Path) -> None:
        try:
            text = read_text(path, advice="put it back, or restart Badday without it")
            runbook = parse_runbook(text, str(path), self._actions)
            _require_own_name(runbook, text, path)
        except CatalogError as error:
            self._wrong[path] = tuple(error.problems)
            for problem in error.problems:
                log.error("runbook refused", problem=str(problem), in_force=path in self._good)
            return
        self._wrong.pop(path, None)
        self._good[path] = LoadedRunbook(runbook, digest(text), path)

    def _files(self) -> Iterator[tuple[Path, Signature]]:
        for folder in dict.fromkeys(each.resolve() for each in self._folders):
            for path in sorted(folder.glob("*.yaml")) if folder.is_dir() else ():
                try:
                    found = path.stat()
                except OSError:
                    continue  # removed a moment ago
                yield path, (found.st_mtime_ns, found.st_size, found.st_ino)


def _require_own_name(runbook: Runbook, text: str, path: Path) -> None:
    """Names are unique because file names are; so a broken file is known by its name, too."""
    if runbook.name == path.stem:
        return
    line = next((number for number, each in enumerate(text.splitlines(), 1) if each.startswith("name:")), 1)
    message = f"the file {path.name} holds a runbook named {runbook.name!r}"
    raise CatalogError([Problem(str(path), line, 1, "name", message, f"name it {path.stem}, or rename the file")])
