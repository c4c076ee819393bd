"""users.*: people by id, by e-mail, all of them, and where they are."""

from bot.sandbox import shapes
from bot.sandbox.web_api.call import Call, RefusedError, method
from bot.sandbox.web_api.conversations import READ, wanted_kinds
from bot.sandbox.workspace import Json, User


@method("users.info", "users:read")
def info(call: Call) -> Json:
    return {"user": _shown(call, call.user())}


@method("users.list", "users:read")
def list_users(call: Call) -> Json:
    everybody = list(call.parts.workspace.users.values())
    chosen, cursor = call.page(everybody)
    return {
        "members": [_shown(call, user) for user in chosen],
        "cache_ts": call.parts.workspace.seconds(),
        "response_metadata": {"next_cursor": cursor},
    }


@method("users.lookupByEmail", "users:read.email")
def lookup_by_email(call: Call) -> Json:
    email = call.required("email").casefold()
    users = call.parts.workspace.users.values()
    found = next((user for user in users if user.email and user.email.casefold() == email), None)
    if found is None:
        raise RefusedError("users_not_found")
    return {"user": _shown(call, found)}


@method("users.getPresence", "users:read")
def get_presence(call: Call) -> Json:
    user = call.parts.workspace.users.get(call.text("user", call.bot))
    return {"presence": user.presence if user else "away"}


@method("users.conversations", *READ)
def conversations(call: Call) -> Json:
    user = call.text("user", call.bot)
    kinds = wanted_kinds(call)
    workspace = call.parts.workspace
    found = [c for c in workspace.visible_to(call.bot) if c.kind in kinds and user in c.members]
    if call.flag("exclude_archived"):
        found = [c for c in found if not c.is_archived]
    chosen, cursor = call.page(found)
    channels = [shapes.without(shapes.channel(workspace, c, call.bot), "is_member") for c in chosen]
    return {"channels": channels, "response_metadata": {"next_cursor": cursor}}


def _shown(call: Call, user: User) -> Json:
    return shapes.user(call.parts.workspace, user, with_email="users:read.email" in call.parts.app.scopes)
