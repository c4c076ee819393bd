"""From bytes to a document of a known shape: decoding, JSON or XML, and the engine that writes like this."""

import codecs
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NoReturn
from xml.etree import ElementTree

BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_XML_DECLARATION = re.compile(rb"""\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_HTML = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)
_ULID = re.compile(r"[0-7][0-9A-Za-z]{25}")
ENGINES_OF_EMPTY_LIST = frozenset({"google", "aws"})


class StatusError(Exception):
    """A status page's answer cannot be read; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Document:
    """A decoded answer: the engine that its shape tells, and its content (JSON data, or the root of an XML tree)."""

    engine: str
    content: Any


def read_document(body: bytes, *, engine: str | None = None) -> Document:
    """Decode and recognise an answer; `engine` is what the caller expects. Raises StatusError."""
    text = decode(body)
    if not text.strip():
        raise StatusError("the answer is empty; check the address")
    if is_html(text):
        raise StatusError(
            "this is an HTML page, not status data; the page moved, switched its data off or blocks programs: "
            "open the address in a browser and give the one of its JSON"
        )
    if text.lstrip().startswith("<"):
        root = _xml(text)
        return Document(_xml_engine(root), root)
    content = _json(text)
    if content == [] and engine in ENGINES_OF_EMPTY_LIST:
        return Document(str(engine), content)
    return Document(_json_engine(content), content)


def decode(body: bytes) -> str:
    """Text of the bytes: the byte order mark decides, else the XML declaration, else UTF-8. Raises StatusError."""
    encoding = "utf-8"
    for mark, named in BOMS:
        if body.startswith(mark):
            encoding, body = named, body[len(mark) :]
            break
    else:
        if declared := _XML_DECLARATION.match(body):
            encoding = declared[1].decode("ascii")
    try:
        return body.decode(encoding)
    except (UnicodeDecodeError, LookupError) as error:
        raise StatusError(f"the answer is not text in {encoding}: {error}") from error


def is_html(text: str) -> bool:
    """Whether the text is a page for browsers."""
    return _HTML.match(text[:4096]) is not None


def _json(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise StatusError("the JSON is nested too deeply to be status data") from error
    except ValueError as error:
        raise StatusError(f"the JSON is invalid or cut off: {error}") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


class _NoDoctype(ElementTree.TreeBuilder):
    """A DOCTYPE can define entities that grow without bound; no feed needs one."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> NoReturn:
        raise StatusError(f"the XML has a DOCTYPE ({name}), which is refused; feeds have none")


def _xml(text: str) -> ElementTree.Element:
    try:
        return ElementTree.XML(text, parser=ElementTree.XMLParser(target=_NoDoctype()))  # noqa: S314 - no DOCTYPE
    except (ElementTree.ParseError, ValueError) as error:
        raise StatusError(f"the XML is invalid or cut off: {error}") from error


def _json_engine(content: Any) -> str:
    for engine, fits in JSON_SHAPES:
        if fits(content):
            return engine
    if content == []:
        raise StatusError(
            f"an empty list does not tell its engine; name it ({' or '.join(sorted(ENGINES_OF_EMPTY_LIST))})"
        )
    raise StatusError("the JSON is of no status page that we know; check the address (…/api/v2/summary.json)")


def _xml_engine(root: ElementTree.Element) -> str:
    kind = root.tag.rpartition("}")[2].lower()
    if kind not in {"rss", "feed", "rdf"}:
        raise StatusError(f"the XML is no RSS or Atom feed but <{kind[:40]}>; check the address")
    title = (root.findtext("channel/title") or "").strip()
    return FEED_TITLES.get(title, "feed")


def _inside(content: Any, *keys: str) -> Any:
    """The value under the keys, or None where there is none."""
    for key in keys:
        if not isinstance(content, dict):
            return None
        content = content.get(key)
    return content


def _items(content: Any, key: str) -> Iterable[dict[str, Any]]:
    found = _inside(content, key)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _is_ulid(value: Any) -> bool:
    return isinstance(value, str) and _ULID.fullmatch(value) is not None


def _incidentio(content: Any) -> bool:
    summary = _inside(content, "summary")
    return (
        _is_ulid(_inside(content, "page", "id"))
        or any(_is_ulid(component.get("page_id")) for component in _items(content, "components"))
        or (isinstance(content, dict) and "ongoing_incidents" in content)
        or (isinstance(summary, dict) and "ongoing_incidents" in summary)
    )


def _instatus(content: Any) -> bool:
    words = (component.get("status") for component in _items(content, "components"))
    return isinstance(_inside(content, "page", "status"), str) or any(
        isinstance(word, str) and word.isupper() for word in words
    )


def _betterstack(content: Any) -> bool:
    return _inside(content, "data", "attributes", "aggregate_state") is not None


def _statusio(content: Any) -> bool:
    return _inside(content, "result", "status_overall") is not None


def _list_with(*keys: str) -> Callable[[Any], bool]:
    def fits(content: Any) -> bool:
        return isinstance(content, list) and any(
            isinstance(item, dict) and all(key in item for key in keys) for item in content
        )

    return fits


def _statuspage(content: Any) -> bool:
    collections = ("components", "incidents", "scheduled_maintenances")
    if any(isinstance(_inside(content, key), list) for key in collections):
        return True
    status = _inside(content, "status")
    return isinstance(status, dict) and "indicator" in status


JSON_SHAPES: tuple[tuple[str, Callable[[Any], bool]], ...] = (
    ("incidentio", _incidentio),
    ("instatus", _instatus),
    ("betterstack", _betterstack),
    ("statusio", _statusio),
    ("google", _list_with("external_desc")),
    ("aws", _list_with("arn", "service")),
    ("statuspage", _statuspage),
)
"""The first shape that fits tells the engine."""

FEED_TITLES = {"Azure Status": "azure", "Amazon Web Services Service Status": "aws"}
