"""What a person types, as Slack passes it on: escaped, with mentions and links resolved, and as rich text."""

import re
from typing import Any

from bot.sandbox import ids
from bot.sandbox.workspace import Workspace

_PARTS = re.compile(
    r"<(?P<ref>[@#][A-Z0-9]+)(?:\|[^>]*)?>"
    r"|(?P<url>https?://[^\s<>|]+)"
    r"|(?<![\w.])@(?P<name>[A-Za-z0-9._-]+)"
    r"|(?<![\w&])#(?P<channel>[a-z0-9_-]+)"
)
BROADCASTS = ("here", "channel", "everyone")


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def typed(workspace: Workspace, text: str) -> tuple[str, list[dict[str, Any]]]:
    """The message text and its rich_text elements: `@sam` becomes `<@U…>`, the rest is escaped."""
    written: list[str] = []
    elements: list[dict[str, Any]] = []
    end = 0
    for match in _PARTS.finditer(text):
        reference = _reference(workspace, match)
        if reference is None:
            continue
        _plain(text[end : match.start()], written, elements)
        written.append(reference[0])
        elements.append(reference[1])
        end = match.end()
    _plain(text[end:], written, elements)
    return "".join(written), elements


def rich_text(elements: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "type": "rich_text",
        "block_id": ids.short(),
        "elements": [{"type": "rich_text_section", "elements": elements}],
    }


def argument(workspace: Workspace, text: str) -> str:
    """The text of a slash command whose manifest says should_escape: names become `<@U…|sam>` and `<#C…|name>`."""

    def replace(match: re.Match[str]) -> str:
        reference = _reference(workspace, match)
        if reference is None:
            return match.group(0)
        element = reference[1]
        if element["type"] == "user":
            return f"<@{element['user_id']}|{workspace.users[element['user_id']].name}>"
        if element["type"] == "channel":
            return f"<#{element['channel_id']}|{workspace.channels[element['channel_id']].name}>"
        return reference[0]

    return _PARTS.sub(replace, text)


def _plain(text: str, written: list[str], elements: list[dict[str, Any]]) -> None:
    if text:
        written.append(escape(text))
        elements.append({"type": "text", "text": text})


def _reference(workspace: Workspace, match: re.Match[str]) -> tuple[str, dict[str, Any]] | None:
    if reference := match["ref"]:
        return _by_id(workspace, reference[0], reference[1:])
    if url := match["url"]:
        return f"<{escape(url)}>", {"type": "link", "url": url}
    if channel := match["channel"]:
        found = workspace.channel_named(channel)
        return None if found is None else (f"<#{found.id}|{found.name}>", {"type": "channel", "channel_id": found.id})
    name = match["name"]
    if name in BROADCASTS:
        return f"<!{name}>", {"type": "broadcast", "range": name}
    user = workspace.user_named(name.rstrip("."))
    if user is None:
        return None
    dots = name[len(name.rstrip(".")) :]
    return f"<@{user.id}>{dots}", {"type": "user", "user_id": user.id}


def _by_id(workspace: Workspace, sign: str, found: str) -> tuple[str, dict[str, Any]] | None:
    if sign == "@" and found in workspace.users:
        return f"<@{found}>", {"type": "user", "user_id": found}
    if sign == "#" and found in workspace.channels:
        return f"<#{found}|{workspace.channels[found].name}>", {"type": "channel", "channel_id": found}
    return None
