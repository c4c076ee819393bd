"""Forms: one file a form, with what it asks, how answers are checked before it closes, and what they do."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bot.catalog import Catalog
from bot.slack.asking import Ask
from bot.slack.blocks import Modal
from bot.slack.modals import incident_open


@dataclass(frozen=True, slots=True)
class Form:
    build: Callable[[Catalog, str], Modal]
    """`build(catalog, private_metadata)`"""
    problems: Callable[[Catalog, dict[str, str]], dict[str, str]]
    """What is wrong with the answers, by question; pure, since the form waits for it."""
    submit: Callable[[Ask], Awaitable[None]]


FORMS: Mapping[str, Form] = MappingProxyType(
    {incident_open.ID: Form(incident_open.build, incident_open.problems, incident_open.submit)}
)
OPENED_BY: Mapping[str, str] = MappingProxyType({"open_incident": incident_open.ID})
"""Which button or shortcut opens which form."""
