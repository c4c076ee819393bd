"""`/badday silence SYSTEM[/CAUSE] WHEN REASON`: nothing of it pages for a while; `silence list`, `silence cancel N`.

WHEN is a length (`2h`), an end (`until 14:00`) or both ends (`22:00..23:30`). The system may be left out where there is
only one.
"""

from difflib import get_close_matches
from html import unescape

from bot.catalog import Catalog
from bot.incidents import silencing
from bot.incidents.silencing import SilenceError
from bot.paging import periods
from bot.slack.asking import Ask
from bot.slack.blocks import Mrkdwn, date, join, markup
from bot.slack.commands import people
from bot.slack.commands.command import Command
from bot.slack.commands.which import number_of
from bot.store.tables import Silence

USAGE = "silence SYSTEM[/CAUSE] 2h|until 14:00 REASON"
_EXAMPLE = Mrkdwn(
    "For example: `/badday silence support-bot 2h we move the index`, "
    "`/badday silence support-bot/QueueFull until 14:00 known, see the ticket`. "
    "`/badday silence list` shows what is silenced, `/badday silence cancel N` ends it."
)


async def run(ask: Ask) -> None:
    words = [unescape(word) for word in ask.words]
    if not words:
        await ask.say(markup("What is to be silent, until when, and why? {example}", example=_EXAMPLE))
        return
    if words[0].casefold() == "list":
        await ask.show("silences")
        return
    if ask.who.person is None:
        text = "Only people of badday.yaml may silence a system, and it does not know you. Nothing was silenced."
        await ask.say(Mrkdwn(text))
        return
    if words[0].casefold() == "cancel":
        await _cancel(ask, words[1:])
        return
    await _start(ask, words)


async def _start(ask: Ask, words: list[str]) -> None:
    system, cause, rest = _target(ask.catalog, words)
    if system is None:
        await ask.say(_no_system(ask.catalog, words[0]))
        return
    try:
        period = periods.read(_with_for(rest), now=ask.now, zone=await people.zone(ask))
        silence = await silencing.start(
            ask.session,
            ask.catalog,
            system=system,
            cause=cause,
            starts=period.starts,
            ends=period.ends,
            reason=period.rest,
            actor=ask.who.actor,
            now=ask.now,
        )
    except (periods.PeriodError, SilenceError) as error:
        await ask.say(markup("Nothing was silenced: {why}.", why=str(error)))
        return
    text = (
        "*{what}* pages nobody from {starts} to {ends}. What is still true then comes then. "
        "`/badday silence cancel {number}` ends it before."
    )
    await ask.say(
        markup(
            text,
            what=_what(silence),
            starts=date(silence.starts_at),
            ends=date(silence.ends_at),
            number=silence.id or 0,
        )
    )


async def _cancel(ask: Ask, words: list[str]) -> None:
    number = number_of(words[0]) if words else None
    if number is None:
        await ask.say(Mrkdwn("Which one? `/badday silence list` shows their numbers: `/badday silence cancel 7`."))
        return
    try:
        silence = await silencing.cancel(ask.session, ask.catalog, number, actor=ask.who.actor, now=ask.now)
    except SilenceError as error:
        await ask.say(markup("Nothing was changed: {why}.", why=str(error)))
        return
    text = "{what} is not silent any more (silence {number}): what was held back and is still true comes now."
    await ask.say(markup(text, what=_what(silence), number=number))


def _target(catalog: Catalog, words: list[str]) -> tuple[str | None, str | None, list[str]]:
    """The system, its cause, and the words behind them."""
    name, _, cause = words[0].partition("/")
    if name in catalog.systems:
        return name, cause or None, words[1:]
    if len(catalog.systems) == 1 and _is_time(words[0]):
        return next(iter(catalog.systems)), None, words
    return None, None, words


def _is_time(word: str) -> bool:
    return word[:1].isdecimal() or word.casefold() in ("for", "until", "from", "now")


def _with_for(words: list[str]) -> str:
    """`2h` means `for 2h`."""
    if not words:
        return ""
    try:
        periods.length(words[0])
    except periods.PeriodError:
        return " ".join(words)
    return f"for {' '.join(words)}"


def _what(silence: Silence) -> str:
    return silence.system if silence.cause is None else f"{silence.system}/{silence.cause}"


def _no_system(catalog: Catalog, typed: str) -> Mrkdwn:
    name, _, cause = typed.partition("/")
    near = get_close_matches(name, catalog.systems, n=1)
    if near:
        meant = f"{near[0]}/{cause}" if cause else near[0]
        text = "Nothing was silenced: there is no system “{typed}”; did you mean `/badday silence {meant} …`?"
        return markup(text, typed=name, meant=meant)
    names = join(", ", [markup("`{name}`", name=one) for one in catalog.systems])
    return markup("Nothing was silenced: there is no system “{typed}”; there are: {names}.", typed=name, names=names)


COMMAND = Command("silence", USAGE, "Nothing of it pages for a while; `list`, `cancel N`", run)
