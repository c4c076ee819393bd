"""Takes secrets and people's data out of texts before anything is written: marks such as `[secret]` stay instead.

One scan finds out which rules match at all; a text in which none does costs that scan. RE2 reads each text in linear
time, whatever is in it.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

import orjson
import re2

from bot.catalog.models import RedactPattern
from bot.catalog.patterns import checked
from bot.trail.redaction.sensitive import (
    AFTER_DIGITS,
    BEFORE_DIGITS,
    DIGITS,
    FEWEST_DIGITS,
    PEOPLE,
    SECRETS,
    Rule,
    is_date,
    number_in,
)

_RULES = (*SECRETS, *PEOPLE)
_MOST_ROUNDS = 4
"""A mark can uncover what stood hidden beside it; more than two rounds are seldom needed."""
_BACKSLASH = 0x5C
_UNICODE_ESCAPE = re.compile(rb"u[0-9a-fA-F]{4}")

_UNANCHORED = re2._Anchor.UNANCHORED
_Matcher = Callable[[Any, bytes, int, int], list[tuple[int, int]]]

Span = tuple[int, int, int]
"""Start, end and rule of a find."""


class Redactor:
    """Redacts by our own rules and by a system's patterns. Raises PatternError for a pattern that cannot be used."""

    def __init__(self, extra: Sequence[RedactPattern] = ()) -> None:
        own = [Rule(each.name, checked(each.pattern)) for each in extra]
        self._rules = (*_RULES, *own)
        self._matchers = [*_shared()[0], *(_matcher(rule.pattern, whole=True) for rule in own)]
        self._digits, self._among_ours = _shared()[1:]
        self._among_own = _matching(rule.pattern for rule in own) if own else None
        self._ranks = [*range(len(SECRETS)), *(len(self._rules) + place for place in range(len(PEOPLE)))]
        self._ranks += [len(SECRETS) + place for place in range(len(own))]
        self._marks = [f"[{rule.mark}]".encode() for rule in self._rules]
        self._any_mark = re.compile(b"|".join(sorted(map(re.escape, set(self._marks)), reverse=True)))

    def redact(self, text: str) -> tuple[str, int]:
        """The text with marks in place of what must not be stored, and how many. A text that is JSON stays JSON."""
        try:
            data = text.encode()
        except UnicodeEncodeError:  # half of a surrogate pair: no database takes it
            data = text.encode(errors="replace")
            text = data.decode()
        rules = self._matching(data)
        if not rules:
            return text, 0
        redacted, count = self._redacted(data, rules)
        if not count:
            return text, 0
        if data.lstrip()[:1] in (b"{", b"[") and not _is_json(redacted) and _is_json(data):
            return self._json_redacted(orjson.loads(data))
        return redacted.decode(errors="replace"), count

    def redact_json(self, value: Any) -> tuple[Any, int]:
        """The same for parsed JSON: texts in it, and numbers that are a card or a telephone number."""
        try:
            data = orjson.dumps(value)
        except (TypeError, ValueError, RecursionError):  # bytes, or numbers beyond 64 bits
            return self._leaves(value)
        rules = self._matching(data)
        if not rules:
            return value, 0
        redacted, count = self._redacted(data, rules)
        if not count:
            return value, 0
        try:
            return orjson.loads(redacted), count
        except ValueError:
            return self._leaves(value)

    def _matching(self, data: bytes) -> Sequence[int]:
        """The rules that find something: one scan for all of ours, one more for a system's own."""
        ours: Sequence[int] = self._among_ours(data) or ()
        if self._among_own is None:
            return ours
        own = self._among_own(data) or ()
        return [*ours, *(len(_RULES) + number for number in own)] if own else ours

    def _redacted(self, data: bytes, rules: Sequence[int]) -> tuple[bytes, int]:
        total = 0
        for _ in range(_MOST_ROUNDS):
            spans = self._found(data, rules)
            if not spans:
                break
            data = self._replaced(data, spans)
            total += len(spans)
            rules = self._matching(data)
            if not rules:
                break
        return data, total

    def _found(self, data: bytes, rules: Sequence[int]) -> list[Span]:
        spans: list[Span] = []
        numbers = []
        for rule in sorted(rules):
            if self._rules[rule].number is None:
                self._find(spans, data, rule, 0, len(data))
            else:
                numbers.append(rule)
        if numbers:
            self._find_numbers(spans, data, numbers)
        if not spans:
            return spans
        spans.sort()
        marks = [found.span() for found in self._any_mark.finditer(data)]
        return self._apart(_without(spans, marks) if marks else spans)

    def _find_numbers(self, spans: list[Span], data: bytes, rules: Sequence[int]) -> None:
        end = 0
        while (run := self._digits(_UNANCHORED, data, end, len(data))[0])[0] >= 0:
            start, end = run
            if is_date(data, start, end):
                continue
            for rule in rules:
                self._find(spans, data, rule, max(0, start - BEFORE_DIGITS), min(len(data), end + AFTER_DIGITS))
                if spans and spans[-1][0] <= start and spans[-1][1] >= end:
                    break

    def _find(self, spans: list[Span], data: bytes, number: int, at: int, until: int) -> None:
        match, rule = self._matchers[number], self._rules[number]
        check, is_number = rule.check, rule.number is not None
        while (groups := match(_UNANCHORED, data, at, until))[0][0] >= 0:
            if is_number:
                start, end = number_in(data, *groups[0])
            else:
                start, end = groups[-1] if groups[-1][0] >= 0 else _first(groups)
            kept: tuple[int, int] | None = (start, end)
            resume = end
            if check is not None:
                kept, resume = check(data, start, end)
            if kept is not None:
                start, end = _outside_escapes(data, *kept)
                if start < end:
                    spans.append((start, end, number))
            at = max(resume, at + 1)
            if is_number and until - at <= FEWEST_DIGITS:
                return

    def _apart(self, spans: list[Span]) -> list[Span]:
        """Overlapping finds become one, named by the gravest: secrets, a system's own, people's data."""
        apart: list[Span] = []
        for start, end, rule in spans:
            if not apart or start >= apart[-1][1]:
                apart.append((start, end, rule))
                continue
            first_start, first_end, first_rule = apart[-1]
            graver = self._ranks[rule] < self._ranks[first_rule]
            if not graver and rule != first_rule and self._rules[rule].yields:
                continue
            apart[-1] = (first_start, max(first_end, end), rule if graver else first_rule)
        return apart

    def _replaced(self, data: bytes, spans: list[Span]) -> bytes:
        parts: list[bytes] = []
        at = 0
        for start, end, rule in spans:
            parts += (data[at:start], self._marks[rule])
            at = end
        parts.append(data[at:])
        return b"".join(parts)

    def _json_redacted(self, value: Any) -> tuple[str, int]:
        redacted, count = self._leaves(value)
        return orjson.dumps(redacted).decode(), count

    def _leaves(self, value: Any, key: str = "") -> tuple[Any, int]:
        """Redacts each text by itself, together with its key, for the key tells what it is."""
        if isinstance(value, dict):
            pairs = {self.redact(str(name))[0]: self._leaves(each, str(name)) for name, each in value.items()}
            return {name: each for name, (each, _) in pairs.items()}, sum(count for _, count in pairs.values())
        if isinstance(value, (list, tuple)):
            items = [self._leaves(each, key) for each in value]
            return [each for each, _ in items], sum(count for _, count in items)
        if isinstance(value, bytes):
            value = value.decode(errors="replace")
        if isinstance(value, str):
            return self._leaf(value, key)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            redacted, count = self._leaf(str(value), key)
            return (redacted, count) if count else (value, 0)
        return value, 0

    def _leaf(self, text: str, key: str) -> tuple[str, int]:
        pair = orjson.dumps({key: text.encode(errors="replace").decode()})
        redacted, count = self._redacted(pair, rules) if (rules := self._matching(pair)) else (pair, 0)
        if not count:
            return text, 0
        try:
            return str(next(iter(orjson.loads(redacted).values()))), count
        except (ValueError, StopIteration, AttributeError):  # a pattern that takes quotes, too
            alone, found = self._redacted(text.encode(errors="replace"), range(len(self._rules)))
            return alone.decode(errors="replace"), found


def _options() -> Any:
    options = re2.Options()
    options.log_errors = False
    return options


@cache
def _shared() -> tuple[list[_Matcher], _Matcher, Callable[[bytes], list[int] | None]]:
    """Our rules compiled, the matcher of digits, and what tells which rules find something."""
    matchers = [_matcher(rule.number or rule.pattern) for rule in _RULES]
    return matchers, _matcher(DIGITS), _matching(rule.pattern for rule in _RULES)


def _matcher(pattern: str, *, whole: bool = False) -> _Matcher:
    """`match(_UNANCHORED, data, at, until)` -> the spans of the first match and its groups, (-1, -1) for none.

    Asks the compiled pattern itself: the match objects of the library cost more than the search. `whole`: brackets in
    the pattern are no groups.
    """
    options = _options()
    options.never_capture = whole
    compiled = re2.compile(pattern.encode(), options)
    matcher: _Matcher = compiled._regexp.Match
    return matcher


def _first(groups: list[tuple[int, int]]) -> tuple[int, int]:
    """The first group that took part."""
    return next((group for group in groups[1:] if group[0] >= 0), groups[0])


def _matching(patterns: Iterable[str]) -> Callable[[bytes], list[int] | None]:
    rules = re2.Set.SearchSet(_options())
    for pattern in patterns:
        rules.Add(pattern.encode())
    rules.Compile()
    match: Callable[[bytes], list[int] | None] = rules.Match
    return match


def _is_json(data: bytes) -> bool:
    try:
        orjson.loads(data)
    except ValueError:
        return False
    return True


def _outside_escapes(data: bytes, start: int, end: int) -> tuple[int, int]:
    """Moves the ends of a find off the middle of a JSON escape, which a mark there would break."""
    if start and data[start - 1] == _BACKSLASH and _is_odd(data, start):
        start += 5 if _UNICODE_ESCAPE.match(data, start) else 1
    if end and data[end - 1] == _BACKSLASH and _is_odd(data, end):
        end -= 1
    return start, end


def _is_odd(data: bytes, at: int) -> bool:
    """Whether an odd number of backslashes stands before `at`: the last of them escapes what follows."""
    first = at
    while first and data[first - 1] == _BACKSLASH:
        first -= 1
    return bool((at - first) % 2)


def _without(spans: list[Span], marks: list[tuple[int, int]]) -> list[Span]:
    """What of the spans is not a mark already. Both are in order."""
    kept: list[Span] = []
    first = 0
    for start, end, rule in spans:
        while first < len(marks) and marks[first][1] <= start:
            first += 1
        for mark_start, mark_end in marks[first:]:
            if mark_start >= end:
                break
            if start < mark_start:
                kept.append((start, mark_start, rule))
            start = max(start, mark_end)
        if start < end:
            kept.append((start, end, rule))
    kept.sort()
    return kept
