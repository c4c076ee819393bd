"""The table of the control API."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.sandbox.control import acting, machinery, showing
from bot.sandbox.control.reading import Handler, endpoint
from bot.sandbox.file_endpoints import FileEndpoints
from bot.sandbox.parts import Parts

DOING: dict[str, Handler] = {
    "message": acting.message,
    "edit": acting.edit,
    "delete": acting.delete,
    "command": acting.command,
    "click": acting.click,
    "shortcut": acting.shortcut,
    "submit": acting.submit,
    "close": acting.close,
    "home": acting.home,
    "react": acting.react,
    "upload": acting.upload,
    "join": acting.join,
    "leave": acting.leave,
    "invite": acting.invite,
    "create": acting.create,
    "read": acting.read,
    "presence": acting.presence,
    "fault": machinery.fault,
    "clock": machinery.clock,
    "settle": machinery.settle,
}
SHOWING: dict[str, Handler] = {
    "state": showing.state,
    "messages": showing.messages,
    "views": showing.views,
    "calls": showing.calls,
    "faults": machinery.faults,
    "clock": machinery.clock,
}


def routes(parts: Parts) -> list[Route]:
    async def live(request: Request) -> Response:
        return showing.live(parts, request)

    return [
        Route("/live", live),
        Route("/files/{file_id}", FileEndpoints(parts).show),
        *(Route(f"/{name}", endpoint(parts, handler), methods=["GET"]) for name, handler in SHOWING.items()),
        *(Route(f"/{name}", endpoint(parts, handler), methods=["POST"]) for name, handler in DOING.items()),
    ]
