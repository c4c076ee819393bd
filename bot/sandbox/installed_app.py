"""The app that is installed in the workspace: what its manifest declares, and the tokens that open the doors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox import ids

DEFAULT_MANIFEST: Mapping[str, Any] = {
    "display_information": {"name": "Badday"},
    "features": {
        "bot_user": {"display_name": "badday", "always_online": True},
        "app_home": {"home_tab_enabled": True, "messages_tab_enabled": True},
        "slash_commands": [
            {
                "command": "/badday",
                "description": "Incidents, pages and switches",
                "usage_hint": "help | status | incident open",
                "should_escape": True,
            },
            {"command": "/triage", "description": "Report a bad output", "should_escape": True},
        ],
        "shortcuts": [
            {"name": "Report bad output", "type": "message", "callback_id": "report_output", "description": "Triage"},
            {"name": "Open an incident", "type": "global", "callback_id": "open_incident", "description": "Page"},
            {
                "name": "Open incident from this message",
                "type": "message",
                "callback_id": "open_incident_from",
                "description": "Page",
            },
            {"name": "Add to timeline", "type": "message", "callback_id": "add_to_timeline", "description": "Note"},
        ],
    },
    "oauth_config": {
        "scopes": {
            "bot": [
                "app_mentions:read",
                "bookmarks:read",
                "bookmarks:write",
                "canvases:write",
                "channels:history",
                "channels:join",
                "channels:manage",
                "channels:read",
                "chat:write",
                "commands",
                "dnd:read",
                "files:read",
                "files:write",
                "groups:history",
                "groups:read",
                "groups:write",
                "im:history",
                "im:read",
                "im:write",
                "links:read",
                "links:write",
                "mpim:read",
                "pins:read",
                "pins:write",
                "reactions:read",
                "reactions:write",
                "team:read",
                "usergroups:read",
                "usergroups:write",
                "users:read",
                "users:read.email",
            ]
        }
    },
    "settings": {
        "socket_mode_enabled": True,
        "interactivity": {"is_enabled": True},
        "event_subscriptions": {
            "bot_events": [
                "app_home_opened",
                "app_mention",
                "channel_archive",
                "channel_created",
                "file_shared",
                "member_joined_channel",
                "member_left_channel",
                "message.channels",
                "message.groups",
                "message.im",
                "reaction_added",
                "reaction_removed",
            ]
        },
    },
}


@dataclass(frozen=True, slots=True)
class Command:
    command: str
    description: str
    usage_hint: str
    should_escape: bool


@dataclass(frozen=True, slots=True)
class Shortcut:
    callback_id: str
    name: str
    type: str  # "message" or "global"


@dataclass(frozen=True)
class InstalledApp:
    """The installed app, its bot user and its secrets."""

    name: str
    handle: str
    commands: Mapping[str, Command]
    shortcuts: Mapping[str, Shortcut]
    events: frozenset[str]
    scopes: frozenset[str]
    app_id: str = field(default_factory=lambda: ids.new_id("A"))
    bot_id: str = field(default_factory=lambda: ids.new_id("B"))
    user_id: str = field(default_factory=lambda: ids.new_id("U"))
    bot_token: str = field(default_factory=lambda: f"xoxb-{ids.secret()}")
    app_token: str = field(default_factory=lambda: f"xapp-1-{ids.secret()}")
    signing_secret: str = field(default_factory=lambda: ids.secret(32))
    verification_token: str = field(default_factory=ids.secret)

    @classmethod
    def from_manifest(cls, manifest: Mapping[str, Any] | None) -> "InstalledApp":
        """Read the parts of an app manifest that change what the workspace does."""
        data = DEFAULT_MANIFEST if manifest is None else manifest
        features = data.get("features", {})
        name = data.get("display_information", {}).get("name", "Badday")
        scopes = data.get("oauth_config", {}).get("scopes", {})
        subscriptions = data.get("settings", {}).get("event_subscriptions", {})
        return cls(
            name=name,
            handle=str(features.get("bot_user", {}).get("display_name", name)).lower().replace(" ", "_"),
            commands={entry["command"]: _command(entry) for entry in features.get("slash_commands", ())},
            shortcuts={entry["callback_id"]: _shortcut(entry) for entry in features.get("shortcuts", ())},
            events=frozenset(subscriptions.get("bot_events", ())),
            scopes=frozenset([*scopes.get("bot", ()), *scopes.get("bot_optional", ())]),
        )


def _command(entry: Mapping[str, Any]) -> Command:
    return Command(
        command=entry["command"],
        description=entry.get("description", ""),
        usage_hint=entry.get("usage_hint", ""),
        should_escape=bool(entry.get("should_escape", False)),
    )


def _shortcut(entry: Mapping[str, Any]) -> Shortcut:
    return Shortcut(callback_id=entry["callback_id"], name=entry["name"], type=entry["type"])
