"""The catalog described for others: its JSON Schema for editors, its tables for the documentation."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from bot.catalog import contact_kinds
from bot.catalog.schema import CatalogFile

SCHEMA = Path(__file__).with_name("badday.schema.json")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "catalog.md"

_TABLES = re.compile(r"(<!-- tables: renewed by python -m bot\.catalog -->\n).*?(<!-- end of tables -->)", re.DOTALL)
_SECTIONS = (
    ("The file", "CatalogFile"),
    ("`people.<key>`", "PersonEntry"),
    ("`providers.<name>`", "ProviderEntry"),
    ("`providers.<name>.prices.<model>`", "PriceEntry"),
    ("`providers.<name>.limit`, `systems.<name>.keys.<name>`", "HeldEntry"),
    ("`systems.<name>`", "SystemEntry"),
    ("`systems.<name>.routes.<name>`", "RouteEntry"),
    ("`systems.<name>.features.<name>`", "FeatureEntry"),
    ("`systems.<name>.caps.<name>`", "CapEntry"),
    ("`systems.<name>.evals.<suite>`", "EvalsEntry"),
    ("`systems.<name>.calls`", "CallsEntry"),
    ("`systems.<name>.redact`", "RedactEntry"),
    ("`systems.<name>.fallbacks.<provider>`", "FallbackEntry"),
    ("`watches.<name>`", "WatchEntry"),
    ("`watches.<name>.hysteresis`", "HysteresisEntry"),
    ("`rotations.<name>`", "RotationEntry"),
    ("`rotations.<name>.layers.<name>`", "LayerEntry"),
    ("`policies.<name>`", "PolicyEntry"),
    ("`policies.<name>.steps`", "StepEntry"),
    ("`groups.<name>`", "GroupEntry"),
    ("`maintenance.<name>`", "MaintenanceEntry"),
    ("`tickets`", "TicketsEntry"),
    ("`drivers.<name>`", "DriverEntry"),
)


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of badday.yaml."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_steady(_with_contacts(CatalogFile.model_json_schema())),
        "title": "badday.yaml",
    }


def _with_contacts(whole: dict[str, Any]) -> dict[str, Any]:
    """The schema with what each kind of contact says of itself, in place of any mapping."""
    alone = [kind for kind, options, _ in _contact_models() if options is None or not contact_kinds.required(options)]
    setups: dict[str, Any] = {}
    after = {"type": "string", "description": "How long after the page began it is tried.", "examples": ["5m"]}
    slack = {"slack": {"const": True, "description": "Slack's direct message."}, "after": after}
    ways: list[dict[str, Any]] = [
        {"enum": alone},
        {"type": "object", "properties": slack, "required": ["slack"], "additionalProperties": False},
    ]
    for kind, options, setup in _contact_models():
        if options is not None:
            described = _described(whole, options)
            described["properties"] |= {
                kind: {"type": "string"} | described["properties"].get(kind, {}),
                "after": after,
            }
            described["required"] = sorted({kind, *described.get("required", ())})
            ways.append({"$ref": f"#/$defs/{options.__name__}"})
        if setup is not None:
            _described(whole, setup)
            setups[kind] = {"$ref": f"#/$defs/{setup.__name__}"}
    person = whole["$defs"]["PersonEntry"]["properties"]["contacts"]["anyOf"][0]
    person["items"] = {"anyOf": ways, "examples": ["slack"]}
    contacts = whole["properties"]["contacts"]
    contacts |= {"properties": setups, "additionalProperties": False}
    return whole


def _contact_models() -> Iterator[tuple[str, type[BaseModel] | None, type[BaseModel] | None]]:
    for kind in contact_kinds.kinds():
        yield kind, contact_kinds.options_model(kind), contact_kinds.setup_model(kind)


def _described(whole: dict[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """The model's own schema, which stands among the definitions from now on."""
    own = model.model_json_schema(ref_template="#/$defs/{model}")
    whole["$defs"] |= own.pop("$defs", {}) | {model.__name__: own}
    return own


def _contact_sections() -> Iterator[tuple[str, str]]:
    for kind, options, setup in _contact_models():
        if options is not None:
            yield f"`people.<key>.contacts`: {kind}", options.__name__
        if setup is not None:
            yield f"`contacts.{kind}`", setup.__name__


def schema_text() -> str:
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def with_tables(page: str) -> str:
    """The documentation page with its tables of keys renewed."""
    tables = "\n".join(_section(title, model) for title, model in (*_SECTIONS, *_contact_sections()))
    return _TABLES.sub(lambda found: f"{found[1]}\n{tables}\n{found[2]}", page)


_MOST_SHOWN = 3  # keys of a mapping that is a default


def _steady(part: Any) -> Any:
    """The same schema whatever the order of a set, and without the titles that only repeat the keys."""
    if isinstance(part, dict):
        return {
            key: sorted(value) if key == "default" and isinstance(value, list) else _steady(value)
            for key, value in part.items()
            if not (key == "title" and isinstance(value, str))
        }
    if isinstance(part, list):
        return [_steady(each) for each in part]
    return part


def _section(title: str, model: str) -> str:
    whole = schema()
    part = whole if model == "CatalogFile" else whole["$defs"][model]
    rows = "\n".join(_rows(part))
    return f"### {title}\n\n{part['description']}\n\n| key | value | default | meaning |\n|---|---|---|---|\n{rows}\n"


def _rows(part: dict[str, Any]) -> Iterator[str]:
    required = part.get("required", ())
    for key, value in part["properties"].items():
        default = "required" if key in required else _default(value.get("default"))
        yield f"| `{key}` | {_kind(value)} | {default} | {_line(value)} |"


def _default(value: Any) -> str:
    if value is None or value in ([], {}):
        return "none"
    if isinstance(value, dict) and len(value) > _MOST_SHOWN:
        return "those below"
    if isinstance(value, dict):
        return "`{" + ", ".join(f"{key}: {each}" for key, each in value.items()) + "}`"
    if isinstance(value, list):
        return f"`[{', '.join(value)}]`"
    return f"`{json.dumps(value)}`".replace('"', "")


def _line(value: dict[str, Any]) -> str:
    """A cell of a table holds one line."""
    return " ".join(value.get("description", "").split())


_BY_EXAMPLE = {
    "+34600000000": "phone number",
    "0.40": 'price (`"0.40"`)',
    "20%": "share (`20%`)",
    "30m": "duration (`45s`, `5m`, `1h30m`) or `off`",
    "slack": "kinds and mappings `{kind: address, after: 5m}`",
    "2026-01-05 09:00": "local time (`2026-01-05 09:00`)",
    "1 week": "length (`12 hours`, `1 week`)",
    "mon-fri 09:00-18:00": "part of the week (`mon-fri 09:00-18:00`)",
}


def _kind(value: dict[str, Any]) -> str:
    if "$ref" in value:
        model = value["$ref"].rpartition("/")[2]
        known = schema()["$defs"][model]
        return " or ".join(f"`{word}`" for word in known["enum"]) if "enum" in known else "mapping, see below"
    if "anyOf" in value and "examples" not in value:
        return _kind(next(each for each in value["anyOf"] if each.get("type") != "null"))
    if "enum" in value:
        return " or ".join(f"`{word}`" for word in value["enum"])
    if "const" in value:
        return f"`{value['const']}`"
    match value.get("type"):
        case "array":
            items = _kind(value["items"]).replace("mapping,", "mappings,")
            return f"list of {items}".replace(" or ", ", ")
        case "object":
            return "mapping by name, see below"
        case "boolean":
            return "true or false"
        case "integer":
            return f"whole number, {value['minimum']} to {value['maximum']}"
    if value.get("format") == "regex":
        return "pattern"
    if value.get("format") == "uri":
        return "web address"
    if value.get("examples"):
        return _BY_EXAMPLE.get(value["examples"][0], "duration (`45s`, `5m`, `1h30m`)")
    return "e-mail address" if value.get("format") == "email" else "text"
