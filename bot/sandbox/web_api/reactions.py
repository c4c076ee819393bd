"""reactions.*: add, remove and read reactions to messages."""

import re

from bot.sandbox import messages
from bot.sandbox.web_api.call import Call, RefusedError, method
from bot.sandbox.workspace import Channel, Json


@method("reactions.add", "reactions:write")
def add(call: Call) -> Json:
    channel, message = _message(call)
    if channel.is_archived:
        raise RefusedError("is_archived")
    if not messages.react(call.parts, channel, message, _name(call), call.bot):
        raise RefusedError("already_reacted")
    return {}


@method("reactions.remove", "reactions:write")
def remove(call: Call) -> Json:
    channel, message = _message(call)
    if not messages.unreact(call.parts, channel, message, _name(call), call.bot):
        raise RefusedError("no_reaction")
    return {}


@method("reactions.get", "reactions:read")
def get(call: Call) -> Json:
    channel, message = _message(call)
    return {"type": "message", "channel": channel.id, "message": message}


def _message(call: Call) -> tuple[Channel, Json]:
    if not call.text("timestamp"):
        raise RefusedError("no_item_specified")
    channel = call.channel()
    if call.bot not in channel.members:
        raise RefusedError("channel_not_found")
    message = channel.messages.get(call.text("timestamp"))
    if message is None:
        raise RefusedError("message_not_found")
    return channel, message


def _name(call: Call) -> str:
    name = call.text("name").strip(":")
    if not re.fullmatch(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?", name):
        raise RefusedError("invalid_name")
    return name
