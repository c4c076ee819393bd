"""How Slack writes users, channels, files, the team and the bot as JSON."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.sandbox.workspace import Channel, Json, Note, StoredFile, User, Workspace

KINDS = {
    "png": ("image/png", "PNG"),
    "jpg": ("image/jpeg", "JPEG"),
    "jpeg": ("image/jpeg", "JPEG"),
    "gif": ("image/gif", "GIF"),
    "webp": ("image/webp", "WebP"),
    "svg": ("image/svg+xml", "SVG"),
    "pdf": ("application/pdf", "PDF"),
    "txt": ("text/plain", "Plain Text"),
    "log": ("text/plain", "Plain Text"),
    "md": ("text/markdown", "Markdown"),
    "csv": ("text/csv", "CSV"),
    "json": ("application/json", "JSON"),
}


def filetype(name: str) -> str:
    """The file's ending, lower case; `binary` where it has none."""
    return name.rpartition(".")[2].lower() if "." in name else "binary"


def mimetype(name: str) -> str:
    return KINDS.get(filetype(name), ("application/octet-stream", "Binary"))[0]


def user(workspace: Workspace, who: User, *, with_email: bool = True) -> Json:
    zone = ZoneInfo(who.timezone)
    local = workspace.clock.now().astimezone(zone)
    first, _, last = who.real_name.partition(" ")
    profile: Json = {
        "title": "",
        "phone": "",
        "skype": "",
        "real_name": who.real_name,
        "real_name_normalized": who.real_name,
        "display_name": who.name,
        "display_name_normalized": who.name,
        "status_text": "",
        "status_emoji": "",
        "status_expiration": 0,
        "avatar_hash": who.id[-8:].lower(),
        "first_name": first,
        "last_name": last,
        "team": workspace.team_id,
    }
    if who.is_bot:
        profile |= {"api_app_id": workspace.app.app_id, "bot_id": workspace.app.bot_id, "always_active": True}
    elif who.email and with_email:
        profile["email"] = who.email
    return {
        "id": who.id,
        "team_id": workspace.team_id,
        "name": who.name,
        "deleted": False,
        "color": who.color,
        "real_name": who.real_name,
        "tz": who.timezone,
        "tz_label": local.tzname() or who.timezone,
        "tz_offset": int((local.utcoffset() or timedelta(0)).total_seconds()),
        "profile": profile,
        "is_admin": False,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": False,
        "is_ultra_restricted": False,
        "is_bot": who.is_bot,
        "is_app_user": False,
        "updated": 0,
    }


def channel(workspace: Workspace, what: Channel, viewer: str, *, with_count: bool = False) -> Json:
    if what.is_dm:
        other = next((member for member in what.members if member != viewer), viewer)
        return {
            "id": what.id,
            "created": what.created,
            "is_archived": False,
            "is_im": True,
            "is_org_shared": False,
            "user": other,
            "is_user_deleted": False,
            "priority": 0,
        }
    found: Json = {
        "id": what.id,
        "name": what.name,
        "is_channel": what.kind == "channel",
        "is_group": what.kind == "private",
        "is_im": False,
        "is_mpim": False,
        "is_private": what.kind == "private",
        "created": what.created,
        "is_archived": what.is_archived,
        "is_general": what.is_general,
        "unlinked": 0,
        "name_normalized": what.name,
        "is_shared": False,
        "is_org_shared": False,
        "is_pending_ext_shared": False,
        "pending_shared": [],
        "context_team_id": workspace.team_id,
        "updated": what.created * 1000,
        "creator": what.creator,
        "is_ext_shared": False,
        "shared_team_ids": [workspace.team_id],
        "pending_connected_team_ids": [],
        "is_member": viewer in what.members,
        "topic": note(what.topic),
        "purpose": note(what.purpose),
        "previous_names": [],
    }
    if with_count:
        found["num_members"] = len(what.members)
    return found


def note(what: Note) -> Json:
    return {"value": what.value, "creator": what.creator, "last_set": what.last_set}


def team(workspace: Workspace, url: str) -> Json:
    return {
        "id": workspace.team_id,
        "name": workspace.name,
        "url": url,
        "domain": workspace.domain,
        "email_domain": "example.com",
        "icon": {"image_default": True},
        "is_verified": False,
    }


def icons(base: str) -> Json:
    return {f"image_{size}": f"{base}/page/mark.svg" for size in (36, 48, 72)}


def bot(workspace: Workspace, base: str) -> Json:
    app = workspace.app
    return {
        "id": app.bot_id,
        "deleted": False,
        "name": app.name,
        "updated": 0,
        "app_id": app.app_id,
        "user_id": app.user_id,
        "icons": icons(base),
    }


def bot_profile(workspace: Workspace, base: str) -> Json:
    profile = bot(workspace, base)
    del profile["user_id"]
    return {**profile, "team_id": workspace.team_id}


def file(workspace: Workspace, what: StoredFile, base: str) -> Json:
    private = f"{base}/files-pri/{workspace.team_id}-{what.id}/{what.name}"
    kind = filetype(what.name)
    where = [workspace.channels[channel_id] for channel_id in what.shares]
    found: Json = {
        "id": what.id,
        "created": what.created,
        "timestamp": what.created,
        "name": what.name,
        "title": what.title or what.name,
        "mimetype": mimetype(what.name),
        "filetype": kind,
        "pretty_type": KINDS.get(kind, ("", kind.upper()))[1],
        "user": what.user,
        "user_team": workspace.team_id,
        "editable": False,
        "size": what.size,
        "mode": "hosted",
        "is_external": False,
        "external_type": "",
        "is_public": any(c.kind == "channel" for c in where),
        "public_url_shared": False,
        "display_as_bot": False,
        "username": "",
        "url_private": private,
        "url_private_download": f"{private}?download=1",
        "permalink": f"{base}/files/{what.user}/{what.id}/{what.name}",
        "has_rich_preview": False,
        "file_access": "visible",
        "channels": [c.id for c in where if c.kind == "channel"],
        "groups": [c.id for c in where if c.kind == "private"],
        "ims": [c.id for c in where if c.is_dm],
    }
    if what.alt_text:
        found["alt_txt"] = what.alt_text
    return found


def without(message: Json, *names: str) -> dict[str, Any]:
    return {name: value for name, value in message.items() if name not in names}
