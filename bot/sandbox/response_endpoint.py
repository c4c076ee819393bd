"""Where response_urls lead: answer, replace or delete, without a token."""

import json

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bot.sandbox import gestures, messages
from bot.sandbox.parts import Parts
from bot.sandbox.response_urls import ResponseUrl, UrlError
from bot.sandbox.workspace import Json


class ResponseEndpoint:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def serve(self, request: Request) -> Response:
        try:
            answer = json.loads(await request.body())
        except ValueError:
            return JSONResponse({"ok": False, "error": "invalid_payload"}, 400)
        if not isinstance(answer, dict):
            return JSONResponse({"ok": False, "error": "invalid_payload"}, 400)
        wrong = gestures.refuse_response(answer)
        if wrong:
            code = "no_text" if wrong == ["no_text"] else "invalid_blocks"
            return JSONResponse({"ok": False, "error": code, "response_metadata": {"messages": wrong}}, 400)
        try:
            url = self._parts.response_urls.use(request.path_params["key"])
        except UrlError as refused:
            return JSONResponse({"ok": False, "error": str(refused)}, 404)
        if not self._rewrite(url, answer):
            channel = self._parts.workspace.channels[url.channel]
            gestures.respond(self._parts, url.user, channel, answer, url.thread_ts)
        return PlainTextResponse("ok")

    def _rewrite(self, url: ResponseUrl, answer: Json) -> bool:
        """Whether the answer was about the original message, which is replaced or deleted then."""
        ts = url.message_ts
        if ts is None or not (answer.get("replace_original") or answer.get("delete_original")):
            return False
        channel = self._parts.workspace.channels[url.channel]
        changes: Json = {name: answer.get(name) or None for name in ("blocks", "attachments")}
        changes["text"] = answer.get("text", "")
        if ts in channel.ephemerals:
            if answer.get("delete_original"):
                messages.drop_ephemeral(self._parts, channel, ts)
            else:
                messages.edit_ephemeral(self._parts, channel, ts, changes)
            return True
        message = channel.messages.get(ts)
        if message is None or message["user"] != self._parts.app.user_id:
            return False
        if answer.get("delete_original"):
            messages.delete(self._parts, channel, message)
        else:
            messages.edit(self._parts, channel, message, changes, editor=self._parts.app.user_id)
        return True
