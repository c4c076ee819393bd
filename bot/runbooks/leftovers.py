"""What steps of a runbook have changed, and whether it is still so."""

from bot.runbooks.life import State
from bot.store.tables import RunbookStep


def is_in_force(step: RunbookStep) -> bool:
    """Whether it changed something that is still so."""
    changed = (step.result or {}).get("change")
    return step.state in (State.DONE, State.UNDO_FAILED) and step.previous is not None and bool(changed)


def change(step: RunbookStep) -> str:
    """What it did, in the words of its action."""
    return str((step.result or {}).get("change") or step.title)
