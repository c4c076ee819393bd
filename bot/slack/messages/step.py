"""One step of a runbook, in the incident's thread: what it would change, one click, what came of it, and the way back.

state       | what it shows                                   | buttons
waiting     | what comes, and what it waits for               |
offered     | the exact change                                | Run (asks), Skip
running     | who started it                                  |
done        | before → after, who, when                       | Undo (asks) where something can be taken back
failed      | the error, line for line                        | Retry (asks), Skip
unknown     | nobody knows whether it happened                | It happened, It did not
skipped     | by whom                                         |
undoing     | who asked                                       |
undone      | what is in force again, who, when               |
undo_failed | the error                                       | Undo again (asks)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from bot.slack.blocks import (
    Actions,
    Block,
    Button,
    Confirm,
    Context,
    Fields,
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


class StepState(StrEnum):
    WAITING = "waiting"
    OFFERED = "offered"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"
    UNDOING = "undoing"
    UNDONE = "undone"
    UNDO_FAILED = "undo_failed"


@dataclass(frozen=True, slots=True)
class StepView:
    number: int
    version: int
    position: int
    of: int
    title: str
    state: StepState
    system: str
    change: str | None = None
    """What running it changes, exactly: `route.chat: openai → anthropic`; None for a note."""
    way_back: str | None = None
    """What undo changes, exactly; None when there is nothing to take back."""
    note: str | None = None
    dry_run: bool = False
    deed: Deed | None = None
    """Who ran, skipped or undid it."""
    before: str | None = None
    after: str | None = None
    error: str | None = None


SIGN: Mapping[StepState, str] = MappingProxyType(
    {
        StepState.WAITING: "○ Waiting",
        StepState.OFFERED: "○ Not run yet",
        StepState.RUNNING: "◐ Running",
        StepState.DONE: "✔ Done",
        StepState.FAILED: "✖ Failed",
        StepState.UNKNOWN: "? Did it happen?",
        StepState.SKIPPED: "– Skipped",
        StepState.UNDOING: "◐ Undoing",
        StepState.UNDONE: "↺ Undone",
        StepState.UNDO_FAILED: "✖ Undo failed",
    }
)
_NOTE_DONE = "✔ Told"


def render(view: StepView) -> Message:
    state = _NOTE_DONE if view.change is None and view.state is StepState.DONE else SIGN[view.state]
    label = markup(" · *Dry run: nothing is changed*") if view.dry_run and view.change else Mrkdwn("")
    blocks: list[Block] = [
        Section(markup("*Step {n} of {of}* · {state}{label}", n=view.position, of=view.of, state=state, label=label)),
        RichText((Literal(view.title, bold=True), *([Literal(f"\n{view.note}")] if view.note else []))),
        *_body(view),
    ]
    buttons = _buttons(view)
    if buttons:
        blocks.append(Actions(buttons))
    return Message(_sentence(view, state), blocks)


def _body(view: StepView) -> list[Block]:
    blocks: list[Block] = []
    if view.change is not None and view.state in (StepState.WAITING, StepState.OFFERED, StepState.RUNNING):
        blocks.append(Section(Plain(f"Changes {view.change}")))
    if view.state is StepState.UNKNOWN:
        what = "The bot was stopped while it made this change, so it cannot tell whether it took effect. Please look"
        blocks.append(Section(Plain(f"{what}: {view.change or view.title}")))
    if view.before is not None and view.after is not None and view.state in (StepState.DONE, StepState.UNDONE):
        names = ("Would change", "To") if view.dry_run else ("Before", "After")
        blocks.append(Fields(((names[0], view.before), (names[1], view.after))))
    if view.error is not None and view.state in (StepState.FAILED, StepState.UNDO_FAILED):
        blocks.append(Preformatted(view.error))
    lines = [view.deed.shown()] if view.deed is not None else []
    if view.dry_run and view.change is not None and view.state is StepState.OFFERED:
        lines.append(markup("To let steps change things: `/badday arm {system}` by its owner", system=view.system))
    if view.state is StepState.OFFERED and view.way_back is not None:
        lines.append(Mrkdwn("It can be undone with one click"))
    if lines:
        blocks.append(Context((join(" · ", lines),)))
    return blocks


def _sentence(view: StepView, state: str) -> Mrkdwn:
    dry = "Dry run. " if view.dry_run and view.change else ""
    parts = [
        markup(
            "{dry}Step {n} of {of}, {title}: {state}.",
            dry=dry,
            n=view.position,
            of=view.of,
            title=clip(view.title, 300),
            state=state[2:].rstrip("?"),
        )
    ]
    if view.change is not None:
        parts.append(markup("{change}.", change=clip(view.change, 300)))
    if view.note is not None:
        parts.append(markup("{note}", note=clip(view.note, 600)))
    if view.error is not None:
        parts.append(markup("{error}", error=clip(view.error, 300)))
    if view.deed is not None:
        parts.append(markup("{deed}.", deed=view.deed.shown()))
    return join(" ", parts)


def _buttons(view: StepView) -> list[Button]:
    value = f"step:{view.number}:v{view.version}"
    skip = Button("Skip", "skip_step", value, spoken=f"Skip step {view.position}, {view.title}")
    match view.state:
        case StepState.OFFERED if view.change is None:
            return [Button("Done", "run_step", value, Style.PRIMARY, spoken=f"Step {view.position} is done"), skip]
        case StepState.OFFERED:
            return [_run(view, value, "Dry run" if view.dry_run else "Run", "run_step"), skip]
        case StepState.FAILED:
            return [_run(view, value, "Retry", "retry_step"), skip]
        case StepState.UNKNOWN:
            return [
                Button("It happened", "step_happened", value),
                Button("It did not happen", "step_did_not_happen", value),
            ]
        case StepState.DONE | StepState.UNDO_FAILED if view.way_back is not None and not view.dry_run:
            return [_undo(view, value)]
        case _:
            return []


def _run(view: StepView, value: str, label: str, action_id: str) -> Button:
    change = view.change or view.title
    if view.dry_run:
        text = f"Shows what would change, and changes nothing: {change}."
    else:
        back = " You can undo it with one click." if view.way_back is not None else ""
        text = f"Changes {clip(change, 200)} for {view.system}, now.{back}"
    spoken = f"{label} step {view.position}, {view.title}"
    confirm = Confirm(f"{label}: {view.title}", text, label)
    return Button(label, action_id, value, Style.PRIMARY, confirm, spoken)


def _undo(view: StepView, value: str) -> Button:
    confirm = Confirm("Undo this change?", f"Changes {clip(view.way_back or '', 220)} for {view.system}, now.", "Undo")
    return Button("Undo", "undo_step", value, Style.DANGER, confirm, f"Undo step {view.position}, {view.title}")
