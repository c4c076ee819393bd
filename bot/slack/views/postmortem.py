"""The files of a postmortem, made when they are sent, and what is said above them."""

from typing import Any

from bot.incidents import postmortem
from bot.incidents.postmortem import Document
from bot.slack.blocks import Mrkdwn
from bot.slack.messages.postmortem import PostmortemView, comment
from bot.slack.views.look import Look
from bot.store.tables import Incident


async def files(look: Look, subject: dict[str, Any]) -> tuple[list[Document], Mrkdwn]:
    incident = await look.session.get_one(Incident, subject["incident"])
    assert incident.id is not None
    facts = await postmortem.collect(look.session, look.catalog, incident.id, now=look.now)
    who = await look.name(str(subject["asked_by"]))
    url = f"{look.public_url}/incidents/{incident.id}/postmortem" if look.public_url else ""
    view = PostmortemView(incident.id, who, incident.resolved_at is not None, url)
    return [postmortem.html(facts), postmortem.markdown(facts)], comment(view)
