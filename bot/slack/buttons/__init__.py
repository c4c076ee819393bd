"""What a click does: one file a verb; `action_id` names it, the button's value names the object and its version."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from bot.slack.asking import Ask
from bot.slack.buttons import acknowledge, calls, confirm_test, escalation, postmortem, steps

BUTTONS: Mapping[str, Callable[[Ask], Awaitable[None]]] = MappingProxyType(
    {
        "acknowledge": acknowledge.click,
        "confirm_test": confirm_test.click,
        "write_postmortem": postmortem.click,
        **escalation.CLICKS,
        **steps.CLICKS,
        **calls.CLICKS,
    }
)
SILENT = frozenset({"open_link"})
"""Slack tells of these clicks as well; the link itself did all there is to do."""
