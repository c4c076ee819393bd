"""What Slack delivers, read: by which key a repetition is known, and what somebody asks for. Pure functions."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot.slack.buttons import SILENT
from bot.slack.commands import parse
from bot.slack.commands.incident import wants_form
from bot.slack.modals import OPENED_BY, incident_open

Body = Mapping[str, Any]
_MENTION = re.compile(r"^\s*<@[A-Z0-9]+(\|[^>]*)?>\s*")
_KINDS = {
    "event_callback": "event",
    "block_actions": "action",
    "shortcut": "shortcut",
    "message_action": "shortcut",
    "view_submission": "view_submission",
    "view_closed": "view_closed",
}


def kind(body: Body) -> str | None:
    """The inbox's kind of a delivery; None for one that we do not keep."""
    if "command" in body:
        return "command"
    return _KINDS.get(str(body.get("type")))


def dedupe_key(body: Body) -> str:
    """By what a second delivery of the same thing is known.

    A message comes as several events, so it is known by channel and time; a gesture by its one-use trigger, since a
    redelivery carries the same one and a second click another.
    """
    match kind(body):
        case "event":
            event = body.get("event") or {}
            # A plain message of a channel asks nothing of us, and must not stand in the way of its own mention.
            if event.get("type") == "app_mention" or event.get("channel_type") == "im":
                return f"message:{event.get('channel')}:{event.get('ts')}"
            return f"event:{body.get('event_id')}"
        case "action":
            first = (body.get("actions") or [{}])[0]
            where = body.get("container") or {}
            place = where.get("message_ts") or where.get("view_id") or ""
            user = (body.get("user") or {}).get("id")
            return f"action:{place}:{first.get('action_id')}:{user}:{first.get('action_ts')}"
        case "view_submission" | "view_closed" as what:
            view = body.get("view") or {}
            return f"{what}:{view.get('id')}:{view.get('hash')}"
        case what:
            return f"{what}:{body.get('trigger_id')}"


class Wants(StrEnum):
    COMMAND = "command"
    CLICK = "click"
    FORM = "form"
    """A modal to be shown."""
    SUBMIT = "submit"
    HOME = "home"


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody wants: a command's word, a button's verb, or a form's id in `name`."""

    wants: Wants
    name: str
    user: str
    words: tuple[str, ...] = ()
    value: str = ""
    form: dict[str, str] | None = None
    channel: str | None = None
    thread_ts: str | None = None
    response_url: str | None = None
    trigger_id: str | None = None


def read(what: str, body: Body) -> Request | None:
    """The request in an inbox item; None for what asks nothing of us. Raises KeyError for a body out of shape."""
    match what:
        case "command":
            return _command(body)
        case "action":
            return _action(body)
        case "shortcut":
            return _shortcut(body)
        case "view_submission":
            return _submission(body)
        case "event":
            return _event(body["event"])
        case _:
            return None


def answers(view: Body) -> dict[str, str]:
    """The answers in a form, by question."""
    found = {}
    for name, actions in ((view.get("state") or {}).get("values") or {}).items():
        for state in actions.values():
            chosen = state.get("selected_option")
            found[name] = str(chosen["value"]) if chosen else str(state.get("value") or "")
    return found


def _command(body: Body) -> Request:
    word, words = parse(str(body.get("text") or ""))
    form = word == "incident" and wants_form(words)
    return Request(
        Wants.FORM if form else Wants.COMMAND,
        incident_open.ID if form else word,
        body["user_id"],
        words=words,
        channel=body.get("channel_id"),
        response_url=body.get("response_url"),
        trigger_id=body.get("trigger_id"),
    )


def _action(body: Body) -> Request | None:
    clicked = body["actions"][0]
    if clicked["action_id"] in SILENT:
        return None
    form = OPENED_BY.get(clicked["action_id"])
    chosen = clicked.get("selected_option") or {}
    return Request(
        Wants.FORM if form else Wants.CLICK,
        form or clicked["action_id"],
        body["user"]["id"],
        value=str(clicked.get("value") or chosen.get("value") or ""),
        channel=(body.get("channel") or {}).get("id"),
        thread_ts=(body.get("message") or {}).get("thread_ts"),
        response_url=body.get("response_url"),
        trigger_id=body.get("trigger_id"),
    )


def _shortcut(body: Body) -> Request | None:
    form = OPENED_BY.get(body["callback_id"])
    if form is None:
        return None
    channel = (body.get("channel") or {}).get("id")
    return Request(Wants.FORM, form, body["user"]["id"], channel=channel, trigger_id=body.get("trigger_id"))


def _submission(body: Body) -> Request:
    view = body["view"]
    return Request(
        Wants.SUBMIT,
        view["callback_id"],
        body["user"]["id"],
        form=answers(view),
        channel=view.get("private_metadata") or None,
    )


def _event(event: Body) -> Request | None:
    match event.get("type"):
        case "app_home_opened" if event.get("tab") == "home":
            return Request(Wants.HOME, "home", event["user"])
        case "app_mention":
            return _typed(event)
        case "message" if event.get("channel_type") == "im" and not event.get("subtype") and not event.get("bot_id"):
            return _typed(event)
        case _:
            return None


def _typed(event: Body) -> Request:
    """A command as a sentence: `@badday status`, or `status` in a direct message."""
    word, words = parse(_MENTION.sub("", str(event.get("text") or "")))
    return Request(
        Wants.COMMAND,
        word,
        event["user"],
        words=words,
        channel=event["channel"],
        thread_ts=event.get("thread_ts"),
    )
