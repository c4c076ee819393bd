"""views.*: open, push and update modals, publish App Homes."""

from typing import Any

from bot.sandbox.triggers import Trigger, TriggerError
from bot.sandbox.views import ViewError
from bot.sandbox.web_api.call import Call, RefusedError, method, missing, refuse_blocks
from bot.sandbox.workspace import Json
from bot.slack import limits


@method("views.open")
def open_view(call: Call) -> Json:
    source = _source(call, "modal")
    trigger = _trigger(call)
    try:
        view = call.parts.views.open(trigger.user, source)
    except ViewError as refused:
        raise RefusedError(str(refused)) from None
    call.parts.live.publish("view_opened", {"view": view, "user": trigger.user}, [trigger.user])
    return {"view": view}


@method("views.push")
def push(call: Call) -> Json:
    source = _source(call, "modal")
    trigger = _trigger(call)
    if trigger.view_id is None or not call.parts.views.stack(trigger.user):
        raise RefusedError("not_found")
    try:
        view = call.parts.views.push(trigger.user, source)
    except ViewError as refused:
        raise RefusedError(str(refused)) from None
    call.parts.live.publish("view_opened", {"view": view, "user": trigger.user}, [trigger.user])
    return {"view": view}


@method("views.update")
def update(call: Call) -> Json:
    source = _source(call, "modal")
    view_id, external_id = call.text("view_id") or None, call.text("external_id") or None
    if view_id is None and external_id is None:
        raise missing("view_id")
    found = call.parts.views.find(view_id=view_id, external_id=external_id)
    if found is None or found[1]["type"] != "modal":
        raise RefusedError("not_found")
    user, view = found
    try:
        call.parts.views.update(view, source, call.text("hash") or None)
    except ViewError as refused:
        raise RefusedError(str(refused)) from None
    call.parts.live.publish("view_updated", {"view": view, "user": user}, [user])
    return {"view": view}


@method("views.publish")
def publish(call: Call) -> Json:
    source = _source(call, "home")
    user = call.required("user_id")
    if user not in call.parts.workspace.users:
        raise RefusedError("invalid_arguments", response_metadata={"messages": ["[ERROR] user_id is not a user"]})
    try:
        view = call.parts.views.publish(user, source, call.text("hash") or None)
    except ViewError as refused:
        raise RefusedError(str(refused)) from None
    call.parts.live.publish("home", {"view": view, "user": user}, [user])
    return {"view": view}


def _source(call: Call, kind: str) -> Json:
    source: Any = call.data("view")
    if source is None:
        raise missing("view")
    found = limits.validate_view(source)
    if not found and source["type"] != kind:
        found = [limits.Refusal("/view/type", "invalid_enum", f"must be {kind}")]
    refuse_blocks(found, "invalid_arguments")
    if limits.view_is_too_large(source):
        raise RefusedError("view_too_large")
    view: Json = source
    return view


def _trigger(call: Call) -> Trigger:
    trigger_id = call.text("trigger_id") or call.text("interactivity_pointer")
    if not trigger_id:
        raise missing("trigger_id")
    try:
        return call.parts.triggers.exchange(trigger_id)
    except TriggerError as refused:
        raise RefusedError(str(refused)) from None
