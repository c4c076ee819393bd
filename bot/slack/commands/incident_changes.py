"""What can be changed about an incident by a command: one function a word, each answers whoever typed it."""

import re
from datetime import UTC, datetime

from bot.incidents import changes, follow_ups, incidents, roles
from bot.incidents.follow_ups import FollowUpError
from bot.incidents.races import Outcome
from bot.incidents.severity import Severity
from bot.incidents.status import Status
from bot.slack.asking import Ask
from bot.slack.blocks import Mrkdwn, markup
from bot.slack.buttons.refusal import too_late
from bot.slack.commands import people
from bot.slack.commands.which import number_of
from bot.slack.reading import plain
from bot.store.tables import Incident

Words = tuple[str, ...]
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
NOTHING = Mrkdwn("Nothing was changed.")


async def severity(ask: Ask, incident: Incident, words: Words) -> None:
    wanted = words[0].casefold() if words else ""
    if wanted not in set(Severity):
        text = "How grave is it? `sev1` and `sev2` page, `sev3` only tells the thread. {nothing}"
        await ask.say(markup(text, nothing=NOTHING))
        return
    outcome = await changes.set_severity(
        ask.session, ask.catalog, _number(incident), severity=Severity(wanted), actor=ask.who.actor, now=ask.now
    )
    await _answer(ask, outcome, markup("Incident {n} is {severity} now.", n=_number(incident), severity=wanted))


async def status(ask: Ask, incident: Incident, words: Words) -> None:
    wanted = words[0].casefold() if words else ""
    if wanted not in set(Status):
        known = ", ".join(Status)
        await ask.say(markup("How far are you? One of {known}. {nothing}", known=known, nothing=NOTHING))
        return
    outcome = await changes.set_status(
        ask.session,
        _number(incident),
        status=Status(wanted),
        words=await _typed(ask, words[1:]),
        actor=ask.who.actor,
        now=ask.now,
    )
    await _answer(ask, outcome, markup("Incident {n}: {status}.", n=_number(incident), status=wanted))


async def role(ask: Ask, incident: Incident, words: Words) -> None:
    name = roles.role_of(words[0]) if words else None
    if name is None or len(words) < 2:
        known = ", ".join(roles.KNOWN)
        text = (
            "Which role, and who? `role lead @sam`, `role scribe me`, `role lead nobody`. Roles: {known}, or any word."
        )
        await ask.say(markup(text, known=known))
        return
    number = _number(incident)
    if words[1].casefold() in ("nobody", "none"):
        outcome = await roles.take_away(ask.session, number, role=name, actor=ask.who.actor, now=ask.now)
        await _answer(ask, outcome, markup("Nobody is {role} of incident {n} any more.", role=name, n=number))
        return
    chosen = await _actor(ask, words[1])
    if chosen is None:
        await ask.say(people.nobody(ask, words[1]))
        return
    called = await ask.name(chosen)
    outcome = await roles.give(
        ask.session, number, role=name, person=chosen, called=called, actor=ask.who.actor, now=ask.now
    )
    await _answer(ask, outcome, markup("{name} is {role} of incident {n}.", name=called, role=name, n=number))


async def resolve(ask: Ask, incident: Incident, words: Words) -> None:
    number = _number(incident)
    outcome = await incidents.resolve(
        ask.session,
        number,
        version=None,
        actor=ask.who.actor,
        now=ask.now,
        resolution=await _typed(ask, words),
    )
    hint = (
        Mrkdwn("")
        if words
        else markup(" What was it? `/badday incident {n} follow-up …` keeps what is left.", n=number)
    )
    await _answer(ask, outcome, markup("✔ Incident {n} is resolved.{hint}", n=number, hint=hint))


async def title(ask: Ask, incident: Incident, words: Words) -> None:
    try:
        outcome = await changes.set_title(
            ask.session, _number(incident), title=await _typed(ask, words), actor=ask.who.actor, now=ask.now
        )
    except ValueError as error:
        await ask.say(markup("{nothing} Reason: {why}.", why=str(error), nothing=NOTHING))
        return
    await _answer(ask, outcome, markup("Incident {n} has its new title.", n=_number(incident)))


async def follow_up(ask: Ask, incident: Incident, words: Words) -> None:
    owner, rest = ask.who.actor, words
    if words and words[0].startswith(("@", "<@", "<mailto:")):
        chosen = await _actor(ask, words[0])
        if chosen is None:
            await ask.say(people.nobody(ask, words[0]))
            return
        owner, rest = chosen, words[1:]
    try:
        due, rest = _due(rest, ask.now)
        number = await follow_ups.add(
            ask.session,
            _number(incident),
            text=await _typed(ask, rest),
            owner=owner,
            due=due,
            actor=ask.who.actor,
            now=ask.now,
        )
    except FollowUpError as error:
        text = "{nothing} Reason: {why}. For example: `follow-up @sam raise the limit by 2026-12-01`."
        await ask.say(markup(text, nothing=NOTHING, why=str(error)))
        return
    text = "Follow-up {k} of incident {n} is written down for {who}; `/badday incident {n} done {k}` ticks it off."
    await ask.say(markup(text, k=number, n=_number(incident), who=await ask.name(owner)))


async def done(ask: Ask, incident: Incident, words: Words) -> None:
    wanted = number_of(words[0]) if words else None
    if wanted is None:
        text = "Which follow-up? `/badday incident {n}` shows their numbers: `/badday incident {n} done 1`."
        await ask.say(markup(text, n=_number(incident)))
        return
    try:
        row = await follow_ups.done(ask.session, _number(incident), wanted, actor=ask.who.actor, now=ask.now)
    except FollowUpError as error:
        await ask.say(markup("{nothing} Reason: {why}.", nothing=NOTHING, why=str(error)))
        return
    await ask.say(markup("✔ Done: {text}", text=row.text))


async def _answer(ask: Ask, outcome: Outcome, text: Mrkdwn) -> None:
    if outcome.applied:
        await ask.say(text)
    else:
        await too_late(ask, outcome.refusal, outcome.by, outcome.at)


async def _typed(ask: Ask, words: Words) -> str:
    return (await plain(ask.look, " ".join(words))).strip()


async def _actor(ask: Ask, typed: str) -> str | None:
    """A person of the catalog, `me`, or any Slack user who is mentioned; None where nobody is called so."""
    if typed.casefold() in ("me", "@me"):
        return ask.who.actor
    person = await people.person(ask, typed)
    if person is not None:
        return person.key
    mentioned = re.fullmatch(r"<@(?P<id>[A-Z0-9]+)(\|[^>]*)?>", typed)
    return mentioned["id"] if mentioned is not None else None


def _due(words: Words, now: datetime) -> tuple[datetime | None, Words]:
    """The day at the end (`by 2026-12-01`), and the words before it. Raises FollowUpError."""
    if len(words) < 2 or words[-2].casefold() not in ("by", "until") or not _DAY.fullmatch(words[-1]):
        return None, words
    try:
        due = datetime.fromisoformat(words[-1]).replace(tzinfo=UTC)
    except ValueError:
        raise FollowUpError(f"{words[-1]} is no day of the calendar") from None
    if due.date() < now.astimezone(UTC).date():
        raise FollowUpError(f"{words[-1]} is over already")
    return due, words[:-2]


def _number(incident: Incident) -> int:
    assert incident.id is not None
    return incident.id
