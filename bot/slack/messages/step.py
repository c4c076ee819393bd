"""One step of a runbook, in the incident's thread: what it would change, one click, what came of it, and the way back.

Which buttons it has is decided by the runbook's own life cycle (`verbs`); here they only get their words.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bot.runbooks.clicks import Verb
from bot.runbooks.life import State
from bot.slack.blocks import (
    Actions,
    Block,
    Button,
    Confirm,
    Context,
    Literal,
    Message,
    Mrkdwn,
    Plain,
    Preformatted,
    RichText,
    Section,
    Style,
    clip,
    join,
    markup,
)
from bot.slack.messages.words import Deed


@dataclass(frozen=True, slots=True)
class StepView:
    number: int
    version: int
    position: int
    of: int
    title: str
    state: State
    system: str
    verbs: Collection[Verb]
    """What people may ask of it now."""
    is_action: bool = True
    change: str | None = None
    """What it did, or would do: `Switch route chat from openai to anthropic`; None for a note."""
    undo_change: str | None = None
    """What undoing it would do now; None when there is nothing to take back."""
    note: str | None = None
    dry_run: bool = False
    deed: Deed | None = None
    """Who asked for what the state says."""
    error: str | None = None


SIGN: Mapping[State, str] = MappingProxyType(
    {
        State.PENDING: "… Waits for an earlier step",
        State.OFFERED: "○ Not run yet",
        State.READY: "◐ About to run",
        State.RUNNING: "◐ Running",
        State.DONE: "✔ Done",
        State.FAILED: "✖ Failed",
        State.UNKNOWN: "? Did it happen?",
        State.SKIPPED: "– Skipped",
        State.DRY_RUN: "✔ Shown as a dry run",
        State.UNDO_READY: "◐ About to be undone",
        State.UNDOING: "◐ Undoing",
        State.UNDONE: "↺ Undone",
        State.UNDO_FAILED: "✖ Undo failed",
        State.UNDO_UNKNOWN: "? Was it undone?",
    }
)
_CHANGE: Mapping[State, str] = MappingProxyType(
    {
        State.DONE: "Done",
        State.UNDO_READY: "Was done",
        State.UNDOING: "Was done",
        State.UNDO_FAILED: "Still in force",
        State.UNDO_UNKNOWN: "Was done",
        State.UNDONE: "Was done, and taken back",
        State.UNKNOWN: "Was to do",
        State.FAILED: "Was to do",
        State.SKIPPED: "Would do",
    }
)
"""What the change in words is; while it can still be run it is what it will do."""
_FAILED = (State.FAILED, State.UNDO_FAILED)
_ASKED = (State.UNKNOWN, State.UNDO_UNKNOWN)


def render(view: StepView) -> Message:
    dry = view.dry_run and view.is_action
    label = Mrkdwn(" · *Dry run: nothing is changed*" if dry else "")
    blocks: list[Block] = [
        Section(
            markup(
                "*Step {n} of {of}* · {state}{label}", n=view.position, of=view.of, state=SIGN[view.state], label=label
            )
        ),
        RichText((Literal(view.title, bold=True), *([Literal(f"\n{view.note}")] if view.note else []))),
        *_body(view),
    ]
    buttons = _buttons(view)
    if buttons:
        blocks.append(Actions(buttons))
    return Message(_sentence(view, dry=dry), blocks)


def _body(view: StepView) -> list[Block]:
    blocks: list[Block] = []
    if view.change is not None:
        blocks.append(Section(Plain(f"{_label(view)}: {view.change}")))
    if view.state in _ASKED:
        blocks.append(
            Section(
                Plain(
                    "The bot was stopped in the middle of it and cannot tell whether it took effect. "
                    "Please look, and say what you see: nothing is repeated before somebody did."
                )
            )
        )
    if view.error is not None and (view.state in _FAILED or view.state in _ASKED):
        blocks.append(Preformatted(view.error))
    lines = [view.deed.shown()] if view.deed is not None and view.state is not State.OFFERED else []
    if view.dry_run and view.is_action and Verb.RUN in view.verbs:
        lines.append(markup("To let steps change things, its owner types `/badday arm {system}`", system=view.system))
    if lines:
        blocks.append(Context((join(" · ", lines),)))
    return blocks


def _label(view: StepView) -> str:
    if view.dry_run and view.state in (State.OFFERED, State.DRY_RUN, State.READY, State.RUNNING):
        return "Would do"
    return _CHANGE.get(view.state, "Does")


def _sentence(view: StepView, *, dry: bool) -> Mrkdwn:
    parts = [
        markup(
            "{dry}Step {n} of {of}, {title}: {state}.",
            dry="Dry run. " if dry else "",
            n=view.position,
            of=view.of,
            title=clip(view.title, 300),
            state=SIGN[view.state][2:].rstrip("?"),
        )
    ]
    if view.change is not None:
        parts.append(markup("{label}: {change}.", label=_label(view), change=clip(view.change, 300)))
    parts.extend(markup("{text}", text=clip(text, 600)) for text in (view.note, view.error) if text is not None)
    if view.deed is not None and view.state is not State.OFFERED:
        parts.append(markup("{deed}.", deed=view.deed.shown()))
    return join(" ", parts)


def _buttons(view: StepView) -> list[Button]:
    value = f"step:{view.number}:v{view.version}"
    buttons = []
    if Verb.RUN in view.verbs:
        buttons.append(_run(view, value) if view.is_action else _told(view, value))
    if Verb.RETRY in view.verbs:
        buttons.append(_retry(view, value))
    if Verb.HAPPENED in view.verbs:
        buttons.append(Button("It happened", "step_happened", value, spoken=f"Step {view.position} happened"))
    if Verb.NOT_HAPPENED in view.verbs:
        spoken = f"Step {view.position} did not happen"
        buttons.append(Button("It did not happen", "step_did_not_happen", value, spoken=spoken))
    if Verb.SKIP in view.verbs:
        buttons.append(Button("Skip", "skip_step", value, spoken=f"Skip step {view.position}, {view.title}"))
    if Verb.UNDO in view.verbs:
        buttons.append(_undo(view, value, "Undo", "undo_step"))
    return buttons


def _told(view: StepView, value: str) -> Button:
    style = Style.PRIMARY if view.state is State.OFFERED else None
    return Button("Mark as done", "run_step", value, style, spoken=f"Step {view.position} is done, {view.title}")


def _run(view: StepView, value: str) -> Button:
    again = "" if view.state is State.OFFERED else " again" if _has_run(view) else " after all"
    style = Style.PRIMARY if view.state in (State.OFFERED, State.DRY_RUN) else None
    return Button(
        f"Dry run{again}" if view.dry_run else f"Run{again}",
        "run_step",
        value,
        style,
        _question(view, "Dry run" if view.dry_run else "Run"),
        f"{'Dry run of' if view.dry_run else 'Run'} step {view.position}, {view.title}",
    )


def _has_run(view: StepView) -> bool:
    """Whether what the button would do was done before: a real run after a dry one is the first."""
    return view.state is State.UNDONE or (view.state is State.DRY_RUN and view.dry_run)


def _retry(view: StepView, value: str) -> Button:
    if view.state is State.UNDO_FAILED:
        return _undo(view, value, "Undo again", "retry_step")
    spoken = f"Retry step {view.position}, {view.title}"
    return Button("Retry", "retry_step", value, Style.PRIMARY, _question(view, "Retry"), spoken)


def _question(view: StepView, label: str) -> Confirm:
    """Names the exact change; Slack's confirm holds 300 characters."""
    change = clip(view.change or view.title, 180)
    if view.dry_run:
        return Confirm(label, f"Only shows what it would do, and changes nothing: {change}.", label)
    return Confirm(f"{label} this step?", f"{change} ({view.system}), now. The thread shows the way back.", label)


def _undo(view: StepView, value: str, label: str, action_id: str) -> Button:
    change = clip(view.undo_change or "What it changed is set back", 200)
    confirm = Confirm("Undo this step?", f"{change} ({view.system}), now. It can be run again.", "Undo")
    return Button(label, action_id, value, Style.DANGER, confirm, f"{label} step {view.position}, {view.title}")
