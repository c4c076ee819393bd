"""chat.scheduleMessage and its list: messages that post themselves later."""

from bot.sandbox import ids, messages
from bot.sandbox.messages import Draft
from bot.sandbox.parts import Parts
from bot.sandbox.web_api.call import Call, RefusedError, method
from bot.sandbox.web_api.chat import destination, draft_of
from bot.sandbox.workspace import Channel, Json

FURTHEST = 120 * 24 * 3600  # seconds ahead


@method("chat.scheduleMessage", "chat:write")
def schedule_message(call: Call) -> Json:
    channel = destination(call)
    if call.bot not in channel.members:
        raise RefusedError("not_in_channel")
    post_at = call.number("post_at", 0, "invalid_time")
    ahead = post_at - call.parts.clock.timestamp()
    if ahead <= 0:
        raise RefusedError("time_in_past")
    if ahead > FURTHEST:
        raise RefusedError("time_too_far")
    draft = draft_of(call, channel, too_long="msg_too_long")
    scheduled_id = ids.new_id("Q")
    entry = {
        "id": scheduled_id,
        "channel_id": channel.id,
        "post_at": post_at,
        "date_created": call.parts.workspace.seconds(),
        "text": draft.text,
    }
    call.parts.workspace.scheduled[scheduled_id] = entry
    call.parts.start(_post_later(call.parts, channel, draft, scheduled_id, ahead))
    return {
        "channel": channel.id,
        "scheduled_message_id": scheduled_id,
        "post_at": post_at,
        "message": {"text": draft.text, "type": "delayed_message", "user": call.bot, "bot_id": call.parts.app.bot_id},
    }


@method("chat.deleteScheduledMessage", "chat:write")
def delete_scheduled(call: Call) -> Json:
    channel = call.channel()
    entry = call.parts.workspace.scheduled.get(call.required("scheduled_message_id"))
    if entry is None or entry["channel_id"] != channel.id:
        raise RefusedError("invalid_scheduled_message_id")
    del call.parts.workspace.scheduled[entry["id"]]
    return {}


@method("chat.scheduledMessages.list")
def list_scheduled(call: Call) -> Json:
    channel = call.text("channel")
    entries = [e for e in call.parts.workspace.scheduled.values() if channel in ("", e["channel_id"])]
    chosen, cursor = call.page(entries)
    return {"scheduled_messages": chosen, "response_metadata": {"next_cursor": cursor}}


async def _post_later(parts: Parts, channel: Channel, draft: Draft, scheduled_id: str, seconds: float) -> None:
    await parts.clock.sleep(seconds)
    if parts.workspace.scheduled.pop(scheduled_id, None) is None:
        return
    if draft.metadata is None:  # Slack's own note: scheduled messages with metadata silently do not post
        messages.post(parts, channel, draft)
