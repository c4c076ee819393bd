"""What people do with the app: commands, clicks, shortcuts and modals, as the payloads that Slack sends for them."""

from dataclasses import dataclass
from typing import Any

from bot.sandbox import messages, mrkdwn, shapes
from bot.sandbox.block_ids import interactive
from bot.sandbox.delivery import Answer, Sort
from bot.sandbox.messages import Draft
from bot.sandbox.parts import Parts
from bot.sandbox.views import STATE_FIELD, WITHOUT_STATE
from bot.sandbox.workspace import SLACKBOT, Channel, Json, User
from bot.slack import limits


class GestureError(Exception):
    """A person cannot do this; the argument says why and what to do."""


@dataclass(frozen=True)
class Place:
    """A message or a view on which somebody acts."""

    channel: Channel | None = None
    message: Json | None = None
    view: Json | None = None


async def command(parts: Parts, user: User, channel: Channel, name: str, text: str, thread_ts: str | None) -> Json:
    """Type a slash command and wait for its acknowledgement."""
    known = parts.app.commands.get(name)
    if known is None:
        names = ", ".join(sorted(parts.app.commands))
        _slackbot(parts, channel, user, f"{name} is not a valid command.", thread_ts)
        return {"acknowledged": False, "error": f"{name} is not a command of the app; it has {names}"}
    if thread_ts:
        _slackbot(parts, channel, user, f"{name} is not supported in threads. Sorry!", thread_ts)
        return {"acknowledged": False, "error": "not_supported_in_threads"}
    argument = mrkdwn.argument(parts.workspace, text) if known.should_escape else text
    key = parts.response_urls.issue(user.id, channel.id)
    payload = {
        "token": parts.app.verification_token,
        "team_id": parts.workspace.team_id,
        "team_domain": parts.workspace.domain,
        "channel_id": channel.id,
        "channel_name": channel.name,
        "user_id": user.id,
        "user_name": user.name,
        "command": name,
        "text": argument,
        "api_app_id": parts.app.app_id,
        "is_enterprise_install": "false",
        "response_url": f"{parts.base}/commands/{key}",
        "trigger_id": parts.triggers.issue(user.id),
    }
    answer = await parts.delivery.interaction(Sort.COMMAND, payload)
    if not answer.acknowledged:
        _slackbot(parts, channel, user, f'{name} failed with the error "{answer.reason}"', None)
        return {"acknowledged": False, "error": answer.reason}
    if answer.payload.get("text") or answer.payload.get("blocks"):
        respond(parts, user.id, channel, answer.payload)
    return {"acknowledged": True, "response": answer.payload or None}


async def click(parts: Parts, user: User, place: Place, action_id: str, block_id: str | None, given: Json) -> Json:
    """Use a button, select, picker or checkbox of a message or a view."""
    block, element = _element(place, action_id, block_id)
    action = _action(parts, block, element, given)
    if place.view is not None and element["type"] not in WITHOUT_STATE:
        name = STATE_FIELD[element["type"]][0]
        values = place.view["state"]["values"].setdefault(block["block_id"], {})
        values[action_id] = {"type": element["type"], name: action.get(name)}
        if block["type"] == "input" and not block.get("dispatch_action"):
            return {"acknowledged": True, "dispatched": False}
    payload = _actions_payload(parts, user, place, action)
    return _told(await parts.delivery.interaction(Sort.INTERACTION, payload))


async def shortcut(parts: Parts, user: User, callback_id: str, channel: Channel | None, message: Json | None) -> Json:
    """Start a global shortcut, or one on a message."""
    wanted = "global" if message is None else "message"
    known = parts.app.shortcuts.get(callback_id)
    if known is None or known.type != wanted:
        names = ", ".join(s.callback_id for s in parts.app.shortcuts.values() if s.type == wanted) or "none"
        raise GestureError(f"{callback_id!r} is not a {wanted} shortcut of the app; it has: {names}")
    payload: Json = {
        "type": "shortcut",
        "token": parts.app.verification_token,
        "action_ts": parts.workspace.next_ts(),
        "team": _team(parts),
        "user": _user(parts, user),
        "is_enterprise_install": False,
        "enterprise": None,
        "callback_id": callback_id,
        "trigger_id": parts.triggers.issue(user.id),
    }
    if channel is not None and message is not None:
        if message.get("is_ephemeral"):
            raise GestureError("an ephemeral message has no shortcuts; use one on a message that everybody sees")
        key = parts.response_urls.issue(user.id, channel.id, message_ts=message["ts"])
        payload |= {
            "type": "message_action",
            "channel": {"id": channel.id, "name": channel.name},
            "message_ts": message["ts"],
            "message": _shown(message),
            "response_url": f"{parts.base}/app/{key}",
        }
    return _told(await parts.delivery.interaction(Sort.INTERACTION, payload))


async def open_home(parts: Parts, user: User) -> Json:
    """Open the App Home tab: the app hears of it and may publish."""
    event: Json = {
        "type": "app_home_opened",
        "user": user.id,
        "channel": parts.workspace.direct(user.id, parts.app.user_id).id,
        "tab": "home",
        "event_ts": parts.workspace.next_ts(),
    }
    home = parts.views.homes.get(user.id)
    if home is not None:
        event["view"] = home
    parts.delivery.event(event)
    return {"view": home}


def respond(parts: Parts, user: str, channel: Channel, answer: Json, thread_ts: str | None = None) -> None:
    """Show what an app answers to a command or a response_url: ephemeral unless it says in_channel."""
    blocks = answer.get("blocks")
    draft = Draft(
        parts.app.user_id,
        str(answer.get("text") or ""),
        blocks=blocks if isinstance(blocks, list) else None,
        attachments=answer.get("attachments"),
        thread_ts=answer.get("thread_ts") or thread_ts,
        metadata=answer.get("metadata"),
    )
    if answer.get("response_type") == "in_channel":
        messages.post(parts, channel, draft)
    else:
        messages.ephemeral(parts, channel, user, draft)


def refuse_response(answer: Json) -> list[str]:
    """What is wrong with an app's answer: Slack's sentences about its blocks, or nothing."""
    found = limits.validate(answer["blocks"]) if answer.get("blocks") else []
    has_content = any(answer.get(name) for name in ("text", "blocks", "attachments", "delete_original"))
    return [str(refusal) for refusal in found] or ([] if has_content else ["no_text"])


def _told(answer: Answer) -> Json:
    return {"acknowledged": True} if answer.acknowledged else {"acknowledged": False, "error": answer.reason}


def _slackbot(parts: Parts, channel: Channel, user: User, text: str, thread_ts: str | None) -> None:
    messages.ephemeral(parts, channel, user.id, Draft(SLACKBOT, text, thread_ts=thread_ts))


def _element(place: Place, action_id: str, block_id: str | None) -> tuple[Json, Json]:
    blocks = _blocks(place)
    found = [(block, element) for block in blocks for element in interactive(block)]
    for block, element in found:
        if element.get("action_id") == action_id and block_id in (None, block["block_id"]):
            return block, element
    names = ", ".join(element.get("action_id", "?") for _, element in found) or "none"
    raise GestureError(f"there is no element {action_id!r} to click here; there are: {names}")


def _blocks(place: Place) -> list[Json]:
    if place.view is not None:
        return list(place.view["blocks"])
    message = place.message or {}
    attached = [block for attachment in message.get("attachments", ()) for block in attachment.get("blocks", ())]
    return [*message.get("blocks", ()), *attached]


def _action(parts: Parts, block: Json, element: Json, given: Json) -> Json:
    kind = element["type"]
    action: Json = {"type": kind, "action_id": element["action_id"], "block_id": block["block_id"]}
    action["action_ts"] = parts.workspace.next_ts()
    if kind in ("button", "icon_button", "workflow_button"):
        action["text"] = element["text"]
        action |= {name: element[name] for name in ("value", "style", "url", "confirm") if name in element}
        return action
    if kind == "feedback_buttons":
        return {**action, **{name: given.get(name) for name in ("text", "value")}}
    name = "selected_option" if kind == "overflow" else STATE_FIELD[kind][0]
    return {**action, name: chosen(element, name, given)}


def chosen(element: Json, name: str, given: Json) -> Any:
    """The value that a person picked: a whole state, or a plain value that is looked up among the options."""
    value = given.get(name, given.get("value"))
    if name == "selected_option":
        return _option(element, value)
    if name == "selected_options":
        return [_option(element, item) for item in value or ()]
    return value


def _option(element: Json, value: Any) -> Json | None:
    if value is None:
        return None
    wanted = value.get("value") if isinstance(value, dict) else value
    groups = element.get("option_groups", ())
    options = [*element.get("options", ()), *(option for group in groups for option in group["options"])]
    if not options and isinstance(value, dict):
        return value  # an external select: its options came from the app
    for option in options:
        if option["value"] == wanted:
            found: Json = option
            return found
    values = ", ".join(option["value"] for option in options)
    raise GestureError(f"{wanted!r} is not an option of {element['action_id']!r}; there are: {values}")


def _actions_payload(parts: Parts, user: User, place: Place, action: Json) -> Json:
    view_id = place.view["id"] if place.view is not None and place.view["type"] == "modal" else None
    payload: Json = {
        "type": "block_actions",
        "user": {**_user(parts, user), "name": user.name},
        "api_app_id": parts.app.app_id,
        "token": parts.app.verification_token,
        "trigger_id": parts.triggers.issue(user.id, view_id),
        "team": _team(parts),
        "enterprise": None,
        "is_enterprise_install": False,
        "actions": [action],
    }
    if place.view is not None:
        return {**payload, "container": {"type": "view", "view_id": place.view["id"]}, "view": place.view}
    return {**payload, **_message_parts(parts, user, place, action)}


def _message_parts(parts: Parts, user: User, place: Place, action: Json) -> Json:
    channel, message = place.channel, place.message
    if channel is None or message is None:
        raise GestureError("say where to click: a channel with a ts, or a view")
    ephemeral = bool(message.get("is_ephemeral"))
    thread_ts = message.get("thread_ts")
    key = parts.response_urls.issue(user.id, channel.id, message_ts=message["ts"], thread_ts=thread_ts)
    container: Json = {
        "type": "message",
        "message_ts": message["ts"],
        "channel_id": channel.id,
        "is_ephemeral": ephemeral,
    }
    if thread_ts:
        container["thread_ts"] = thread_ts
    return {
        "container": container,
        "channel": {"id": channel.id, "name": channel.name},
        "message": _shown(message),
        "state": {"values": _state(action)},
        "response_url": f"{parts.base}/actions/{key}",
    }


def _state(action: Json) -> Json:
    """The state of a message: what was just chosen in it."""
    if action["type"] in WITHOUT_STATE:
        return {}
    name = STATE_FIELD[action["type"]][0]
    return {action["block_id"]: {action["action_id"]: {"type": action["type"], name: action[name]}}}


def _shown(message: Json) -> Json:
    """The message as interactions carry it."""
    return shapes.without(message, "reactions", "is_ephemeral")


def _team(parts: Parts) -> Json:
    return {"id": parts.workspace.team_id, "domain": parts.workspace.domain}


def _user(parts: Parts, user: User) -> Json:
    return {"id": user.id, "username": user.name, "team_id": parts.workspace.team_id}
