"""The app's manifest: what Badday asks of Slack."""

from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

FILE = "slack-manifest.yaml"


def manifest_path() -> Path:
    """Where the manifest lies: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    packaged = package / f"_{FILE}"
    return packaged if packaged.is_file() else package.parent / FILE


@cache
def load_manifest() -> dict[str, Any]:
    """The manifest as Slack reads it."""
    loaded: dict[str, Any] = YAML(typ="safe", pure=True).load(manifest_path())
    return loaded
