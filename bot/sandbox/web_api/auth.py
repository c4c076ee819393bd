"""auth.*, apps.*, team.*, bots.*, blocks.*: who is asking, where, and is this well made."""

from bot.sandbox import shapes
from bot.sandbox.socket_mode import SocketMode
from bot.sandbox.web_api.call import Call, RefusedError, method, missing
from bot.sandbox.workspace import Json
from bot.slack import limits


@method("auth.test")
def auth_test(call: Call) -> Json:
    parts = call.parts
    return {
        "url": f"{parts.base}/",
        "team": parts.workspace.name,
        "user": parts.app.handle,
        "team_id": parts.workspace.team_id,
        "user_id": parts.app.user_id,
        "bot_id": parts.app.bot_id,
        "is_enterprise_install": False,
    }


@method("apps.connections.open", app_token=True)
def connections_open(call: Call) -> Json:
    transport = call.parts.delivery.transport
    if not isinstance(transport, SocketMode):
        raise RefusedError("forbidden_team")
    address = call.parts.base.replace("http", "ws", 1)
    return {"url": f"{address}/link?ticket={transport.ticket()}&app_id={call.parts.app.app_id}"}


@method("team.info")
def team_info(call: Call) -> Json:
    workspace = call.parts.workspace
    if call.text("team", workspace.team_id) != workspace.team_id:
        raise RefusedError("team_not_found")
    return {"team": shapes.team(workspace, f"{call.parts.base}/")}


@method("bots.info", "users:read")
def bots_info(call: Call) -> Json:
    parts = call.parts
    if call.text("bot", parts.app.bot_id) != parts.app.bot_id:
        raise RefusedError("bot_not_found")
    return {"bot": shapes.bot(parts.workspace, parts.base)}


@method("blocks.validate")
def blocks_validate(call: Call) -> Json:
    blocks, view = call.data("blocks"), call.data("view")
    if blocks is None and view is None:
        raise missing("blocks")
    found = limits.validate_view(view) if view is not None else limits.validate(blocks, limits.Surface.MESSAGE)
    errors = [{"pointer": r.pointer, "code": r.code, "message": r.message} for r in found]
    return {"valid": not errors, "errors": errors}
