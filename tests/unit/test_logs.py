"""What the log never shows."""

import subprocess
import sys

import pytest

FAILING = """
import sys
sys.stderr.isatty = lambda: {human}
from bot import logs
import structlog

logs.configure()

def work(body):
    raise ZeroDivisionError("no luck")

try:
    work("what the " + "call said")
except ZeroDivisionError:
    structlog.get_logger("bot.work").exception("it failed", api_token="bd_" + "secret")
"""


@pytest.mark.parametrize("human", [True, False])
def test_an_error_is_logged_without_the_values_that_it_was_working_on(human: bool) -> None:
    run = subprocess.run(
        [sys.executable, "-c", FAILING.format(human=human)], capture_output=True, text=True, check=True
    )
    assert "no luck" in run.stderr
    assert "call said" not in run.stderr
    assert "bd_secret" not in run.stderr
