"""What the opt-in tests need from outside the repository."""

import os
from pathlib import Path

import pytest

PAYLOADS = "BADDAY_SLACK_PAYLOADS"


@pytest.fixture(scope="session")
def slack_payloads() -> Path:
    """The folder of recorded Slack payloads: api/, events/, interactions/, methods/."""
    where = os.environ.get(PAYLOADS, "")
    if not where:
        pytest.skip(f"set {PAYLOADS} to a folder with api/, events/, interactions/ and methods/ of recorded payloads")
    folder = Path(where)
    if not (folder / "methods").is_dir():
        pytest.fail(f"{PAYLOADS}={where} has no folder methods/; point it at the folder of recorded Slack payloads")
    return folder
