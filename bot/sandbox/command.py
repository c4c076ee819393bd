"""`badday sandbox`: the local workspace alone, until it is told to end."""

import asyncio
import json
import os
import signal
import sys

from bot.sandbox.server import Sandbox


def run(port: int = 0, no_rate_limit: bool = False, as_json: bool = False) -> int:
    """Serve the workspace until SIGTERM or Ctrl-C; the first line says where it is and how to enter. The exit status
    is 0, or 2 when the port is taken."""
    return asyncio.run(_serve(port, rate_limit=not no_rate_limit, as_json=as_json))


async def _serve(port: int, *, rate_limit: bool, as_json: bool) -> int:
    sandbox = Sandbox(port, rate_limit=rate_limit)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    try:
        await sandbox.start()
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        print(f"Port {port} cannot be opened: {reason}. Choose another with --port.", file=sys.stderr)  # noqa: T201
        return 2
    print(_first_line(sandbox, as_json=as_json), flush=True)  # noqa: T201
    await ended.wait()
    await sandbox.stop()
    return 0


def _first_line(sandbox: Sandbox, *, as_json: bool) -> str:
    facts = {
        "api_url": sandbox.api_url,
        "bot_token": sandbox.bot_token,
        "app_token": sandbox.app_token,
        "signing_secret": sandbox.signing_secret,
        "page": sandbox.page,
        "control_url": sandbox.control_url,
    }
    return json.dumps(facts) if as_json else " ".join(f"{name}={value}" for name, value in facts.items())
