"""The postmortem as Markdown and as one self-contained page.

Both come from templates of ours over plain data, in Jinja's immutable sandbox. What people, models and providers said
is escaped once, by the environment and not by the template: it can neither be markup nor run.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

_FOLDER = Path(__file__).parent
_ACTIVE = re.compile(r"([\\`*_{}\[\]<>()#+!|~&$@^=])")
_FIRST = re.compile(r"^(\s*)([-:.]|\d+[.)])")


@dataclass(frozen=True, slots=True)
class Document:
    name: str
    mimetype: str
    content: bytes
    policy: str = ""
    """The page's Content-Security-Policy."""


def markdown(facts: Mapping[str, Any]) -> Document:
    """For wikis, tickets and repositories; pictures are named, not shown."""
    text = _environment("postmortem.md.j2", escape_markdown, html=False)(facts)
    tidy = re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
    return Document(_name(facts, "md"), "text/markdown; charset=utf-8", tidy.encode())


def html(facts: Mapping[str, Any]) -> Document:
    """One page that asks nobody for anything: style and pictures are inside, there is no script."""
    style = _style()
    policy = content_policy(style)
    data = {**facts, "style": Markup(style), "policy": policy}  # noqa: S704 - our own file
    text = _environment("postmortem.html.j2", None, html=True)(data)
    return Document(_name(facts, "html"), "text/html; charset=utf-8", text.encode(), policy)


def content_policy(style: str) -> str:
    """What a browser may do with the page: apply this one style, show pictures that are inside it, nothing else."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"


def escape_markdown(value: object) -> str:
    """Foreign text in one line in which nothing is markup: no HTML, no link, no emphasis, no mention."""
    line = " ".join(str(value).split())
    return _FIRST.sub(r"\1\\\2", _ACTIVE.sub(r"\\\1", line)) if line else ""


def _name(facts: Mapping[str, Any], kind: str) -> str:
    return f"postmortem-{facts['number']}.{kind}"


def _environment(
    template: str, finalize: Callable[[object], str] | None, *, html: bool
) -> Callable[[Mapping[str, Any]], str]:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        autoescape=html,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.clear()
    return environment.from_string(_file(template)).render


@cache
def _file(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _style() -> str:
    return _file("postmortem.css")
