"""Incidents as a command shows them: the open ones in a line each, or one with what people need to go on."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlmodel import col

from bot.incidents import follow_ups, incidents, roles, timeline
from bot.slack.asking import Ask
from bot.slack.blocks import Mrkdwn, clip, date, join, markup
from bot.slack.messages.words import SEVERITY, STATE
from bot.store.tables import FollowUp, Incident

NEWEST = 5
"""So many entries of the timeline are shown, and so many ended incidents in the list."""


async def listed(ask: Ask) -> None:
    """Open incidents, then the last that ended."""
    open_now = await incidents.open_incidents(ask.session)
    statement = (
        select(Incident)
        .where(col(Incident.resolved_at).is_not(None))
        .order_by(col(Incident.resolved_at).desc())
        .limit(NEWEST)
    )
    ended = (await ask.session.execute(statement)).scalars().all()
    lines = [Mrkdwn("*Open incidents*") if open_now else Mrkdwn("No incident is open.")]
    lines += [await _line(ask, one) for one in open_now[:20]]
    if ended:
        lines += [Mrkdwn("*Ended last*"), *[await _line(ask, one) for one in ended]]
    await ask.say(join("\n", lines))


async def whole(ask: Ask, incident: Incident) -> None:
    """One incident with its status, roles, follow-ups and the end of its timeline."""
    assert incident.id is not None
    lines = [
        await _line(ask, incident),
        markup("Status {status} · owner {owner}", status=incident.status, owner=await ask.name(incident.owner)),
    ]
    if incident.known:
        lines.append(markup("{known}", known=clip(incident.known, 600)))
    if incident.resolution:
        lines.append(markup("*What it was:* {what}", what=clip(incident.resolution, 600)))
    held = await roles.of_incident(ask.session, incident.id)
    if held:
        shown = [markup("{role} {who}", role=one.role, who=await ask.name(one.person)) for one in held]
        lines.append(markup("*Roles:* {roles}", roles=join(", ", shown)))
    todo = await follow_ups.of_incident(ask.session, incident.id)
    if todo:
        lines += [Mrkdwn("*Follow-ups*"), *await _follow_ups(ask, todo)]
    newest = (await timeline.entries(ask.session, incident.id))[-NEWEST:]
    lines.append(Mrkdwn("*Last in the timeline*"))
    lines += [
        markup("{at} {who}: {text}", at=date(one.at), who=await ask.name(one.actor), text=clip(one.text, 200))
        for one in newest
    ]
    await ask.say(join("\n", lines))


async def _line(ask: Ask, incident: Incident) -> Mrkdwn:
    thread = await ask.look.thread(incident.id or 0)
    title = markup(
        "*{n}* {severity} · {system}: {title}, {state} since {since}",
        n=incident.id or 0,
        severity=SEVERITY[incident.severity],
        system=incident.system,
        title=clip(incident.title, 120),
        state=STATE[incident.state],
        since=date(incident.resolved_at or incident.acknowledged_at or incident.opened_at),
    )
    return markup("{title} <{url}|thread>", title=title, url=Mrkdwn(thread)) if thread else title


async def _follow_ups(ask: Ask, rows: Sequence[FollowUp]) -> list[Mrkdwn]:
    shown = []
    for number, row in enumerate(rows, start=1):
        mark = "✔" if row.done_at is not None else "○"
        due = f", due {row.due_at:%Y-%m-%d}" if row.due_at is not None and row.done_at is None else ""
        text = "{mark} {n}. {text} ({who}{due})"
        who = await ask.name(row.owner)
        shown.append(markup(text, mark=mark, n=number, text=clip(row.text, 200), who=who, due=due))
    return shown
