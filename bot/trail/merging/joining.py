"""How two sightings of one call are joined: for each group of fields the better word counts, in any order.

The join is commutative, associative and idempotent: late, resent and reordered spans give the same call. Each group is
decided by a total order over what it holds and over the level of the emitter that told it; the levels, and the lengths
of texts that are not at hand, stand in `Facts.ranks`.
"""

from dataclasses import fields
from operator import attrgetter
from typing import Any, Protocol

from bot.trail.calls import ErrorClass, Facts, Outcome
from bot.trail.mapping.messages import written
from bot.trail.mapping.outputs import Parse, flaw, parse

LABELS = ("feature", "route", "prompt_name", "prompt_version", "conversation_id", "user")
"""Fields that spans around a call may tell too."""
OWN, NEAR, FAR = 3, 2, 1
"""Levels of a label: told by the call itself, by a span right around it, by the root of its trace."""


class LevelsLike(Protocol):
    """Levels of a vocabulary."""

    @property
    def usage(self) -> int: ...
    @property
    def input(self) -> int: ...
    @property
    def output(self) -> int: ...
    @property
    def model_asked(self) -> int: ...


class Ranks:
    """`Facts.ranks` taken apart: 63 bits that a store keeps as they are."""

    __slots__ = (
        "extra",
        "input",
        "input_length",
        "instrumented",
        "labels",
        "model_asked",
        "output",
        "output_length",
        "parse",
        "usage",
    )
    LAYOUT = (
        ("usage", 3),
        ("input", 3),
        ("input_length", 16),
        ("output", 3),
        ("output_length", 16),
        ("parse", 2),
        ("model_asked", 2),
        ("extra", 4),
        ("instrumented", 1),
        ("labels", 2 * len(LABELS)),
    )

    usage: int
    input: int
    input_length: int
    output: int
    output_length: int
    parse: int
    model_asked: int
    extra: int
    instrumented: int
    """Whether anybody but the provider's own SDK told of the call."""
    labels: int

    def __init__(self, packed: int) -> None:
        for name, width in self.LAYOUT:
            setattr(self, name, packed & ((1 << width) - 1))
            packed >>= width

    def pack(self) -> int:
        """All of it in one number."""
        packed = shift = 0
        for name, width in self.LAYOUT:
            packed |= min(getattr(self, name), (1 << width) - 1) << shift
            shift += width
        return packed

    def label(self, place: int) -> int:
        """The level of a label."""
        return self.labels >> 2 * place & 3

    def set_label(self, place: int, level: int) -> None:
        """Note who told a label."""
        self.labels = self.labels & ~(3 << 2 * place) | level << 2 * place


LONGEST_KNOWN = (1 << 16) - 1
"""Texts longer than this count as equally long."""
_MOST_EXTRA = 15
_SHIFT = {name: sum(width for _, width in Ranks.LAYOUT[:place]) for place, (name, _) in enumerate(Ranks.LAYOUT)}
_MASK = {name: ((1 << width) - 1) << _SHIFT[name] for name, width in Ranks.LAYOUT}
_EMITTERS = _MASK["usage"] | _MASK["input"] | _MASK["output"] | _MASK["model_asked"] | _MASK["instrumented"]
_USAGE, _INPUT, _OUTPUT, _ASKED = ~_MASK["usage"], ~_MASK["input"], ~_MASK["output"], ~_MASK["model_asked"]
_INPUT_LENGTH, _OUTPUT_LENGTH = _SHIFT["input_length"], _SHIFT["output_length"]
_PARSE, _EXTRA = _SHIFT["parse"], _SHIFT["extra"]
_OWN_LABEL = [OWN << _SHIFT["labels"] + 2 * place for place in range(len(LABELS))]
_fields = attrgetter(*(each.name for each in fields(Facts)))


def copied(facts: Facts) -> Facts:
    """The same facts, to be changed."""
    return Facts(*_fields(facts))


def pack_levels(levels: LevelsLike, *, native: bool) -> int:
    """The ranks that an emitter's sightings begin with."""
    ranks = Ranks(0)
    ranks.instrumented = not native
    ranks.usage, ranks.input, ranks.output = levels.usage, levels.input, levels.output
    ranks.model_asked = levels.model_asked
    return ranks.pack()


def settle(facts: Facts) -> Facts:
    """Note in the ranks what a fresh sighting holds, and what is wrong with its answer. Changes the facts given."""
    ranks = facts.ranks & _EMITTERS  # bit by bit: every span comes through here
    if facts.input:
        ranks |= min(len(facts.input), LONGEST_KNOWN) << _INPUT_LENGTH
    else:
        ranks &= _INPUT
    parsed = Parse.UNSEEN
    if facts.output:
        parsed = parse(facts.output, facts.json_schema)
        ranks |= min(len(facts.output), LONGEST_KNOWN) << _OUTPUT_LENGTH | parsed << _PARSE
    else:
        ranks &= _OUTPUT
    if facts.input_tokens is None and facts.output_tokens is None:
        ranks &= _USAGE
    if facts.model_asked is None:
        ranks &= _ASKED
    if facts.extra:
        ranks |= min(len(facts.extra), _MOST_EXTRA) << _EXTRA
    for name, bits in zip(LABELS, _OWN_LABEL, strict=True):
        if getattr(facts, name) is not None:
            ranks |= bits
    facts.ranks = ranks
    if facts.outcome is Outcome.OK:
        facts.error_class = flaw(facts.finish_reason, parsed, json_expected=facts.json_expected)
    return facts


def _find_flaw(facts: Facts, ranks: Ranks) -> None:
    if facts.outcome is Outcome.OK:
        facts.error_class = flaw(facts.finish_reason, Parse(ranks.parse), json_expected=facts.json_expected)


def join(one: Facts, other: Facts) -> Facts:
    """Everything that two settled sightings tell of one call. Neither is changed."""
    facts = copied(one)
    ranks, theirs = Ranks(one.ranks), Ranks(other.ranks)
    _join_names(facts, ranks, one, other, theirs)
    _join_timing(facts, one, other)
    _join_usage(facts, ranks, one, other, theirs)
    _join_input(facts, ranks, one, other, theirs)
    _join_format(facts, one, other)
    _join_output(facts, ranks, one, other, theirs)
    _join_outcome(facts, one, other)
    _join_extra(facts, ranks, one, other, theirs)
    _join_labels(facts, ranks, other, theirs)
    facts.truncated = one.truncated or other.truncated
    facts.redactions = max(one.redactions, other.redactions)
    if facts.output is not None and facts.json_schema is not None:
        ranks.parse = parse(facts.output, facts.json_schema)
    facts.ranks = ranks.pack()
    _find_flaw(facts, ranks)
    return facts


def outranked(facts: Facts) -> Facts:
    """The same facts, whose counts and texts only count where nobody else tells any."""
    result = copied(facts)
    result.ranks &= _USAGE & _INPUT & _OUTPUT
    return result


def hint(facts: Facts, near: dict[str, Any], far: dict[str, Any]) -> Facts:
    """What spans around the call tell about it: those right around it, and the root of its trace.

    Both are everything that is known of such spans: what they told before is told again. Gives the same facts where
    nothing changes.
    """
    result, ranks = copied(facts), Ranks(facts.ranks)
    for place, name in enumerate(LABELS):
        level, value = (NEAR, near[name]) if name in near else (FAR, far.get(name))
        if isinstance(value, str) and ranks.label(place) <= level:
            setattr(result, name, value)
            ranks.set_label(place, level)
    if near.get("json_expected"):
        result.json_expected = True
        result.json_schema = _larger_text(facts.json_schema, near.get("json_schema"))
        if result.output is not None:
            ranks.parse = parse(result.output, result.json_schema)
    result.ranks = ranks.pack()
    _find_flaw(result, ranks)
    return facts if result == facts else result


def hints_of(facts: Facts) -> dict[str, Any]:
    """What a span around calls hints at."""
    hints: dict[str, Any] = {name: value for name in LABELS if (value := getattr(facts, name)) is not None}
    if facts.json_expected:
        hints["json_expected"] = True
        if facts.json_schema:
            hints["json_schema"] = facts.json_schema
    return hints


def _larger_text(one: str | None, other: str | None) -> str | None:
    return max(one or "", other or "", key=lambda text: (len(text), text)) or None


def _largest(one: Any, other: Any) -> Any:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)


_OPERATIONS = ("chat", "generate_content", "text_completion", "responses", "embeddings")


def _join_names(facts: Facts, ranks: Ranks, one: Facts, other: Facts, theirs: Ranks) -> None:
    asked = max(
        (one.model_asked is not None, ranks.model_asked, -len(one.model_asked or ""), one.model_asked or ""),
        (other.model_asked is not None, theirs.model_asked, -len(other.model_asked or ""), other.model_asked or ""),
    )
    facts.model_asked, ranks.model_asked = asked[3] or None, asked[1]
    facts.model_answered = _larger_text(one.model_answered, other.model_answered)
    facts.provider = _larger_text(one.provider, other.provider)
    facts.operation = max(
        one.operation,
        other.operation,
        key=lambda name: (_OPERATIONS.index(name) if name in _OPERATIONS else -1, name),
    )
    _, facts.emitter, facts.emitter_version = max(
        (ranks.instrumented, one.emitter, one.emitter_version),
        (theirs.instrumented, other.emitter, other.emitter_version),
    )
    ranks.instrumented |= theirs.instrumented
    for name in ("environment", "release", "response_id", "external_id", "group_key", "attempt_hint", "retries"):
        setattr(facts, name, _largest(getattr(one, name), getattr(other, name)))


def _join_timing(facts: Facts, one: Facts, other: Facts) -> None:
    """From the earliest start to the latest end: the outer of two spans is what the caller waited for."""
    start = min(one.start_us, other.start_us)
    ends = [each.start_us + each.duration_us for each in (one, other) if each.duration_us is not None]
    firsts = [each.start_us + each.first_token_us for each in (one, other) if each.first_token_us is not None]
    facts.start_us = start
    facts.duration_us = max(ends) - start if ends else None
    facts.first_token_us = min(firsts) - start if firsts else None
    facts.stream = _largest(one.stream, other.stream)


_COUNTS = ("input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens")


def _usage_key(facts: Facts, level: int) -> tuple[Any, ...]:
    counts = [getattr(facts, name) for name in _COUNTS]
    main = sum(count is not None for count in counts[:2])
    told = sum(count is not None for count in counts)
    return (
        main,
        main > 0 and facts.cached_split_told,
        level,
        told,
        [-1 if count is None else count for count in counts],
        facts.cached_split_told,
    )


def _join_usage(facts: Facts, ranks: Ranks, one: Facts, other: Facts, theirs: Ranks) -> None:
    if _usage_key(other, theirs.usage) > _usage_key(one, ranks.usage):
        for name in _COUNTS:
            setattr(facts, name, getattr(other, name))
        facts.cached_split_told, ranks.usage = other.cached_split_told, theirs.usage
    facts.emitter_cost_nano = _largest(one.emitter_cost_nano, other.emitter_cost_nano)


def _better_text(mine: str | None, theirs: str | None) -> str | None:
    """Of two texts of the same rank and length; None stands for the text that is stored."""
    return None if mine is None or theirs is None else max(mine, theirs)


def _join_input(facts: Facts, ranks: Ranks, one: Facts, other: Facts, theirs: Ranks) -> None:
    mine, yours = (ranks.input, ranks.input_length), (theirs.input, theirs.input_length)
    if mine == yours:
        facts.input = _better_text(one.input, other.input)
    elif yours > mine:
        facts.input, ranks.input, ranks.input_length = other.input, theirs.input, theirs.input_length


def _join_output(facts: Facts, ranks: Ranks, one: Facts, other: Facts, theirs: Ranks) -> None:
    mine, yours = (ranks.output, ranks.output_length), (theirs.output, theirs.output_length)
    if mine == yours:
        facts.output = _better_text(one.output, other.output)
        ranks.parse = max(ranks.parse, theirs.parse)
    elif yours > mine:
        facts.output, ranks.output, ranks.output_length = other.output, theirs.output, theirs.output_length
        ranks.parse = theirs.parse


def _join_format(facts: Facts, one: Facts, other: Facts) -> None:
    facts.json_expected = one.json_expected or other.json_expected
    facts.json_schema = _larger_text(one.json_schema, other.json_schema)


def _outcome_key(facts: Facts) -> tuple[Any, ...]:
    if facts.outcome is Outcome.OK:
        return (False, False, "", "", "")
    kind = facts.error_class or ErrorClass.SERVER
    return (True, kind is not ErrorClass.SERVER, kind.value, facts.error_text or "", facts.error_type or "")


def _join_outcome(facts: Facts, one: Facts, other: Facts) -> None:
    better = other if _outcome_key(other) > _outcome_key(one) else one
    facts.outcome, facts.error_class = better.outcome, better.error_class
    facts.error_type, facts.error_text = better.error_type, better.error_text
    statuses = [each.http_status for each in (one, other) if each.http_status is not None]
    facts.http_status = max(statuses) if statuses else None
    facts.finish_reason = max(one.finish_reason, other.finish_reason, key=_finish_key)


def _finish_key(finish: str | None) -> tuple[int, str]:
    if finish is None:
        return (0, "")
    kind = flaw(finish, Parse.UNSEEN, json_expected=False)
    return ({None: 1, ErrorClass.TRUNCATED: 2}.get(kind, 3), finish)


def _join_extra(facts: Facts, ranks: Ranks, one: Facts, other: Facts, theirs: Ranks) -> None:
    if ranks.extra == theirs.extra:
        facts.extra = max(one.extra, other.extra, key=written) if one.extra and other.extra else {}
    elif theirs.extra > ranks.extra:
        facts.extra, ranks.extra = other.extra, theirs.extra


def _join_labels(facts: Facts, ranks: Ranks, other: Facts, theirs: Ranks) -> None:
    for place, name in enumerate(LABELS):
        mine, yours = getattr(facts, name), getattr(other, name)
        if (theirs.label(place), yours or "") > (ranks.label(place), mine or ""):
            setattr(facts, name, yours)
            ranks.set_label(place, theirs.label(place))
