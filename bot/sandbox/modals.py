"""Submit and close modals: what the client checks first, and what each response_action does."""

from typing import Any

from bot.sandbox import shapes
from bot.sandbox.delivery import Answer, Sort
from bot.sandbox.gestures import GestureError, chosen
from bot.sandbox.parts import Parts
from bot.sandbox.views import STATE_FIELD, ViewError, inputs
from bot.sandbox.workspace import Json, User
from bot.slack import limits


async def submit(parts: Parts, user: User, view: Json, values: Json) -> Json:
    """Fill in a modal and send it off; the answer says what the modal did then."""
    if parts.views.stack(user.id)[-1:] != [view]:
        raise GestureError("only the modal on top can be submitted; close the one above it first")
    _fill(parts, view, values)
    errors = _incomplete(view)
    if errors:
        return {"response_action": "errors", "errors": errors, "sent": False}
    payload = {**_payload(parts, user, view, "view_submission"), "response_urls": []}
    payload["trigger_id"] = parts.triggers.issue(user.id, view["id"])
    answer = await parts.delivery.interaction(Sort.INTERACTION, payload)
    if not answer.acknowledged:
        return {"response_action": "failed", "error": answer.reason}
    return _obey(parts, user, view, answer)


async def close(parts: Parts, user: User, view: Json, *, all_of_them: bool = False) -> Json:
    """Close a modal with its close button, or all of them."""
    stack = parts.views.stack(user.id)
    if view not in stack:
        raise GestureError("this modal is not open; /control/views tells which are")
    cleared = all_of_them or view["clear_on_close"]
    gone = list(stack) if cleared else stack[stack.index(view) :]
    del stack[0 if cleared else stack.index(view) :]
    parts.live.publish("view_closed", {"view": view, "user": user.id, "left": [v["id"] for v in stack]}, [user.id])
    for closed in reversed(gone):
        if closed["notify_on_close"]:
            payload = {**_payload(parts, user, closed, "view_closed"), "is_cleared": bool(cleared)}
            parts.start(_notify(parts, payload))
    return {"closed": [closed["id"] for closed in gone]}


async def _notify(parts: Parts, payload: Json) -> None:
    await parts.delivery.interaction(Sort.INTERACTION, payload)


def _obey(parts: Parts, user: User, view: Json, answer: Answer) -> Json:
    action = answer.payload.get("response_action")
    try:
        match action:
            case "errors":
                return _errors(view, answer.payload.get("errors"))
            case "update":
                _check(answer.payload.get("view"))
                shown = parts.views.update(view, answer.payload["view"])
                parts.live.publish("view_updated", {"view": shown, "user": user.id}, [user.id])
                return {"response_action": "update", "view": shown}
            case "push":
                _check(answer.payload.get("view"))
                shown = parts.views.push(user.id, answer.payload["view"])
                parts.live.publish("view_opened", {"view": shown, "user": user.id}, [user.id])
                return {"response_action": "push", "view": shown}
            case "clear":
                parts.views.clear(user.id)
                _tell_closed(parts, user, view)
                return {"response_action": "clear"}
            case None:
                parts.views.stack(user.id).remove(view)
                _tell_closed(parts, user, view)
                stack = parts.views.stack(user.id)
                return {"response_action": "close", "view": stack[-1] if stack else None}
            case _:
                return {"response_action": "failed", "error": f"unknown response_action {action!r}"}
    except ViewError as refused:
        return {"response_action": "failed", "error": str(refused)}
    except GestureError as refused:
        return {"response_action": "failed", "error": str(refused)}


def _errors(view: Json, errors: Any) -> Json:
    known = {block["block_id"] for block in view["blocks"] if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors or not set(errors) <= known:
        wrong = sorted(set(errors) - known) if isinstance(errors, dict) else errors
        return {"response_action": "failed", "error": f"errors must name input blocks of the view, not {wrong}"}
    return {"response_action": "errors", "errors": errors}


def _check(source: Any) -> None:
    found = limits.validate_view(source)
    if found:
        raise GestureError("the app answered with a view that Slack refuses: " + "; ".join(map(str, found)))


def _tell_closed(parts: Parts, user: User, view: Json) -> None:
    left = [v["id"] for v in parts.views.stack(user.id)]
    parts.live.publish("view_closed", {"view": view, "user": user.id, "left": left}, [user.id])


def _fill(parts: Parts, view: Json, values: Json) -> None:
    """Put values into the view's state: by block and action, or by action alone, whole states or plain values."""
    blocks = {block["block_id"] for block, _ in inputs(view)}
    actions = {element["action_id"] for _, element in inputs(view)}
    unknown = set(values) - blocks - actions
    if unknown:
        raise GestureError(f"the modal has no input {sorted(unknown)}; it has: {', '.join(sorted(actions))}")
    for block, element in inputs(view):
        block_id, action_id = block["block_id"], element["action_id"]
        in_block = values.get(block_id)
        given = in_block.get(action_id) if isinstance(in_block, dict) and action_id in in_block else None
        if given is None:
            given = values.get(action_id)
        if given is None:
            continue
        name = STATE_FIELD[element["type"]][0]
        state = given if isinstance(given, dict) and (name in given or "type" in given) else {name: given}
        picked = _files(parts, state.get(name)) if name == "files" else chosen(element, name, state)
        view["state"]["values"].setdefault(block_id, {})[action_id] = {"type": element["type"], name: picked}


def _files(parts: Parts, given: Any) -> list[Json]:
    ids = [item["id"] if isinstance(item, dict) else item for item in given or ()]
    unknown = [file_id for file_id in ids if file_id not in parts.workspace.files]
    if unknown:
        raise GestureError(f"no such file: {', '.join(map(str, unknown))}; upload it first by /control/upload")
    return [shapes.file(parts.workspace, parts.workspace.files[file_id], parts.base) for file_id in ids]


def _incomplete(view: Json) -> dict[str, str]:
    """What Slack's own client says before it sends anything: empty required inputs, too short or long texts."""
    errors: dict[str, str] = {}
    for block, element in inputs(view):
        if block["type"] != "input":
            continue
        name = STATE_FIELD[element["type"]][0]
        value = view["state"]["values"].get(block["block_id"], {}).get(element["action_id"], {}).get(name)
        if not value:
            if not block.get("optional"):
                errors[block["block_id"]] = "Complete this required field."
        elif error := _misfit(element, value):
            errors[block["block_id"]] = error
    return errors


def _misfit(element: Json, value: Any) -> str | None:
    longest = element.get("max_length", limits.INPUT_VALUE)
    if element["type"] == "plain_text_input" and len(value) > longest:
        return f"Keep it to {longest} characters."
    if element["type"] == "plain_text_input" and len(value) < element.get("min_length", 0):
        return f"Write at least {element['min_length']} characters."
    if element["type"] == "email_text_input" and "@" not in value:
        return "Enter an e-mail address."
    if element["type"] == "url_text_input" and "://" not in value:
        return "Enter a link."
    if element["type"] == "file_input" and len(value) > element.get("max_files", limits.FILES_PER_INPUT):
        return f"Choose at most {element.get('max_files', limits.FILES_PER_INPUT)} files."
    return None


def _payload(parts: Parts, user: User, view: Json, kind: str) -> Json:
    return {
        "type": kind,
        "team": {"id": parts.workspace.team_id, "domain": parts.workspace.domain},
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": parts.workspace.team_id},
        "api_app_id": parts.app.app_id,
        "token": parts.app.verification_token,
        "view": view,
        "is_enterprise_install": False,
        "enterprise": None,
    }
