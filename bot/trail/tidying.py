"""Before anything is joined or stored: redact what people wrote, hash users, cut what no column holds."""

from collections.abc import Iterable
from operator import attrgetter

from bot.catalog import Catalog
from bot.trail.calls import Facts, Sighting
from bot.trail.fingerprint import user_hash
from bot.trail.redaction import Redactor
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
_INTEGER = 2**31 - 1
_WIDE = 2**53
_NUMBERS = {
    "duration_us": _WIDE,
    "first_token_us": _WIDE,
    "http_status": _SMALL,
    "retries": _SMALL,
    "attempt_hint": _SMALL,
    "input_tokens": _INTEGER,
    "cached_tokens": _INTEGER,
    "cache_write_tokens": _INTEGER,
    "output_tokens": _INTEGER,
    "reasoning_tokens": _INTEGER,
    "emitter_cost_nano": _WIDE,
}
"""The largest that is believed; emitters send any number, and one that no column holds must not cost a whole batch."""

_names = attrgetter(*_NAMES)
_numbers = attrgetter(*_NUMBERS)


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
            for name, text in zip(_NAMES, _names(facts), strict=True):
                if text is not None and (len(text) > NAME or not text.isascii() or "\0" in text):
                    setattr(facts, name, clean(text)[:NAME])
            for (name, largest), number in zip(_NUMBERS.items(), _numbers(facts), strict=True):
                if number is not None and not 0 <= number <= largest:
                    setattr(facts, name, largest if number > 0 else 0)
            facts.user = hashed_user(user_hash(facts.user))
            self._tidy_texts(facts)

    def _tidy_texts(self, facts: Facts) -> None:
        for name in ("input", "output", "error_text", "json_schema"):
            value = getattr(facts, name)
            if value is not None and not _is_clean(value):
                setattr(facts, name, clean(value))
        if facts.error_text is not None:
            facts.error_text = facts.error_text[:_REDACTED_BEFORE_CUT]
        if self._redact:
            self._redact_texts(facts)
            facts.redactions = min(facts.redactions, _SMALL)
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

    def _redactor(self, system: str) -> Redactor:
        redactor = self._redactors.get(system)
        if redactor is None:
            described = self._catalog.systems.get(system)
            redactor = Redactor(described.redact) if described is not None and described.redact else self._plain
            self._redactors[system] = redactor
        return redactor


def clean(text: str) -> str:
    """The text without what a database refuses: NUL and halves of surrogate pairs."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _is_clean(text: str) -> bool:
    if "\0" in text:
        return False
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
