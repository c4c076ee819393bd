"""`/badday override WHAT WHO WHEN [reason]`: somebody stands in; `override list` and `override cancel N`.

WHAT is a rotation, one of its layers (`support/primary`), or a system: then it is the system's rotation, and its owner
where it has none or where `support-bot/owner` is typed. It may be left out where there is only one.
"""

from difflib import get_close_matches
from html import unescape

from bot.catalog import Catalog
from bot.catalog.models import Person
from bot.paging import overrides, periods
from bot.paging.overrides import CoverError
from bot.slack.asking import Ask
from bot.slack.blocks import Mrkdwn, date, join, markup
from bot.slack.commands import people
from bot.slack.commands.command import Command
from bot.slack.messages.words import target_words
from bot.store import outbox
from bot.store.tables import CoverOverride

USAGE = "override [ROTATION|SYSTEM] PERSON|me FROM..TO|for 4h [REASON]"
_EXAMPLE = Mrkdwn(
    "For example: `/badday override support me for 4h`, "
    "`/badday override support-bot sam fri 18:00..mon 09:00 wedding`. "
    "`/badday override list` shows who stands in, `/badday override cancel N` ends it."
)


async def run(ask: Ask) -> None:
    words = [unescape(word) if not word.startswith("<") else word for word in ask.words]
    if not words or words[0].casefold() == "list":
        await (ask.show("overrides") if words else ask.say(markup("Who stands in? {example}", example=_EXAMPLE)))
        return
    if ask.who.person is None:
        text = "Only people of badday.yaml may change who is on call, and it does not know you. Nothing was changed."
        await ask.say(Mrkdwn(text))
        return
    if words[0].casefold() == "cancel":
        await _cancel(ask, words[1:])
        return
    await _put_in(ask, words)


async def _put_in(ask: Ask, words: list[str]) -> None:
    target, rest = _target(ask.catalog, words)
    if target is None:
        person = await people.person(ask, words[0])
        # `override sam support for 4h` means the same.
        target, rest = _target(ask.catalog, words[1:])
        rest = [words[0], *(rest if target is not None else words[1:])]
        target = target or (_only(ask.catalog) if person is not None else None)
        if target is None:
            await ask.say(_no_target(ask.catalog, words[0], person))
            return
    if not rest:
        await ask.say(markup("Who stands in? {example}", example=_EXAMPLE))
        return
    person = await people.person(ask, rest[0])
    if person is None:
        await ask.say(people.nobody(ask, rest[0]))
        return
    try:
        period = periods.read(" ".join(rest[1:]), now=ask.now, zone=await people.zone(ask))
        row = await overrides.put_in(
            ask.session,
            ask.catalog,
            target=target,
            person=person.key,
            starts=period.starts,
            ends=period.ends,
            reason=period.rest,
            actor=ask.who.actor,
            now=ask.now,
        )
    except (periods.PeriodError, CoverError) as error:
        await ask.say(markup("Nothing was changed: {why}.", why=str(error)))
        return
    await _tell_them(ask, row)
    await ask.say(
        markup(
            "*{name}* is on call for {what} from {starts} to {ends}. `/badday override cancel {number}` takes it back.",
            name=person.name,
            what=target_words(target),
            starts=date(row.starts_at),
            ends=date(row.ends_at),
            number=row.id or 0,
        )
    )


async def _cancel(ask: Ask, words: list[str]) -> None:
    number = words[0].lstrip("#") if words else ""
    if not number.isdecimal() or len(number) > 9:
        await ask.say(Mrkdwn("Which one? `/badday override list` shows their numbers: `/badday override cancel 7`."))
        return
    try:
        row = await overrides.cancel(ask.session, ask.catalog, int(number), actor=ask.who.actor, now=ask.now)
    except CoverError as error:
        await ask.say(markup("Nothing was changed: {why}.", why=str(error)))
        return
    await _tell_them(ask, row)
    text = "{name} does not stand in for {what} any more (override {number})."
    name = await ask.name(row.person)
    await ask.say(markup(text, name=name, what=target_words(row.target), number=row.id or 0))


async def _tell_them(ask: Ask, row: CoverOverride) -> None:
    """Whoever is put in by somebody else is told: nobody should be on call without knowing it."""
    if row.person == ask.who.person:
        return
    over = "over" if row.cancelled_at is not None else "in"
    await outbox.post(
        ask.session,
        key=f"cover:{row.id}:{over}",
        kind="cover_changed",
        subject={"override": row.id},
        channel=f"person:{row.person}",
        priority=outbox.Priority.REPLY,
        now=ask.now,
    )


def _target(catalog: Catalog, words: list[str]) -> tuple[str | None, list[str]]:
    """What the first word means as a target, and the words behind it."""
    if not words:
        return None, []
    name, _, part = words[0].partition("/")
    if name in catalog.rotations and part != "owner":
        return f"rotation/{words[0]}", words[1:]
    system = catalog.systems.get(name)
    if system is None or part not in ("", "owner"):
        return None, words
    if part == "owner" or system.rotation is None:
        return f"system/{name}", words[1:]
    return f"rotation/{system.rotation}", words[1:]


def _only(catalog: Catalog) -> str | None:
    """What can be meant where nothing is named."""
    if len(catalog.rotations) == 1:
        return f"rotation/{next(iter(catalog.rotations))}"
    if not catalog.rotations and len(catalog.systems) == 1:
        return f"system/{next(iter(catalog.systems))}"
    return None


def _no_target(catalog: Catalog, typed: str, person: Person | None) -> Mrkdwn:
    known = [*catalog.rotations, *catalog.systems]
    names = join(", ", [markup("`{name}`", name=name) for name in dict.fromkeys(known)])
    if person is not None:
        text = "For what does {name} stand in? Name one of {names} first."
        return markup(text, name=person.name, names=names)
    near = get_close_matches(typed, known, n=1)
    if near:
        return markup("There is no rotation or system “{typed}”; did you mean `{near}`?", typed=typed, near=near[0])
    return markup("There is no rotation or system “{typed}”; there are: {names}.", typed=typed, names=names)


COMMAND = Command("override", USAGE, "Put somebody in who stands in; `list`, `cancel N`", run)
