"""dnd.*: who does not want to be disturbed."""

from bot.sandbox.web_api.call import Call, RefusedError, method
from bot.sandbox.workspace import Json, User


@method("dnd.info", "dnd:read")
def info(call: Call) -> Json:
    user = call.parts.workspace.users.get(call.text("user", call.bot))
    if user is None:
        raise RefusedError("user_not_found")
    return _status(call, user)


@method("dnd.teamInfo", "dnd:read")
def team_info(call: Call) -> Json:
    names = call.names("users")
    if not names:
        raise RefusedError("no_users_provided")
    known = call.parts.workspace.users
    return {"users": {name: _status(call, known[name]) for name in names if name in known}}


def _status(call: Call, user: User) -> Json:
    now = call.parts.clock.timestamp()
    quiet = user.dnd_until is not None and user.dnd_until > now
    return {
        "dnd_enabled": quiet,
        "next_dnd_start_ts": int(now) if quiet else 1,
        "next_dnd_end_ts": int(user.dnd_until or 1) if quiet else 1,
    }
