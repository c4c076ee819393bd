"""What runbooks may name, in texts and in conditions, and what is wrong with a name that does not exist."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from bot.catalog.values import nearest

Path = tuple[str, ...]
"""A name with its fields: `("steps", "switch", "failed")`."""

KNOWN: Mapping[str, frozenset[str]] = {
    "incident": frozenset(
        {"id", "system", "title", "severity", "provider", "kind", "subject", "value", "route", "feature"}
    ),
    "route": frozenset({"name", "value", "primary", "standbys", "standby"}),
}
"""Names that every runbook has, and the fields of each."""
INPUTS, STEPS, READING = "inputs", "steps", "reading"
OF_STEP = frozenset({"state", "succeeded", "failed", "skipped", "dry_run", "undone", READING})
"""What may be asked of an earlier step; `reading` has fields of its own: what the step's action read back."""
NAMES = frozenset({*KNOWN, INPUTS, STEPS})


def problems(paths: Iterable[Path], *, inputs: Collection[str], earlier: Collection[str]) -> Iterator[tuple[str, str]]:
    """What is wrong with the names, each as message and advice. `earlier` are the ids of the steps before this one."""
    for path in sorted(paths):
        found = _problem(path, inputs, earlier)
        if found is not None:
            yield found


def steps_named(paths: Iterable[Path]) -> frozenset[str]:
    """The steps whose outcome is spoken of."""
    return frozenset(path[1] for path in paths if path[0] == STEPS and len(path) > 1)


def _problem(path: Path, inputs: Collection[str], earlier: Collection[str]) -> tuple[str, str] | None:
    first, rest = path[0], path[1:]
    if first not in NAMES:
        return f"uses the unknown name {first!r}", f"the names are: {', '.join(sorted(NAMES))}"
    if not rest:
        return f"uses {first} as a whole", f"name a field of it: {first}.{_example(first, inputs, earlier)}"
    field = rest[0]
    match first:
        case "inputs" if field not in inputs:
            return f"uses the unknown input {field!r}", _meant(field, inputs, "the runbook has no inputs")
        case "steps" if field not in earlier:
            return f"speaks of {field!r}, which is no earlier step", _meant(field, earlier, "no step comes before this")
        case "steps":
            return _of_step(path)
        case _ if first in KNOWN and field not in KNOWN[first]:
            fields = ", ".join(sorted(KNOWN[first]))
            return f"uses the unknown field {first}.{field}", f"its fields are: {fields}"
    if len(rest) > 1:
        return f"uses {'.'.join(path)}, but {first}.{field} has no fields", f"write {first}.{field}"
    return None


def _of_step(path: Path) -> tuple[str, str] | None:
    step, rest = ".".join(path[:2]), path[2:]
    if not rest or rest[0] not in OF_STEP:
        asked = f"uses the unknown field {'.'.join(path[:3])}" if rest else f"uses {step} as a whole"
        return asked, f"its fields are: {', '.join(sorted(OF_STEP))}"
    if rest[0] == READING and len(rest) == 1:
        return f"uses {step}.{READING} as a whole", "name what was read: " + f"{step}.{READING}.ok_rate"
    if rest[0] != READING and len(rest) > 1:
        return f"uses {'.'.join(path)}, but {step}.{rest[0]} has no fields", f"write {step}.{rest[0]}"
    return None


def _meant(word: str, known: Collection[str], none: str) -> str:
    guess = nearest(word, sorted(known))
    if guess:
        return f"did you mean {guess}?"
    return f"there are: {', '.join(sorted(known))}" if known else none


def _example(first: str, inputs: Collection[str], earlier: Collection[str]) -> str:
    if first == INPUTS:
        return min(inputs, default="name")
    if first == STEPS:
        return f"{min(earlier, default='id')}.succeeded"
    return min(KNOWN[first])
