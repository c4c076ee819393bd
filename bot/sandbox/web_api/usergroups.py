"""usergroups.*: handles that stand for several people."""

from bot.sandbox import ids
from bot.sandbox.web_api.call import Call, RefusedError, method
from bot.sandbox.workspace import Json


@method("usergroups.list", "usergroups:read")
def list_groups(call: Call) -> Json:
    with_users = call.flag("include_users")
    groups = call.parts.workspace.usergroups.values()
    return {"usergroups": [_shown(group, with_users=with_users, counted=True) for group in groups]}


@method("usergroups.create", "usergroups:write")
def create(call: Call) -> Json:
    name = call.text("name")
    if not name:
        raise RefusedError("missing_subteam_name")
    groups = call.parts.workspace.usergroups
    handle = call.text("handle") or name.lower().replace(" ", "-")
    if any(group["name"] == name for group in groups.values()):
        raise RefusedError("name_already_exists")
    if any(group["handle"] == handle for group in groups.values()):
        raise RefusedError("handle_already_exists")
    now = call.parts.workspace.seconds()
    group: Json = {
        "id": ids.new_id("S"),
        "team_id": call.parts.workspace.team_id,
        "is_usergroup": True,
        "is_subteam": True,
        "name": name,
        "description": call.text("description"),
        "handle": handle,
        "is_external": False,
        "date_create": now,
        "date_update": now,
        "date_delete": 0,
        "auto_provision": False,
        "created_by": call.bot,
        "updated_by": call.bot,
        "prefs": {"channels": call.names("channels"), "groups": []},
        "users": [],
    }
    groups[group["id"]] = group
    return {"usergroup": _shown(group)}


@method("usergroups.update", "usergroups:write")
def update(call: Call) -> Json:
    group = _group(call, "missing_argument")
    group |= {name: call.text(name) for name in ("name", "handle", "description") if name in call.arguments}
    group["date_update"] = call.parts.workspace.seconds()
    return {"usergroup": _shown(group)}


@method("usergroups.users.list", "usergroups:read")
def list_members(call: Call) -> Json:
    return {"users": _group(call, "no_such_subteam")["users"]}


@method("usergroups.users.update", "usergroups:write")
def update_members(call: Call) -> Json:
    users = call.names("users")
    if not users:
        raise RefusedError("no_users_provided")
    group = _group(call, "missing_argument")
    if not set(users) <= set(call.parts.workspace.users):
        raise RefusedError("invalid_users")
    group["users"] = users
    return {"usergroup": _shown(group, with_users=True)}


def _group(call: Call, code: str) -> Json:
    group = call.parts.workspace.usergroups.get(call.text("usergroup"))
    if group is None:
        raise RefusedError(code)
    return group


def _shown(group: Json, *, with_users: bool = False, counted: bool = False) -> Json:
    shown = {**group, "user_count": len(group["users"])} if counted else group
    return shown if with_users else {name: value for name, value in shown.items() if name != "users"}
