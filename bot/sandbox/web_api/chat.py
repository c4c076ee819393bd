"""chat.*: post, update, delete and point at messages."""

import json

from bot.sandbox import messages, shapes
from bot.sandbox.messages import Draft
from bot.sandbox.web_api.call import Call, RateLimitedError, RefusedError, method, refuse_blocks
from bot.sandbox.workspace import Channel, Json
from bot.slack import limits

NOT_IN_UPDATE = ("ts", "thread_ts", "reply_count", "reply_users", "reply_users_count", "latest_reply", "subscribed")


@method("chat.postMessage", "chat:write")
def post_message(call: Call) -> Json:
    channel = destination(call)
    if call.bot not in channel.members and "chat:write.public" not in call.parts.app.scopes:
        raise RefusedError("not_in_channel")
    if channel.is_archived:
        raise RefusedError("is_archived")
    _keep_pace(call, channel)
    known = _posted_before(call, channel)
    if known is not None:
        return {"channel": channel.id, "ts": known["ts"], "message": known}
    draft = draft_of(call, channel, too_long=None)
    message = messages.post(call.parts, channel, draft)
    if draft.client_msg_id:
        call.parts.posted[draft.client_msg_id] = (channel.id, message["ts"])
    return {"channel": channel.id, "ts": message["ts"], "message": message}


@method("chat.postEphemeral", "chat:write")
def post_ephemeral(call: Call) -> Json:
    channel = call.channel()
    if channel.is_archived:
        raise RefusedError("is_archived")
    if call.bot not in channel.members:
        raise RefusedError("not_in_channel")
    user = call.required("user")
    if user not in channel.members:
        raise RefusedError("user_not_in_channel")
    message = messages.ephemeral(call.parts, channel, user, draft_of(call, channel, too_long="msg_too_long"))
    return {"message_ts": message["ts"]}


@method("chat.update", "chat:write")
def update(call: Call) -> Json:
    channel = call.channel()
    message = channel.messages.get(call.required("ts"))
    if message is None:
        raise RefusedError("message_not_found")
    if message["user"] != call.bot or message.get("subtype") in ("tombstone", "channel_join"):
        raise RefusedError("cant_update_message")
    draft = draft_of(call, channel, too_long="msg_too_long", old=message)
    changes: Json = {"text": draft.text}
    if draft.blocks is not None or "text" in call.arguments:
        changes["blocks"] = draft.blocks or None
    if draft.attachments is not None:
        changes["attachments"] = draft.attachments or None
    if draft.metadata is not None:
        changes["metadata"] = draft.metadata
    messages.edit(call.parts, channel, message, changes, editor=call.bot)
    shown = shapes.without(message, *NOT_IN_UPDATE)
    return {"channel": channel.id, "ts": message["ts"], "text": message["text"], "message": shown}


@method("chat.delete", "chat:write")
def delete(call: Call) -> Json:
    channel = call.channel()
    message = channel.messages.get(call.required("ts"))
    if message is None:
        raise RefusedError("message_not_found")
    if message["user"] != call.bot:
        raise RefusedError("cant_delete_message")
    messages.delete(call.parts, channel, message)
    return {"channel": channel.id, "ts": message["ts"]}


@method("chat.getPermalink")
def get_permalink(call: Call) -> Json:
    channel = call.channel()
    message = channel.messages.get(call.required("message_ts"))
    if message is None:
        raise RefusedError("message_not_found")
    thread = message.get("thread_ts")
    reply = f"?thread_ts={thread}&cid={channel.id}" if thread and thread != message["ts"] else ""
    link = f"{call.parts.base}/archives/{channel.id}/p{message['ts'].replace('.', '')}{reply}"
    return {"channel": channel.id, "permalink": link}


@method("chat.unfurl", "links:write")
def unfurl(call: Call) -> Json:
    channel = call.parts.workspace.channels.get(call.text("channel"))
    if channel is None:
        raise RefusedError("cannot_find_channel")
    message = channel.messages.get(call.text("ts"))
    if message is None:
        raise RefusedError("cannot_find_message")
    unfurls = call.data("unfurls", "invalid_unfurls_format")
    if not isinstance(unfurls, dict):
        raise RefusedError("missing_unfurls")
    attachments = [{**shown, "from_url": url} for url, shown in unfurls.items() if isinstance(shown, dict)]
    messages.edit(call.parts, channel, message, {"attachments": attachments}, editor=message["user"])
    return {}


def destination(call: Call) -> Channel:
    """Where a message goes: a channel by id or name, or a person by user id."""
    wanted = call.required("channel")
    workspace = call.parts.workspace
    if wanted in workspace.users:
        return workspace.direct(wanted, call.bot)
    return call.channel(by_name=True)


def draft_of(call: Call, channel: Channel, *, too_long: str | None, old: Json | None = None) -> Draft:
    """The message that the arguments describe, checked as Slack checks it; a longer text than allowed is
    refused with `too_long`, or cut where that is None."""
    text = call.text("text") or call.text("markdown_text")
    blocks = _blocks(call)
    attachments = _attachments(call)
    if call.text("markdown_text") and (call.text("text") or blocks):
        raise RefusedError("markdown_text_conflict")
    if not text and not blocks and not attachments:
        if old is None or "text" in call.arguments or not call.text("metadata"):
            raise RefusedError("no_text")
        text = old["text"]
    if len(text) > limits.MESSAGE_TEXT:
        if too_long:
            raise RefusedError(too_long)
        text = text[: limits.MESSAGE_TEXT]
    extra = {name: call.text(name) or None for name in ("username",)}
    if icon := call.text("icon_emoji"):
        extra["icons"] = {"emoji": icon}  # type: ignore[assignment]
    return Draft(
        user=call.bot,
        text=text,
        blocks=blocks,
        attachments=attachments,
        thread_ts=_thread(call, channel) if old is None else None,
        broadcast=call.flag("reply_broadcast"),
        metadata=_metadata(call),
        client_msg_id=call.text("client_msg_id") or None,
        extra=extra,
    )


def _blocks(call: Call) -> list[Json] | None:
    blocks = call.data("blocks", "invalid_blocks_format")
    if blocks is None:
        return None
    if not isinstance(blocks, list):
        raise RefusedError("invalid_blocks_format")
    refuse_blocks(limits.validate(blocks, limits.Surface.MESSAGE))
    if limits.rendered_length(blocks) > limits.MESSAGE_RENDERED_TEXT:
        code = "msg_blocks_too_long" if call.method == "chat.postMessage" else "msg_too_long"
        raise RefusedError(code)
    return blocks


def _attachments(call: Call) -> list[Json] | None:
    code = "invalid_attachments" if call.method in ("chat.update", "chat.postEphemeral") else "invalid_blocks_format"
    attachments = call.data("attachments", code)
    if attachments is None:
        return None
    if not isinstance(attachments, list) or not all(isinstance(item, dict) for item in attachments):
        raise RefusedError(code)
    if len(attachments) > limits.MESSAGE_ATTACHMENTS:
        raise RefusedError("too_many_attachments")
    for number, attachment in enumerate(attachments):
        if attachment.get("blocks"):
            where = f"/attachments/{number}/blocks"
            refuse_blocks(limits.validate(attachment["blocks"], limits.Surface.MESSAGE, pointer=where))
    return attachments


def _metadata(call: Call) -> Json | None:
    if call.method == "chat.postEphemeral":
        return None
    metadata = call.data("metadata", "invalid_metadata_format")
    if metadata is None:
        return None
    if not isinstance(metadata, dict):
        raise RefusedError("invalid_metadata_format")
    if not isinstance(metadata.get("event_type"), str) or not isinstance(metadata.get("event_payload"), dict):
        raise RefusedError("invalid_metadata_schema")
    if len(json.dumps(metadata).encode()) > limits.METADATA_BYTES:
        raise RefusedError("metadata_too_large")
    return metadata


def _thread(call: Call, channel: Channel) -> str | None:
    thread_ts = call.text("thread_ts")
    if not thread_ts:
        return None
    root = channel.messages.get(thread_ts)
    if root is None:
        if call.method == "chat.scheduleMessage":
            return None
        raise RefusedError("cannot_reply_to_message")
    return str(root.get("thread_ts", root["ts"]))


def _posted_before(call: Call, channel: Channel) -> Json | None:
    """The message that an earlier request with this client_msg_id made."""
    client_msg_id = call.text("client_msg_id")
    known = call.parts.posted.get(client_msg_id) if client_msg_id else None
    if known is None:
        return None
    if known[0] != channel.id:
        raise RefusedError("duplicate_channel_not_found")
    message = channel.messages.get(known[1])
    if message is None:
        raise RefusedError("duplicate_message_not_found")
    return message


def _keep_pace(call: Call, channel: Channel) -> None:
    if call.parts.pace is None:
        return
    wait = call.parts.pace.admit(channel.id, call.parts.clock.timestamp())
    if wait:
        raise RateLimitedError(wait)
