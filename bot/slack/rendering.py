"""From a row of the outbox to what Slack shows: each kind has a view that is read now and a message that shows it."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from bot.incidents.postmortem import Document
from bot.slack import commands
from bot.slack.blocks import Home, Message, Mrkdwn, markup
from bot.slack.messages import (
    auditor,
    calls,
    calls_setup,
    changes,
    contact_tests,
    cover,
    effect,
    ephemeral,
    escalation,
    help,  # noqa: A004 - the message's name
    home,
    incident_root,
    note,
    page,
    posted,
    quiet,
    reminder,
    status,
    step,
    summary,
    who,
)
from bot.slack.views import calls as calls_views
from bot.slack.views import changes as changes_views
from bot.slack.views import contact_tests as contact_tests_views
from bot.slack.views import cover as cover_views
from bot.slack.views import effect as effect_views
from bot.slack.views import escalation as escalation_views
from bot.slack.views import home as home_views
from bot.slack.views import incident as incident_views
from bot.slack.views import overview
from bot.slack.views import postmortem as postmortem_views
from bot.slack.views import quiet as quiet_views
from bot.slack.views import reminder as reminder_views
from bot.slack.views import step as step_views
from bot.slack.views.look import Look
from bot.store.tables import OutboxMessage

Subject = dict[str, Any]
Shown = Message | Home


async def _root(look: Look, subject: Subject) -> Shown:
    return incident_root.render(await incident_views.root(look, subject))


async def _page(look: Look, subject: Subject) -> Shown:
    return page.render(await incident_views.page(look, subject))


async def _escalation(look: Look, subject: Subject) -> Shown:
    return escalation.render(await escalation_views.step(look, subject))


async def _channel_page(look: Look, subject: Subject) -> Shown:
    return escalation.render_channel_page(await escalation_views.channel_page(look, subject))


async def _note(look: Look, subject: Subject) -> Shown:
    return note.render(await incident_views.note(look, subject))


async def _step(look: Look, subject: Subject) -> Shown:
    return step.render(await step_views.step(look, subject))


async def _expiry(look: Look, subject: Subject) -> Shown:
    return step.render_expiry(await step_views.expiry(look, subject))


async def _posted(look: Look, subject: Subject) -> Shown:
    return posted.render(posted.PostedView(await look.name(subject["actor"]), subject["text"]))


async def _effect(look: Look, subject: Subject) -> Shown:
    return effect.render(await effect_views.effect(look, subject))


async def _changes(look: Look, subject: Subject) -> Shown:
    return changes.render(await changes_views.listed(look, subject))


async def _ending(look: Look, subject: Subject) -> Shown:
    return changes.render(await changes_views.ending(look, subject))


async def _summary(look: Look, subject: Subject) -> Shown:
    return summary.render(await incident_views.summary(look, subject))


async def _status(look: Look, subject: Subject) -> Shown:
    return status.render(await overview.status(look, subject))


async def _calls(look: Look, subject: Subject) -> Shown:
    seen = await calls_views.listed(look, subject)
    return calls.render(seen) if isinstance(seen, calls.CallsView) else calls_setup.render(seen)


async def _who(look: Look, subject: Subject) -> Shown:
    return who.render(await cover_views.who(look, subject))


async def _overrides(look: Look, subject: Subject) -> Shown:
    return cover.render(await cover_views.all_overrides(look, subject))


async def _silences(look: Look, subject: Subject) -> Shown:
    return quiet.render(await quiet_views.silences(look, subject))


async def _cover_changed(look: Look, subject: Subject) -> Shown:
    return cover.render_changed(await cover_views.changed(look, subject))


async def _reminder(look: Look, subject: Subject) -> Shown:
    return reminder.render(await reminder_views.reminder(look, subject))


async def _auditor(_look: Look, subject: Subject) -> Shown:
    stuck = [(one["text"], datetime.fromisoformat(one["since"])) for one in subject["stuck"]]
    return auditor.render(auditor.AuditorView(stuck))


async def _help(_look: Look, _subject: Subject) -> Shown:
    return help.render(commands.overview())


async def _home(look: Look, subject: Subject) -> Shown:
    return home.render(await home_views.home(look, subject))


async def _contact_test(look: Look, subject: Subject) -> Shown:
    return contact_tests.render_test(await contact_tests_views.in_slack(look, subject))


async def _contact_tests(look: Look, subject: Subject) -> Shown:
    return contact_tests.render_report(await contact_tests_views.report(look, subject))


async def _ephemeral(_look: Look, subject: Subject) -> Shown:
    """`markup` is of our own making and escaped already; `text` is anybody's."""
    text = Mrkdwn(subject["markup"]) if "markup" in subject else markup("{text}", text=subject["text"])
    return ephemeral.render(ephemeral.EphemeralView(text))


KINDS: Mapping[str, Callable[[Look, Subject], Awaitable[Shown]]] = MappingProxyType(
    {
        "incident_root": _root,
        "page": _page,
        "channel_page": _channel_page,
        "escalation": _escalation,
        "paging": _escalation,
        "note": _note,
        "step": _step,
        "expiry": _expiry,
        "changes": _changes,
        "run_end": _ending,
        "posted": _posted,
        "effect": _effect,
        "summary": _summary,
        "status": _status,
        "calls": _calls,
        "who": _who,
        "overrides": _overrides,
        "silences": _silences,
        "cover_changed": _cover_changed,
        "contact_test": _contact_test,
        "contact_tests": _contact_tests,
        "reminder": _reminder,
        "auditor": _auditor,
        "help": _help,
        "home": _home,
        "ephemeral": _ephemeral,
    }
)
FILES: Mapping[str, Callable[[Look, Subject], Awaitable[tuple[list[Document], Mrkdwn]]]] = MappingProxyType(
    {"postmortem": postmortem_views.files}
)
"""Messages that are files with a comment above them; they are never edited."""


def is_broadcast(message: OutboxMessage) -> bool:
    """Whether the channel sees a reply as well: an escalation, and the end of what had escalated."""
    return message.kind == "escalation" or bool(message.subject.get("broadcast"))


async def render(look: Look, message: OutboxMessage) -> Shown:
    """What the message shows now. Raises LookupError for a kind or a subject that does not exist."""
    if message.kind not in KINDS:
        raise LookupError(f"there is no message of kind {message.kind!r}")
    return await KINDS[message.kind](look, message.subject)
