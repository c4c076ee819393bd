"""What a change did, in the incident's thread: before → since, by the trail."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.effects.figures import Figures
from bot.slack.blocks import (
    Actions,
    Block,
    Button,
    Confirm,
    Context,
    Message,
    Mrkdwn,
    Section,
    Style,
    clip,
    clock_time,
    join,
    markup,
)
from bot.slack.charts import Chart, sparkline
from bot.slack.messages.words import count

PROVIDERS = 4


@dataclass(frozen=True, slots=True)
class Minute:
    """The calls of one minute."""

    at: datetime
    calls: int
    failed: int

    @property
    def percent(self) -> float:
        return round(100 * self.failed / self.calls, 1) if self.calls else 0.0


@dataclass(frozen=True, slots=True)
class EffectView:
    step: int
    version: int
    system: str
    change: str
    changed_at: datetime
    before: Figures
    after: Figures
    length: timedelta
    """How long since the change is looked at."""
    minutes: Sequence[Minute] = ()
    undone: bool = False
    no_effect: bool = False
    can_undo: bool = False


def render(view: EffectView) -> Message:
    head = markup("*Effect of:* {change}, {at}", change=clip(view.change, 300), at=clock_time(view.changed_at))
    lines = _lines(view)
    blocks: list[Block] = [Section(join("\n", [head, *lines]))]
    if len(view.minutes) > 1:
        labels = [f"{minute.at:%H:%M}" for minute in view.minutes]
        errors = {"errors %": [minute.percent for minute in view.minutes]}
        blocks.append(Chart("Calls that failed, by minute (UTC)", labels, errors, "%"))
    if view.undone:
        blocks.append(Context((Mrkdwn("The change was undone since."),)))
    elif view.no_effect:
        blocks.insert(0, Section(Mrkdwn("✖ *No effect: calls go on as before.*")))
        if view.can_undo:
            blocks.append(Actions((_undo(view),)))
    text = join(" ", [markup("Effect of {change}:", change=clip(view.change, 300)), join("; ", lines)])
    return Message(text, blocks)


def _lines(view: EffectView) -> list[Mrkdwn]:
    before, after = view.before, view.after
    if not after.calls:
        calls = count(before.calls, "call")
        return [markup("No calls of {system} seen since; {calls} before", system=view.system, calls=calls)]
    lines = [
        markup("Errors: {before} → *{after}*", before=_percent(before), after=_percent(after)),
        markup("Spend: {before} → *{after}*", before=_hourly(before), after=_hourly(after)),
        markup("Calls by provider: {before} → *{after}*", before=_providers(before), after=_providers(after)),
    ]
    if len(view.minutes) > 1:
        line = sparkline([minute.percent for minute in view.minutes])
        lines.append(markup("Errors by minute: {line}", line=line))
    return lines


def _percent(figures: Figures) -> str:
    return "no calls" if figures.error_share is None else f"{round(100 * figures.error_share)} %"


def _hourly(figures: Figures) -> str:
    return "nothing" if figures.cost_an_hour is None else f"${figures.cost_an_hour} an hour"


def _providers(figures: Figures) -> str:
    named = [f"{name} {calls:,}" for name, calls in list(figures.providers.items())[:PROVIDERS]]
    return ", ".join(named) or "none"


def _undo(view: EffectView) -> Button:
    confirm = Confirm(
        "Undo this change?",
        f"{clip(view.change, 180)} ({view.system}): what was there before is set again, now.",
        "Undo",
    )
    return Button("Undo", "undo_step", f"step:{view.step}:v{view.version}", Style.DANGER, confirm, "Undo this change")
