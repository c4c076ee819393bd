"""The JSON Schema of runbook files for editors, made from the models.

`python -m bot.runbooks.json_schema > bot/runbooks/runbook.schema.json` renews the file in the package.
"""

import json
import sys
from typing import Any

from bot.actions.registry import Registry, packaged
from bot.runbooks.schema import OF_ACTIONS, Runbook, Step

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(actions: Registry) -> dict[str, Any]:
    """The shape of a runbook, with the actions that exist and what each needs in `with`."""
    schema = {"$schema": DIALECT} | Runbook.model_json_schema(by_alias=True)
    step = schema["$defs"]["Step"]
    step["properties"]["do"] = {
        "description": step["properties"]["do"]["description"],
        "enum": sorted(actions),
    }
    step["anyOf"] = [{"required": ["do"]}, {"required": ["note"]}]
    step["dependentRequired"] = {Step.model_fields[field].alias or field: ["do"] for field in OF_ACTIONS}
    step["allOf"] = [_arguments(actions, name) for name in sorted(actions)]
    return schema


def _arguments(actions: Registry, name: str) -> dict[str, Any]:
    arguments = actions[name].With.model_json_schema()
    then: dict[str, Any] = {"properties": {"with": arguments}}
    if arguments.get("required"):
        then["required"] = ["with"]
    return {"if": {"properties": {"do": {"const": name}}, "required": ["do"]}, "then": then}


def text(actions: Registry) -> str:
    """The content of `runbook.schema.json`."""
    return json.dumps(json_schema(actions), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text(packaged()))
