"""What somebody asks of the trail, as it is typed: `support-bot slow model=gpt-4.1-mini since=7d "refund window"`."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches
from enum import StrEnum

from bot.trail.identity import PREFIX, read_public_id
from bot.trail.queries.since import SinceError, read_since

SINCE = "24h"
_DOUBLE, _SINGLE = '"“”„‟«»', "'‘’"
"""Quotes that keyboards and chat programs make of plain ones."""
_PIECE = re.compile(
    rf"([A-Za-z_]+=)?(?:[{_DOUBLE}](?P<double>[^{_DOUBLE}]*)[{_DOUBLE}]?|[{_SINGLE}](?P<single>[^{_SINGLE}]*)[{_SINGLE}]?)"
    r"|(?P<bare>\S+)"
)

_UNQUOTED = str.maketrans("", "", _DOUBLE)


class Show(StrEnum):
    """Which calls are listed, and in which order."""

    ERRORS = "errors"
    SLOW = "slow"
    DEAR = "dear"
    NEWEST = "newest"
    FALLBACKS = "fallbacks"
    BY = "by"


BREAKDOWNS = {
    "system": "system",
    "model": "model",
    "provider": "provider",
    "feature": "feature",
    "prompt": "prompt_version",
}
"""What sums can be broken down by, as typed."""
_BY = BREAKDOWNS | {"promptversion": "prompt_version", "version": "prompt_version"}
_SHOWS = {
    **{show.value: show for show in Show if show is not Show.BY},
    "error": Show.ERRORS,
    "failed": Show.ERRORS,
    "slowest": Show.SLOW,
    "dearest": Show.DEAR,
    "expensive": Show.DEAR,
    "last": Show.NEWEST,
    "new": Show.NEWEST,
    "fallback": Show.FALLBACKS,
}
_NAMED = {
    "system": "system",
    "model": "model",
    "feature": "feature",
    "provider": "provider",
    "prompt": "prompt_version",
    "prompt_version": "prompt_version",
    "since": "since",
    "call": "call",
}


class QuestionError(ValueError):
    """What was typed is not understood; the message says what can be typed instead."""


@dataclass(frozen=True, slots=True)
class Question:
    show: Show = Show.ERRORS
    by: str | None = None
    """What the sums are broken down by, one of BREAKDOWNS."""
    system: str | None = None
    model: str | None = None
    feature: str | None = None
    provider: str | None = None
    prompt_version: str | None = None
    since: str = SINCE
    words: str | None = None
    call: str | None = None
    """One call by its id; everything else is of no matter then."""

    def typed(self) -> str:
        """Words that ask the same."""
        if self.call is not None:
            return f"call={_quoted(self.call)}"
        parts = [self.show.value]
        if self.show is Show.BY:
            parts += [word for word, name in BREAKDOWNS.items() if name == self.by]
        for word, name in _NAMED.items():
            value: str | None = getattr(self, name)
            if word != "prompt_version" and value is not None and (name, value) != ("since", SINCE):
                parts.append(f"{word}={_quoted(value)}")
        if self.words is not None:
            parts.append(f'"{self.words}"')
        return " ".join(parts)

    def showing(self, show: Show, by: str | None = None) -> "Question":
        """The same calls in another order."""
        return replace(self, show=show, by=by)


def read_question(words: Sequence[str], *, systems: Collection[str], now: datetime) -> Question:
    """The question that was typed. Raises QuestionError."""
    told: dict[str, str] = {}
    show: Show | None = None
    pieces = _pieces(" ".join(words))
    while pieces:
        named, quoted, bare = pieces.pop(0)
        if named is not None or (bare is not None and "=" in bare):
            name, _, value = (bare or f"{named}{quoted}").partition("=")
            _tell(told, _name(name), value)
        elif quoted is not None:
            _tell(told, "words", quoted)
        elif bare is not None and bare.lower() == "by":
            show = Show.BY
            told["by"] = _by(pieces.pop(0)[2] if pieces else None)
        elif bare is not None and bare.lower() in _SHOWS and bare not in systems:
            show = _SHOWS[bare.lower()]
        elif bare is not None and bare.startswith(PREFIX) and read_public_id(bare) is not None:
            told["call"] = bare
        elif bare is not None:
            _tell(told, "system", _system(bare, systems))
    try:
        read_since(told.get("since", SINCE), now)
    except SinceError as error:
        raise QuestionError(f"since: {error}") from None
    return Question(show or Show.ERRORS, **told)


def _pieces(text: str) -> list[tuple[str | None, str | None, str | None]]:
    """(`name=` before quotes, what stands in quotes, a bare word), one after the other."""
    found = []
    for one in _PIECE.finditer(text):
        quoted = one["double"] if one["double"] is not None else one["single"]
        found.append((one[1], quoted, one["bare"]))
    return found


def _tell(told: dict[str, str], name: str, value: str) -> None:
    value = " ".join(value.translate(_UNQUOTED).split())
    if not value:
        raise QuestionError(f"{name} is empty; leave it out or write what to look for")
    if name in told:
        raise QuestionError(f"{name} is given twice: {told[name]} and {value}")
    told[name] = value


def _name(name: str) -> str:
    if name.lower() in _NAMED:
        return _NAMED[name.lower()]
    near = get_close_matches(name.lower(), _NAMED, n=1)
    meant = f"did you mean {near[0]}=…?" if near else f"there are: {', '.join(f'{one}=…' for one in _NAMED)}"
    raise QuestionError(f"{name}=… is not known; {meant}")


def _by(word: str | None) -> str:
    plain = (word or "").lower().replace("_", "").replace("-", "")
    if plain not in _BY:
        raise QuestionError(f"by what? There are: {', '.join(f'by {one}' for one in BREAKDOWNS)}")
    return _BY[plain]


def _system(word: str, systems: Collection[str]) -> str:
    if word in systems:
        return word
    near = get_close_matches(word, [*systems, *_SHOWS], n=1)
    known = f"there are: {', '.join(sorted(systems))}" if systems else "no system has sent calls yet"
    meant = f"did you mean {near[0]}?" if near else known
    raise QuestionError(f'there is no system {word}; {meant} To look for a word in the answers, quote it: "{word}"')


def _quoted(value: str) -> str:
    return f'"{value}"' if any(one.isspace() or one in _SINGLE for one in value) else value
