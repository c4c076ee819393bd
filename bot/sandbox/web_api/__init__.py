"""Slack's Web API: one module a family of methods; importing this package registers them all."""

from bot.sandbox.web_api import (
    auth,
    bookmarks,
    canvases,
    chat,
    chat_scheduled,
    conversations,
    dnd,
    files,
    history,
    membership,
    pins,
    reactions,
    usergroups,
    users,
    views,
)

__all__ = [
    "auth",
    "bookmarks",
    "canvases",
    "chat",
    "chat_scheduled",
    "conversations",
    "dnd",
    "files",
    "history",
    "membership",
    "pins",
    "reactions",
    "usergroups",
    "users",
    "views",
]
