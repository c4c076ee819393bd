"""Modals and App Homes: each person's stack of up to three modals, and the one home."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.sandbox import ids
from bot.sandbox.block_ids import interactive, with_ids
from bot.sandbox.workspace import Json, Workspace
from bot.slack.limits import VIEW_STACK


class ViewError(Exception):
    """The view cannot be shown; the argument is Slack's error code."""


@dataclass
class Stack:
    """What one person has open; the last view is on top."""

    views: list[Json] = field(default_factory=list)


class Views:
    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._stacks: dict[str, Stack] = {}
        self.homes: dict[str, Json] = {}

    def stack(self, user: str) -> list[Json]:
        return self._stacks.setdefault(user, Stack()).views

    def find(self, *, view_id: str | None = None, external_id: str | None = None) -> tuple[str, Json] | None:
        """The owner and the view, among open modals and homes."""
        for user, view in self._all():
            if view["id"] == view_id or (external_id and view["external_id"] == external_id):
                return user, view
        return None

    def open(self, user: str, source: Json) -> Json:
        """Show a modal as the only one. Raises ViewError(duplicate_external_id)."""
        view = self._new(source)
        view["root_view_id"] = view["id"]
        self._stacks[user] = Stack([view])
        return view

    def push(self, user: str, source: Json) -> Json:
        """Put a modal on top. Raises ViewError with push_limit_reached or duplicate_external_id."""
        stack = self.stack(user)
        if len(stack) >= VIEW_STACK:
            raise ViewError("push_limit_reached")
        view = self._new(source)
        view["previous_view_id"] = stack[-1]["id"] if stack else None
        view["root_view_id"] = stack[0]["id"] if stack else view["id"]
        stack.append(view)
        return view

    def update(self, view: Json, source: Json, expected_hash: str | None = None) -> Json:
        """Replace a view's content in place; what was typed stays where the block and action are the same.

        Raises ViewError with hash_conflict or duplicate_external_id."""
        if expected_hash and expected_hash != view["hash"]:
            raise ViewError("hash_conflict")
        new = self._new(source, replaces=view)
        kept = {"id": view["id"], "root_view_id": view["root_view_id"], "previous_view_id": view["previous_view_id"]}
        state = merged(initial_state(new), view["state"]["values"], new)
        view.update({**new, **kept, "state": {"values": state}})
        return view

    def publish(self, user: str, source: Json, expected_hash: str | None = None) -> Json:
        """Set a person's App Home. Raises ViewError(hash_conflict)."""
        home = self.homes.get(user)
        if home is None:
            if expected_hash:
                raise ViewError("hash_conflict")
            view = self._new(source)
            view["root_view_id"] = view["id"]
            self.homes[user] = view
            return view
        return self.update(home, source, expected_hash)

    def pop(self, user: str) -> Json:
        return self.stack(user).pop()

    def clear(self, user: str) -> None:
        self._stacks[user] = Stack()

    def _all(self) -> Iterator[tuple[str, Json]]:
        for user, stack in self._stacks.items():
            for view in stack.views:
                yield user, view
        yield from self.homes.items()

    def _new(self, source: Json, replaces: Json | None = None) -> Json:
        external_id = source.get("external_id") or ""
        if external_id and any(v["external_id"] == external_id and v is not replaces for _, v in self._all()):
            raise ViewError("duplicate_external_id")
        app = self._workspace.app
        view: Json = {
            "id": ids.new_id("V"),
            "team_id": self._workspace.team_id,
            "type": source["type"],
            "blocks": with_ids(source["blocks"]),
            "private_metadata": source.get("private_metadata") or "",
            "callback_id": source.get("callback_id") or "",
            "state": {"values": {}},
            "hash": f"{self._workspace.seconds()}.{ids.short(8)}",
            "title": source.get("title") or {"type": "plain_text", "text": "View Title", "emoji": True},
            "clear_on_close": bool(source.get("clear_on_close")),
            "notify_on_close": bool(source.get("notify_on_close")),
            "close": source.get("close"),
            "submit": source.get("submit"),
            "previous_view_id": None,
            "root_view_id": None,
            "app_id": app.app_id,
            "external_id": external_id,
            "app_installed_team_id": self._workspace.team_id,
            "bot_id": app.bot_id,
        }
        if source.get("submit_disabled"):
            view["submit_disabled"] = True
        view["state"] = {"values": initial_state(view)}
        return view


def inputs(view: Json) -> Iterator[tuple[Json, Json]]:
    """Each (block, element) of a view whose value is part of its state."""
    for block in view["blocks"]:
        for element in interactive(block):
            if element["type"] not in WITHOUT_STATE:
                yield block, element


WITHOUT_STATE = frozenset({"button", "overflow", "workflow_button", "icon_button", "feedback_buttons"})

# element type -> (name in the state, name of its initial value)
STATE_FIELD = {
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_external_select": ("selected_options", "initial_options"),
    "checkboxes": ("selected_options", "initial_options"),
    "users_select": ("selected_user", "initial_user"),
    "multi_users_select": ("selected_users", "initial_users"),
    "channels_select": ("selected_channel", "initial_channel"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "plain_text_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "rich_text_input": ("rich_text_value", "initial_value"),
    "file_input": ("files", "initial_files"),
}
_LISTS = frozenset(name for name, _ in STATE_FIELD.values() if name.startswith("selected_") and name.endswith("s"))


def initial_state(view: Json) -> Json:
    values: Json = {}
    for block, element in inputs(view):
        name, initial = STATE_FIELD[element["type"]]
        empty: object = [] if name in _LISTS or name == "files" else None
        state = {"type": element["type"], name: element.get(initial, empty)}
        values.setdefault(block["block_id"], {})[element["action_id"]] = state
    return values


def merged(values: Json, old: Json, view: Json) -> Json:
    """The new view's initial values, overlaid by what stood in the old one under the same ids and type."""
    for block, element in inputs(view):
        kept = old.get(block["block_id"], {}).get(element["action_id"])
        if kept is not None and kept["type"] == element["type"]:
            values[block["block_id"]][element["action_id"]] = kept
    return values
