"""files.*: the external-URL upload flow and what is known of a file."""

from bot.sandbox import files, shapes
from bot.sandbox.messages import Draft
from bot.sandbox.web_api.call import Call, RefusedError, method, missing, refuse_blocks
from bot.sandbox.workspace import Json, StoredFile
from bot.slack import limits


@method("files.getUploadURLExternal", "files:write")
def get_upload_url(call: Call) -> Json:
    name, size = call.text("filename"), call.number("length", 0)
    if not name or size <= 0:
        raise RefusedError("missing_argument")
    if size > files.MAX_BYTES:
        raise RefusedError("file_upload_size_restricted")
    file = files.reserve(call.parts, name, size, call.bot, call.text("alt_txt"))
    return {"upload_url": f"{call.parts.base}/files/upload/{file.id}", "file_id": file.id}


@method("files.completeUploadExternal", "files:write")
def complete_upload(call: Call) -> Json:
    wanted = call.data("files")
    if not isinstance(wanted, list) or not wanted:
        raise missing("files")
    found = [_uploaded(call, entry) for entry in wanted]
    blocks = call.data("blocks")
    if blocks is not None:
        refuse_blocks(limits.validate(blocks))
    if call.text("channel_id"):
        channel = call.parts.workspace.channels.get(call.text("channel_id"))
        if channel is None:
            raise RefusedError("channel_not_found")
        if call.bot not in channel.members:
            raise RefusedError("not_in_channel")
        thread_ts = call.text("thread_ts") or None
        draft = Draft(call.bot, call.text("initial_comment"), blocks=blocks, thread_ts=thread_ts)
        files.share(call.parts, channel, found, draft)
    for file in found:
        file.complete = True
    return {"files": [shapes.file(call.parts.workspace, file, call.parts.base) for file in found]}


@method("files.info", "files:read")
def info(call: Call) -> Json:
    file = call.parts.workspace.files.get(call.required("file"))
    if file is None or not file.complete:
        raise RefusedError("file_not_found")
    return {
        "file": {**shapes.file(call.parts.workspace, file, call.parts.base), "comments_count": 0},
        "comments": [],
    }


def _uploaded(call: Call, entry: object) -> StoredFile:
    file_id = entry.get("id") if isinstance(entry, dict) else None
    file = call.parts.workspace.files.get(str(file_id))
    if file is None or file.content is None:
        raise RefusedError("file_not_found")
    if isinstance(entry, dict) and entry.get("title"):
        file.title = str(entry["title"])
    return file
