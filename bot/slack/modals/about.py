"""What forms about one incident begin with: which one it is and how it stands, or why there is nothing to fill in."""

from bot.incidents import incidents
from bot.slack.asking import target
from bot.slack.blocks import Mrkdwn, Section, clip, clock_time, markup
from bot.slack.messages.words import SEVERITY, STATE
from bot.slack.views.look import Look
from bot.store.tables import Incident

_GONE = Mrkdwn("This belongs to something that does not exist any more. Nothing was changed.")


async def about(look: Look, value: str) -> tuple[Incident | None, Section]:
    """The open incident that a button or menu is about, as it is now; None where there is nothing to change."""
    aim = target(value)
    incident = await incidents.get(look.session, aim.id) if aim is not None and aim.what == "inc" else None
    if incident is None:
        return None, Section(_GONE)
    number = incident.id or 0
    if incident.resolved_at is not None:
        by = await look.name(incident.resolved_by or "badday")
        text = "Incident {n} was already resolved by {by} at {at}. Nothing was changed."
        return None, Section(markup(text, n=number, by=by, at=clock_time(incident.resolved_at)))
    return incident, Section(
        markup(
            "{severity} · {system}: *{title}*, {state}. Incident {n}.",
            severity=SEVERITY[incident.severity],
            system=incident.system,
            title=clip(incident.title, 300),
            state=STATE[incident.state],
            n=number,
        )
    )
