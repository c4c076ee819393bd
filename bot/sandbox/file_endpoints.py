"""Where file bytes go in and out: the upload address, and the download that wants the bot's token."""

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from bot.sandbox import shapes
from bot.sandbox.parts import Parts
from bot.sandbox.workspace import StoredFile

SIGN_IN = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in to see this file.</body></html>"


class FileEndpoints:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def upload(self, request: Request) -> Response:
        """The address that files.getUploadURLExternal gives: the raw bytes, or one multipart part."""
        file = self._parts.workspace.files.get(request.path_params["file_id"])
        if file is None or file.content is not None:
            return PlainTextResponse("this upload address is unknown or used", 404)
        file.content = await _content(request)
        file.size = len(file.content)
        return PlainTextResponse(f"OK - {file.size}")

    async def download(self, request: Request) -> Response:
        """`url_private`: the bytes for the bot's token; a sign-in page with 200 for everybody else, as Slack does."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        file = self._file(request)
        if token != self._parts.app.bot_token:
            return HTMLResponse(SIGN_IN)
        if file is None:
            return PlainTextResponse("not found", 404)
        return _bytes(file)

    async def show(self, request: Request) -> Response:
        """The bytes for the page, which acts for people and has no token."""
        file = self._file(request)
        return PlainTextResponse("not found", 404) if file is None else _bytes(file)

    def _file(self, request: Request) -> StoredFile | None:
        file = self._parts.workspace.files.get(request.path_params["file_id"].rpartition("-")[2])
        return file if file is not None and file.content is not None else None


async def _content(request: Request) -> bytes:
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        return await request.body()
    async with request.form() as form:
        for _, value in form.multi_items():
            if not isinstance(value, str):
                return await value.read()
    return b""


def _bytes(file: StoredFile) -> Response:
    headers = {"Content-Security-Policy": "sandbox", "X-Content-Type-Options": "nosniff"}
    return Response(file.content, media_type=shapes.mimetype(file.name), headers=headers)
