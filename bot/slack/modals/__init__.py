"""Modals: one file each. A form asks, checks the answers before it closes and acts on them; a window only shows."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bot.catalog import Catalog
from bot.slack.asking import Ask
from bot.slack.blocks import Modal
from bot.slack.identity import Who
from bot.slack.modals import (
    call,
    incident_hand_over,
    incident_mistake,
    incident_open,
    incident_resolve,
    incident_severity,
)
from bot.slack.views.look import Look


@dataclass(frozen=True, slots=True)
class Form:
    build: Callable[[Catalog, str], Modal] | None
    """`build(catalog, private_metadata)`; None for one that is only shown about something, see WINDOWS."""
    problems: Callable[[Catalog, dict[str, str]], dict[str, str]]
    """What is wrong with the answers, by question; pure, since the form waits for it."""
    submit: Callable[[Ask], Awaitable[None]]


FORMS: Mapping[str, Form] = MappingProxyType(
    {
        incident_open.ID: Form(incident_open.build, incident_open.problems, incident_open.submit),
        incident_resolve.ID: Form(None, incident_resolve.problems, incident_resolve.submit),
        incident_severity.ID: Form(None, incident_severity.problems, incident_severity.submit),
        incident_hand_over.ID: Form(None, incident_hand_over.problems, incident_hand_over.submit),
        incident_mistake.ID: Form(None, incident_mistake.problems, incident_mistake.submit),
    }
)
WINDOWS: Mapping[str, Callable[[Look, Who, str], Awaitable[Modal]]] = MappingProxyType(
    {
        call.ID: call.show,
        incident_resolve.ID: incident_resolve.show,
        incident_open.FROM_MESSAGE: incident_open.show,
        incident_severity.ID: incident_severity.show,
        incident_hand_over.ID: incident_hand_over.show,
        incident_mistake.ID: incident_mistake.show,
    }
)
"""By id: `show(look, who, value)`, with the clicked button's value; what may be seen is decided at the click."""
OPENED_BY: Mapping[str, str] = MappingProxyType(
    {
        "open_incident": incident_open.ID,
        "open_incident_from": incident_open.FROM_MESSAGE,
        "resolve": incident_resolve.ID,
        "show_call": call.ID,
        "incident_more:severity": incident_severity.ID,
        "incident_more:hand_over": incident_hand_over.ID,
        "incident_more:mistake": incident_mistake.ID,
    }
)
"""Which button, shortcut or choice of a menu (`action_id:choice`) opens which modal."""
