"""Somebody whom a command names: by key, e-mail, mention, or as `me`; and the time zone of whoever types it."""

import re
from html import unescape
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.catalog.models import Person
from bot.slack.asking import Ask
from bot.slack.blocks import Mrkdwn, markup
from bot.store.tables import SlackIdentity

_USER = re.compile(r"<@(?P<id>[A-Z0-9]+)(\|[^>]*)?>")
_MAIL = re.compile(r"<mailto:(?P<address>[^|>]+)(\|[^>]*)?>")


async def person(ask: Ask, typed: str) -> Person | None:
    """The person of the catalog; None where nobody is called so."""
    mentioned = _USER.fullmatch(typed)
    if mentioned is not None:
        return await _mentioned(ask, mentioned["id"])
    if typed.casefold() == "me":
        return ask.catalog.people.get(ask.who.person or "")
    mail = _MAIL.fullmatch(typed)
    key = unescape(mail["address"] if mail is not None else typed).removeprefix("@")
    return ask.catalog.people.get(key) or ask.catalog.people.get(key.casefold()) or ask.catalog.person_by_email(key)


async def _mentioned(ask: Ask, user: str) -> Person | None:
    found = ask.catalog.person_by_slack(user)
    known = await ask.session.get(SlackIdentity, user) if found is None else None
    return ask.catalog.person_by_email(known.email) if known is not None and known.email else found


def nobody(ask: Ask, typed: str) -> Mrkdwn:
    """Why nobody was found, and who could be named."""
    people = ", ".join(sorted(ask.catalog.people))
    if typed.casefold() == "me":
        return markup("badday.yaml does not know you, so you cannot be named. It knows: {people}.", people=people)
    if _USER.fullmatch(typed):
        text = "I do not know <@{user}> as a person of badday.yaml; name them by key or e-mail. It knows: {people}."
        return markup(text, user=typed.strip("<@>").partition("|")[0], people=people)
    return markup("There is no person “{typed}”. People: {people}.", typed=unescape(typed), people=people)


async def zone(ask: Ask) -> ZoneInfo:
    """Times are typed in the zone in which Slack shows them to the same person."""
    known = await ask.session.get(SlackIdentity, ask.who.user)
    person = ask.catalog.people.get(ask.who.person or "")
    for name in (known.timezone if known is not None else None, person.timezone if person is not None else None):
        try:
            return ZoneInfo(name or "")
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
    return ZoneInfo("UTC")
