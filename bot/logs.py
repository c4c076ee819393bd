"""Structured logs on standard error: readable lines for a person, JSON for a machine."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_SECRET_NAMES = ("token", "secret", "password", "authorization")


def configure(*, level: int = logging.INFO) -> None:
    """Set up logging for this process; the libraries' own warnings come out in the same form."""
    human = sys.stderr.isatty()
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _hide_secrets,
    ]
    renderer: structlog.typing.Processor = (
        # Plain: the richer form prints local variables, and with them what calls said.
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if human
        else structlog.processors.JSONRenderer(default=str)
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    final: list[structlog.typing.Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if not human:
        final.append(structlog.processors.format_exc_info)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[*final, renderer]))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("bot").setLevel(level)


def _hide_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A value under a name that sounds like a secret is never written, whatever it is."""
    for name in event:
        if any(word in name.lower() for word in _SECRET_NAMES):
            event[name] = "…"
    return event
