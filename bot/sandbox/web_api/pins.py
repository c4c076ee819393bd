"""pins.*: messages pinned to a channel."""

from bot.sandbox import membership
from bot.sandbox.web_api.call import Call, RefusedError, method
from bot.sandbox.workspace import Json

MOST = 100


@method("pins.add", "pins:write")
def add(call: Call) -> Json:
    channel = call.joined_channel()
    ts = call.text("timestamp")
    if not ts:
        raise RefusedError("no_item_specified")
    if ts not in channel.messages:
        raise RefusedError("message_not_found")
    if ts in channel.pins:
        raise RefusedError("already_pinned")
    if len(channel.pins) >= MOST:
        raise RefusedError("too_many_pins")
    channel.pins[ts] = {"created": call.parts.workspace.seconds(), "created_by": call.bot}
    membership.tell(call.parts, channel)
    return {}


@method("pins.remove", "pins:write")
def remove(call: Call) -> Json:
    channel = call.channel()
    ts = call.text("timestamp")
    if not ts:
        raise RefusedError("no_item_specified")
    if ts not in channel.pins:
        raise RefusedError("no_pin")
    del channel.pins[ts]
    membership.tell(call.parts, channel)
    return {}


@method("pins.list", "pins:read")
def list_pins(call: Call) -> Json:
    channel = call.channel()
    items = [
        {"type": "message", "channel": channel.id, "message": channel.messages[ts], **pin}
        for ts, pin in channel.pins.items()
    ]
    return {"items": items}
