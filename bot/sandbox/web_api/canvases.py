"""canvases.*: kept as documents, not shown."""

from bot.sandbox import ids
from bot.sandbox.web_api.call import Call, RefusedError, method
from bot.sandbox.workspace import Json


@method("canvases.create", "canvases:write")
def create(call: Call) -> Json:
    canvas_id = ids.new_id("F")
    document = call.data("document_content")
    call.parts.workspace.canvases[canvas_id] = {"title": call.text("title"), "document": document, "changes": []}
    return {"canvas_id": canvas_id}


@method("canvases.edit", "canvases:write")
def edit(call: Call) -> Json:
    canvas = call.parts.workspace.canvases.get(call.required("canvas_id"))
    if canvas is None:
        raise RefusedError("canvas_not_found")
    changes = call.data("changes")
    if not isinstance(changes, list) or not changes:
        raise RefusedError("canvas_editing_failed")
    canvas["changes"] += changes
    return {}
