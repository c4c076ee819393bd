"""One step of a runbook, in the incident's thread: what it would change, one click, what came of it, and the way back.

Which buttons it has is decided by the runbook's own life cycle (`verbs`); here they only get their words.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from bot.runbooks.clicks import Verb
from bot.runbooks.life import State
from bot.slack.blocks import (
    Actions,
    Block,
    Button,
    Confirm,
    Context,
    LinkButton,
    Literal,
    Message,
    Mrkdwn,
    Plain,
    Preformatted,
    RichText,
    Section,
    Style,
    clip,
    clock_time,
    date,
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
    approval: "Approval | None" = None
    takes_effect: str | None = None
    consent_url: str | None = None
    expects: str | None = None
    until: datetime | None = None
    """Until when it waits, is checked, or (a change) lasts."""
    expiring: bool = False
    frozen: bool = False


@dataclass(frozen=True, slots=True)
class Approval:
    """Who may say yes, how many are needed, and who did."""

    people: Sequence[str]
    count: int
    yes: Sequence[str]
    not_opener: bool
    until: datetime | None


@dataclass(frozen=True, slots=True)
class ExpiryView:
    """Whom it is asked whether a change may last longer, and until when."""

    step: StepView
    who: str
    user: str | None
    until: datetime


SIGN: Mapping[State, str] = MappingProxyType(
    {
        State.PENDING: "… Waits for an earlier step",
        State.OFFERED: "○ Not run yet",
        State.AWAITING_APPROVAL: "◔ Waits for approval",
        State.READY: "◐ About to run",
        State.RUNNING: "◐ Running",
        State.WAITING: "◐ Begun, and waits",
        State.CHECKING: "◐ Done, being checked",
        State.CONSENT: "◔ Waits for consent in the other system",
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
        State.WAITING: "Begun",
        State.CHECKING: "Done",
        State.CONSENT: "Asked for",
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
    if view.error is not None and (view.state in _FAILED or view.state in _ASKED or view.state is State.CONSENT):
        blocks.append(Preformatted(view.error))
    if view.state is State.SKIPPED and view.error is not None:
        blocks.append(Section(Plain(clip(view.error, 600))))
    more = _more(view)
    if more:
        blocks.append(Section(join("\n", more)))
    lines = [view.deed.shown()] if view.deed is not None and view.state is not State.OFFERED else []
    if view.dry_run and view.is_action and Verb.RUN in view.verbs:
        lines.append(markup("To let steps change things, its owner types `/badday arm {system}`", system=view.system))
    if lines:
        blocks.append(Context((join(" · ", lines),)))
    return blocks


def _more(view: StepView) -> list[Mrkdwn]:
    """What else has to be known: who is asked, what is expected, when it is felt, how long it lasts."""
    lines = []
    if view.approval is not None:
        lines.append(_asked(view.approval))
    if view.expects is not None and view.until is not None:
        lines.append(markup("Expected: {what}, until {at}", what=view.expects, at=clock_time(view.until)))
    if view.state is State.WAITING and view.until is not None:
        lines.append(markup("Until {at}", at=clock_time(view.until)))
    if view.takes_effect is not None and view.state in (State.DONE, State.CHECKING):
        lines.append(markup("Takes effect in {time}", time=view.takes_effect))
    if view.state is State.DONE and view.until is not None:
        text = "*Ends {at}, unless somebody keeps it*" if view.expiring else "Ends {at}"
        lines.append(markup(text, at=date(view.until)))
    if view.frozen and view.is_action:
        lines.append(Mrkdwn("*All changes are frozen.* See `/badday freeze`"))
    return lines


def _asked(asked: Approval) -> Mrkdwn:
    people = ", ".join(asked.people) or "nobody, as nobody has the role now"
    needed = "one of them" if asked.count == 1 else f"{asked.count} of them"
    who = markup("To be approved by {needed}: {people}", needed=needed, people=people)
    if asked.not_opener:
        who = markup("{who}, not by whoever asked", who=who)
    if asked.yes:
        who = markup("{who}. Said yes: {yes}", who=who, yes=", ".join(asked.yes))
    return markup("{who}. Until {at}", who=who, at=clock_time(asked.until)) if asked.until is not None else who


def render_expiry(view: ExpiryView) -> Message:
    """Its own message, since an edited one tells nobody."""
    who = Mrkdwn(f"<@{view.user}>") if view.user else markup("{who}", who=view.who)
    text = markup(
        "{who}, this has lasted as long as the runbook allows: {change}. Without an answer it is undone at {at}.",
        who=who,
        change=clip(view.step.change or view.step.title, 300),
        at=clock_time(view.until),
    )
    blocks: list[Block] = [Section(text)]
    value = f"step:{view.step.number}:v{view.step.version}"
    if Verb.KEEP in view.step.verbs:
        blocks.append(Actions([_keep(view.step, value), _undo(view.step, value, "Undo now", "undo_step")]))
    elif view.step.state is not State.DONE:
        blocks.append(Context((markup("{state}", state=SIGN[view.step.state]),)))
    return Message(text, blocks)


def _keep(view: StepView, value: str) -> Button:
    return Button("Keep it", "keep_step", value, Style.PRIMARY, spoken=f"Keep what step {view.position} changed")


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


def _buttons(view: StepView) -> list[Button | LinkButton]:
    value = f"step:{view.number}:v{view.version}"
    buttons: list[Button | LinkButton] = []
    if Verb.RUN in view.verbs:
        buttons.append(_run(view, value) if view.is_action else _told(view, value))
    if Verb.RETRY in view.verbs:
        buttons.append(_retry(view, value))
    if Verb.HAPPENED in view.verbs:
        buttons.append(Button("It happened", "step_happened", value, spoken=f"Step {view.position} happened"))
    if Verb.NOT_HAPPENED in view.verbs:
        spoken = f"Step {view.position} did not happen"
        buttons.append(Button("It did not happen", "step_did_not_happen", value, spoken=spoken))
    if view.approval is not None:
        buttons += _answers(view, value)
    if view.consent_url is not None and view.state is State.CONSENT:
        buttons.append(LinkButton("Open it there", "open_link", view.consent_url))
    if Verb.CANCEL in view.verbs:
        buttons.append(_cancel(view, value))
    if Verb.KEEP in view.verbs:
        buttons.append(_keep(view, value))
    if Verb.SKIP in view.verbs:
        buttons.append(Button("Skip", "skip_step", value, spoken=f"Skip step {view.position}, {view.title}"))
    if Verb.UNDO in view.verbs:
        buttons.append(_undo(view, value, "Undo", "undo_step"))
    return buttons


def _answers(view: StepView, value: str) -> list[Button]:
    change = clip(view.change or view.title, 180)
    confirm = Confirm("Approve this step?", f"{change} ({view.system}), as soon as enough people said yes.", "Approve")
    of = f"step {view.position}, {view.title}"
    return [
        Button("Approve", "approve_step", value, Style.PRIMARY, confirm, f"Approve {of}"),
        Button("Refuse", "refuse_step", value, spoken=f"Refuse {of}"),
    ]


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


def _cancel(view: StepView, value: str) -> Button:
    confirm = Confirm("Cancel this step?", "It is not gone on with; what it has done by now stays.", "Cancel the step")
    spoken = f"Cancel step {view.position}, {view.title}"
    return Button("Cancel", "cancel_step", value, Style.DANGER, confirm, spoken)


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
