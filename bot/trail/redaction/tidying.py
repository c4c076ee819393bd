"""Before anything is joined or stored: redact what people wrote, hash users, cut what no column holds."""

from collections.abc import Iterable
from functools import lru_cache
from operator import attrgetter

from bot.catalog import Catalog
from bot.trail.calls import Facts, Sighting
from bot.trail.receiving.otlp.parts import clean
from bot.trail.redaction.fingerprint import user_hash
from bot.trail.redaction.redactor import Redactor
from bot.trail.storing.rows import hashed_user

ERROR_TEXT = 200
_REDACTED_BEFORE_CUT = 2_000
"""Of an error text: enough that no secret is cut in two before it is seen."""
NAME = 200
_NAMES = (
    "system",
    "environment",
    "release",
    "feature",
    "route",
    "prompt_name",
    "prompt_version",
    "provider",
    "model_asked",
    "model_answered",
    "operation",
    "emitter",
    "emitter_version",
    "error_type",
    "finish_reason",
    "response_id",
    "conversation_id",
    "external_id",
    "group_key",
)

_SMALL = 2**15 - 1
_64_BITS = 2**64 - 1
_INTEGER = 2**31 - 1
_WIDE = 2**53
_NUMBERS = {
    "duration_us": _WIDE,
    "first_token_us": _WIDE,
    "emitter_cost_nano": _WIDE,
    "input_tokens": _INTEGER,
    "cached_tokens": _INTEGER,
    "cache_write_tokens": _INTEGER,
    "output_tokens": _INTEGER,
    "reasoning_tokens": _INTEGER,
    "http_status": _SMALL,
    "retries": _SMALL,
    "attempt_hint": _SMALL,
}
"""The largest that is believed; emitters send any number, and one that no column holds must not cost a whole batch."""
_names = attrgetter(*_NAMES)
_numbers = attrgetter(*(name for name, largest in _NUMBERS.items() if largest > _SMALL))
_small_numbers = attrgetter(*(name for name, largest in _NUMBERS.items() if largest == _SMALL))


class Tidier:
    """Works with the patterns that the catalog has for each system."""

    def __init__(self, catalog: Catalog, *, redact: bool = True) -> None:
        self._catalog = catalog
        self._redact = redact
        self._plain = Redactor()
        self._redactors: dict[str, Redactor] = {}

    def tidy(self, sightings: Iterable[Sighting]) -> None:
        """Change the sightings in place; once, since a hashed user would be hashed again."""
        for sighting in sightings:
            facts = sighting.facts
            _bound(facts)
            facts.user = _hashed(facts.user) if facts.user else None
            self._tidy_texts(facts)

    def _tidy_texts(self, facts: Facts) -> None:
        if facts.input is not None:
            facts.input = clean(facts.input)
        if facts.output is not None:
            facts.output = clean(facts.output)
        if facts.json_schema is not None:
            facts.json_schema = clean(facts.json_schema)
        if facts.error_text is not None:
            facts.error_text = clean(facts.error_text)[:_REDACTED_BEFORE_CUT]
        if self._redact:
            self._redact_texts(facts)
        if facts.error_text is not None:
            facts.error_text = facts.error_text[:ERROR_TEXT]

    def _redact_texts(self, facts: Facts) -> None:
        redactor = self._redactor(facts.system)
        for name in ("input", "output", "error_text", "json_schema"):
            value = getattr(facts, name)
            if value:
                redacted, count = redactor.redact(value)
                if count:
                    setattr(facts, name, redacted)
                    facts.redactions += count
        if facts.extra:
            facts.extra, count = redactor.redact_json(facts.extra)
            facts.redactions += count
        if facts.conversation_id and redactor.redact(facts.conversation_id)[1]:
            # Products name conversations by a mail address or a telephone number: told apart, but not told.
            facts.conversation_id = f"hidden-{(user_hash(facts.conversation_id) or 0) & _64_BITS:016x}"
            facts.redactions += 1
        facts.redactions = min(facts.redactions, _SMALL)

    def _redactor(self, system: str) -> Redactor:
        redactor = self._redactors.get(system)
        if redactor is None:
            described = self._catalog.systems.get(system)
            redactor = Redactor(described.redact) if described is not None and described.redact else self._plain
            self._redactors[system] = redactor
        return redactor


def _bound(facts: Facts) -> None:
    """Cut names and numbers to what columns hold. It runs for everything that comes: nearly all of it is fine."""
    names = [name for name in _names(facts) if name]
    together = "".join(names)
    too_long = len(together) > NAME and max(map(len, names)) > NAME
    if too_long or not together.isascii() or "\0" in together:
        for name in _NAMES:
            text = getattr(facts, name)
            if text:
                setattr(facts, name, clean(text)[:NAME])
    seldom = facts.http_status or facts.retries or facts.attempt_hint
    if _any_beyond(_numbers(facts), _INTEGER) or (seldom and _any_beyond(_small_numbers(facts), _SMALL)):
        for name, largest in _NUMBERS.items():
            number = getattr(facts, name)
            if number is not None:
                setattr(facts, name, max(0, min(number, largest)))


def _any_beyond(numbers: Iterable[int | None], largest: int) -> bool:
    told = [number for number in numbers if number]
    return bool(told) and not 0 <= min(told) <= max(told) <= largest


@lru_cache(maxsize=10_000)
def _hashed(user: str) -> str | None:
    return hashed_user(user_hash(user))
