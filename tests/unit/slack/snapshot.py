"""Snapshots of messages: the JSON that Slack gets, kept in the repository so that a reviewer reads the message.

BADDAY_SNAPSHOTS=write renews them; look at the difference before committing it.
"""

import json
import os
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "snapshots"


def assert_snapshot(name: str, shown: dict[str, Any]) -> None:
    path = FOLDER / f"{name}.json"
    text = json.dumps(shown, indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("BADDAY_SNAPSHOTS") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.is_file(), f"{path.name} is missing; run the test with BADDAY_SNAPSHOTS=write and read what it wrote"
    assert text == path.read_text(encoding="utf-8")
