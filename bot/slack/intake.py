"""What Slack delivers, read: by which key a repetition is known, and what somebody asks for. Pure functions."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot.slack import keeping
from bot.slack.buttons import SILENT
from bot.slack.commands import parse
from bot.slack.commands.incident import wants_form
from bot.slack.modals import OPENED_BY, incident_open

Body = Mapping[str, Any]
KEEPING = frozenset({"memo", "pushpin", "round_pushpin"})
"""Reactions that keep a message in the timeline."""
_MENTION = re.compile(r"^\s*<@[A-Z0-9]+(\|[^>]*)?>\s*")
_CHANNEL = re.compile(r"[CDG][A-Z0-9]+")
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
    event = body.get("event") or {}
    if event.get("type") == "reaction_added" and event.get("reaction") not in KEEPING:
        return None
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
    KEEP = "keep"
    """A message is to be kept in the timeline of its incident."""


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
    message_ts: str | None = None
    message: Body | None = None
    """The message that a shortcut was used on; a reaction only tells `message_ts`."""


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
    chosen = clicked.get("selected_option") or {}
    choice = str(chosen.get("value") or "").rpartition(":")[2]
    form = OPENED_BY.get(clicked["action_id"]) or OPENED_BY.get(f"{clicked['action_id']}:{choice}")
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
    name = body["callback_id"]
    form = OPENED_BY.get(name)
    if form is None and name != "add_to_timeline":
        return None
    channel = (body.get("channel") or {}).get("id")
    message = body.get("message")
    return Request(
        Wants.FORM if form else Wants.KEEP,
        form or name,
        body["user"]["id"],
        value=keeping.carried(channel, message) if form and channel and message is not None else "",
        channel=channel,
        thread_ts=message.get("thread_ts") if message is not None else None,
        response_url=body.get("response_url"),
        trigger_id=body.get("trigger_id"),
        message_ts=body.get("message_ts"),
        message=message,
    )


def _submission(body: Body) -> Request:
    view = body["view"]
    about = str(view.get("private_metadata") or "")
    return Request(
        Wants.SUBMIT, view["callback_id"], body["user"]["id"], value=about, form=answers(view), channel=_place(about)
    )


def _place(about: str) -> str | None:
    """The channel that a form carries: alone, or with the message that it is about; None for anything else."""
    if about.startswith("{"):
        return str(json.loads(about)["channel"])
    return about if _CHANNEL.fullmatch(about) else None


def _event(event: Body) -> Request | None:
    match event.get("type"):
        case "app_home_opened" if event.get("tab") == "home":
            return Request(Wants.HOME, "home", event["user"])
        case "app_mention":
            return _typed(event)
        case "reaction_added" if event.get("reaction") in KEEPING and event["item"].get("type") == "message":
            item = event["item"]
            return Request(Wants.KEEP, "reaction", event["user"], channel=item["channel"], message_ts=item["ts"])
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
