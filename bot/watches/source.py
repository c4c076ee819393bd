"""What a source is: a description and one pure method; the base fetches, and words what went wrong."""

import importlib
import pkgutil
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from bot.watches import sources
from bot.watches.http import Failed, Fresh, Http, Known, Unchanged
from bot.watches.shapes import StatusError, read_document
from bot.watches.snapshot import Snapshot

_DATA_PATHS = ("/api/", "/proxy/")
_DATA_ENDINGS = (".json", ".xml", ".rss", ".atom")


class Strict(BaseModel):
    """Options of a source: nothing that we do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class Reading:
    """A good answer that is new, parsed."""

    snapshot: Snapshot
    known: Known
    final_url: str


Polled = Reading | Unchanged | Failed


class Source(ABC):
    """One kind of status page. A subclass in a file of `sources` is found by its `engine`."""

    engine: ClassVar[str]
    path: ClassVar[str]
    """Where the data is, under the page's address."""
    shapes: ClassVar[frozenset[str]]
    """The shapes of answers that it can read (see bot.watches.shapes)."""

    class Options(Strict):
        """The page as people know it, or the address of its data itself."""

        page: str

    def __init_subclass__(cls, *, engine: str, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.engine = engine
        cls.shapes = getattr(cls, "shapes", frozenset({engine}))

    def address(self, options: Options) -> str:
        """The URL that is polled."""
        if is_data_address(options.page):
            return options.page
        return f"{options.page.rstrip('/')}/{self.path}"

    @abstractmethod
    def read(self, content: Any) -> Snapshot:
        """What the decoded answer says; pure. Only called with content of one of `shapes`; raises StatusError."""

    async def poll(self, http: Http, url: str, known: Known) -> Polled:
        """Fetch and read once; whatever goes wrong is a Failed with a sentence, never an exception."""
        fetched = await http.fetch(url, known)
        if not isinstance(fetched, Fresh):
            return fetched
        try:
            snapshot = parse(fetched.body, engine=self.engine)
        except StatusError as error:
            return Failed(f"{url}: {error}")
        return Reading(snapshot, fetched.known, fetched.final_url)


def is_data_address(url: str) -> bool:
    """Whether the URL already names data rather than a page for people."""
    path = urlsplit(url).path
    return path.endswith(_DATA_ENDINGS) or any(part in path for part in _DATA_PATHS)


@cache
def registry() -> dict[str, Source]:
    """Every source by its engine."""
    for module in pkgutil.iter_modules(sources.__path__, f"{sources.__name__}."):
        importlib.import_module(module.name)
    return {kind.engine: kind() for kind in sorted(Source.__subclasses__(), key=lambda kind: kind.engine)}


def source_for(engine: str) -> Source:
    """The source of an engine; raises StatusError for one that cannot be read yet."""
    try:
        return registry()[engine]
    except KeyError:
        raise StatusError(f"engine {engine} is not supported yet; there are: {', '.join(sorted(registry()))}") from None


def parse(body: bytes, *, engine: str | None = None) -> Snapshot:
    """What an answer says; the engine is found from the content where it is not given. Raises StatusError."""
    wanted = source_for(engine) if engine else None
    document = read_document(body, engine=engine)
    source = wanted or source_for(document.engine)
    if document.engine not in source.shapes:
        raise StatusError(
            f"this is data of engine {document.engine}, not of {source.engine}; set engine: {document.engine}"
        )
    return source.read(document.content)
