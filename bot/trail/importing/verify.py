"""`badday trail verify`: recorded bodies go through the whole trail into a throwaway database, and meet their truth.

A folder holds bodies, `index.json` (scenarios with their requests in order of arrival, and what the provider saw) and
`truth.json` (the calls that each scenario's bodies show). Other scenarios' bodies may add to its calls (an answer that
comes late), but never more calls: where a call is not as its own bodies show it, these are read once more alone.
"""

import asyncio
import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from bot.catalog import Catalog
from bot.store import migrate
from bot.store.database import Database
from bot.trail.importing import files
from bot.trail.importing.importer import Importer, Report
from bot.trail.mapping.usage import read_usage
from bot.trail.queries import asking as queries
from bot.trail.queries.finding import Filter
from bot.trail.queries.records import CallRecord

TRUTH = "truth.json"
LEAST_TOKENS = 0.98
LEAST_CLASSES = 0.95
COST_GAP = Decimal("0.01")
_COUNTS = ("input_tokens", "cached_tokens", "output_tokens")
_UPPER_BOUND = "upper_bound"


class FolderError(ValueError):
    """A folder that cannot be verified; the message says why."""


@dataclass(slots=True)
class Verdict:
    """How the calls of one folder agree with its truth."""

    folder: str
    calls: int = 0
    matched: int = 0
    missing: int = 0
    extra: int = 0
    duplicates: int = 0
    right: Counter[str] = field(default_factory=Counter)
    scored: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    doubtful: set[str] = field(default_factory=set)
    """Scenarios with a call that is not as it should be."""

    @property
    def ok(self) -> bool:
        """Whether the folder is as good as it has to be."""
        if self.missing or self.extra or self.duplicates:
            return False
        return (
            self.right["tokens"] >= LEAST_TOKENS * self.scored["tokens"]
            and self.right["classes"] >= LEAST_CLASSES * self.scored["classes"]
            and self.right["outputs"] == self.scored["outputs"]
            and self.right["costs"] == self.scored["costs"]
        )

    def line(self) -> dict[str, Any]:
        """For programs."""
        return {
            "folder": self.folder,
            "calls": self.calls,
            "matched": self.matched,
            "missing": self.missing,
            "extra": self.extra,
            "duplicates": self.duplicates,
            "tokens_exact": self.right["tokens"],
            "tokens_scored": self.scored["tokens"],
            "classes_right": self.right["classes"],
            "classes_scored": self.scored["classes"],
            "outputs_right": self.right["outputs"],
            "outputs_scored": self.scored["outputs"],
            "costs_right": self.right["costs"],
            "costs_scored": self.scored["costs"],
            "ok": self.ok,
        }

    def check(self, name: str, right: bool, scenario: str, problem: str) -> None:
        """Count one comparison."""
        self.scored[name] += 1
        if right:
            self.right[name] += 1
        else:
            self.doubtful.add(scenario)
            self.problems.append(f"{scenario}: {name}: {problem}")


@dataclass(slots=True)
class _Pair:
    """A call of the truth and the stored one: as its scenario alone tells it, as it was then, and in the end."""

    scenario: str
    truth: Mapping[str, Any]
    states: tuple[CallRecord, ...]


HEADER = (
    f"{'folder':<26}{'calls':>6}{'missing':>9}{'extra':>7}{'twice':>7}"
    f"{'tokens':>10}{'classes':>10}{'outputs':>10}{'costs':>10}"
)


def command(folders: Sequence[Path], *, as_json: bool) -> int:
    """Verify folders and print a line for each; 1 where one is not as it has to be."""
    if not as_json:
        click.echo(HEADER)
    bad = False
    for folder in folders:
        if not (folder / TRUTH).is_file():
            click.echo(f"{folder}: no {TRUTH} in it, nothing to verify", err=True)
            continue
        try:
            verdict = asyncio.run(verify(folder))
        except FolderError as error:
            click.echo(f"{folder}: {error}", err=True)
            bad = True
            continue
        bad = bad or not verdict.ok
        click.echo(json.dumps(verdict.line()) if as_json else _row(verdict))
        for problem in verdict.problems:
            click.echo(f"  {folder.name}: {problem}", err=True)
    return 1 if bad else 0


def _row(verdict: Verdict) -> str:
    shares = "".join(
        f"{verdict.right[name]}/{verdict.scored[name]}".rjust(10) for name in ("tokens", "classes", "outputs", "costs")
    )
    counts = f"{verdict.calls:>6}{verdict.missing:>9}{verdict.extra:>7}{verdict.duplicates:>7}"
    return f"{verdict.folder:<26}{counts}{shares}  {'ok' if verdict.ok else 'NOT OK'}"


async def verify(folder: Path) -> Verdict:
    """Read a folder's bodies and compare. Raises FolderError where it is not such a folder."""
    truth, index = _loaded(folder / TRUTH), _loaded(folder / files.INDEX)
    scenarios = _scenarios(folder, index)
    with tempfile.TemporaryDirectory(prefix="badday-verify-") as place:
        states = await _read(scenarios, f"sqlite:///{Path(place) / 'trail.db'}")
        verdict = compare(folder.name, truth, states, _seen(index))
        for number, scenario in enumerate(verdict.doubtful & scenarios.keys()):
            alone = await _read({scenario: scenarios[scenario]}, f"sqlite:///{Path(place) / f'alone-{number}.db'}")
            states.alone[scenario] = alone.scenarios[scenario]
    return compare(folder.name, truth, states, _seen(index)) if states.alone else verdict


def _loaded(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise FolderError(f"{path.name} cannot be read: {error}") from error


@dataclass(slots=True)
class States:
    """Calls by the scenario that they came up in, as they were after it, and all calls in the end."""

    scenarios: dict[str, list[CallRecord]] = field(default_factory=dict)
    final: dict[int, CallRecord] = field(default_factory=dict)
    alone: dict[str, list[CallRecord]] = field(default_factory=dict)
    """As a scenario's bodies show them with nothing else read."""


async def _read(scenarios: Mapping[str, Sequence[files.Found]], database_url: str) -> States:
    from bot.trail.mapping.mapper import Mapper
    from bot.trail.storing import open_store
    from bot.trail.storing.ingest import Ingest

    db = Database(database_url)
    await migrate.upgrade(db.engine)
    store = open_store(database_url)
    catalog = Catalog()
    importer = Importer(Ingest(store, catalog=lambda: catalog, clock=lambda: datetime.now(UTC)), Mapper(), system=None)
    states = States()
    try:
        for scenario, bodies in scenarios.items():
            for found in bodies:
                _refuse(importer.read(found))
            now = {record.id: record for record in await _records(db)}
            states.scenarios[scenario] = [record for id_, record in now.items() if id_ not in states.final]
            states.final = {**states.final, **now}
            for gone in states.final.keys() - now.keys():
                del states.final[gone]
    finally:
        store.close()
        await db.close()
    return states


def _refuse(report: Report) -> None:
    if report.rejected:
        raise FolderError(f"{report.file} was not taken: {'; '.join(map(str, report.reasons))}")


def _scenarios(folder: Path, index: Any) -> dict[str, list[files.Found]]:
    of_file = {
        request["file"]: str(entry.get("scenario", request["file"]))
        for entry in index
        for request in entry.get("requests", [entry])
    }
    scenarios: dict[str, list[files.Found]] = {}
    for found in files.find([folder]):
        scenarios.setdefault(of_file.get(found.path.name, found.path.name), []).append(found)
    return scenarios


async def _records(db: Database) -> list[CallRecord]:
    async with db.reading() as session:
        return await queries.newest(session, Filter(), None, bodies=True)


def _seen(index: Any) -> dict[str, Mapping[str, Any]]:
    """What the provider saw, by response id."""
    return {
        str(request["id"]): request
        for entry in index
        for request in entry.get("provider_saw", [])
        if isinstance(request, dict) and request.get("id")
    }


def compare(
    folder: str, truth: Mapping[str, Sequence[Mapping[str, Any]]], states: States, seen: Mapping[str, Mapping[str, Any]]
) -> Verdict:
    """Match stored calls with the truth, scenario by scenario."""
    verdict = Verdict(folder, calls=sum(map(len, truth.values())))
    ids: Counter[tuple[str, str]] = Counter()
    for record in states.final.values():
        if record.response_id:
            ids[record.system, record.response_id] += 1
    verdict.duplicates = sum(count - 1 for count in ids.values())
    left = dict(states.final)
    for scenario, wanted in truth.items():
        have = [record for record in states.scenarios.get(scenario, []) if record.id in left]
        alone = {id(one): record for one, record in _matched(wanted, states.alone.get(scenario, []))}
        for one, record in _matched(wanted, have):
            final = left.pop(record.id)
            verdict.matched += 1
            told = (alone[id(one)], record, final) if id(one) in alone else (record, final)
            _score(verdict, _Pair(scenario, one, told), seen)
        missing = len(wanted) - min(len(wanted), len(have))
        if missing:
            verdict.missing += missing
            verdict.problems.append(f"{scenario}: {missing} of {len(wanted)} calls are missing")
    verdict.extra = len(left) - verdict.duplicates if len(left) >= verdict.duplicates else len(left)
    verdict.problems.extend(
        f"extra: {record.emitter} {record.model} {record.outcome} {record.error_class} {record.response_id}"
        for record in left.values()
    )
    return verdict


def _matched(
    wanted: Sequence[Mapping[str, Any]], have: Sequence[CallRecord]
) -> Iterable[tuple[Mapping[str, Any], CallRecord]]:
    """Pairs by likeness, the likeliest first."""
    likely = sorted(
        ((_likeness(one, record), -i, -j) for i, one in enumerate(wanted) for j, record in enumerate(have)),
        reverse=True,
    )
    taken: tuple[set[int], set[int]] = (set(), set())
    for _, i, j in likely:
        if -i not in taken[0] and -j not in taken[1]:
            taken[0].add(-i)
            taken[1].add(-j)
            yield wanted[-i], have[-j]


def _likeness(truth: Mapping[str, Any], record: CallRecord) -> int:
    likeness: int = 0
    if truth["response_id"] and record.response_id:
        likeness += 100 if truth["response_id"] == record.response_id else -100
    likeness += 5 * (truth["outcome"] == record.outcome) + 5 * (truth["error_class"] == record.error_class)
    likeness += 3 * (truth["model_asked"] == record.model)
    likeness += 3 * ((truth["input_tokens"] or None) == (record.input_tokens or None))
    return likeness + 3 * int(_starts(truth["output_starts"], record.output))


def _starts(start: str | None, output: str | None) -> bool:
    """Whether the output begins so, white space apart."""
    return bool(start) and "".join((output or "").split()).startswith("".join((start or "").split()))


def _score(verdict: Verdict, pair: _Pair, seen: Mapping[str, Mapping[str, Any]]) -> None:
    truth, states = pair.truth, pair.states
    if truth["class_visible"]:
        want = (truth["outcome"], truth["error_class"])
        got = [(record.outcome, record.error_class) for record in states]
        verdict.check("classes", want in got, pair.scenario, f"{want}, but {got[-1]}")
    if truth["tokens_visible"]:
        counts = tuple(truth[name] or 0 for name in _COUNTS)
        told = [tuple(getattr(record, name) or 0 for name in _COUNTS) for record in states]
        verdict.check("tokens", counts in told, pair.scenario, f"{counts}, but {told[-1]}")
    outputs = [_output_right(truth, record) for record in states]
    problem = f"{truth['output_starts']!r}, but {states[-1].output!r}"
    verdict.check("outputs", any(outputs), pair.scenario, problem)
    _score_cost(verdict, pair, seen)


def _output_right(truth: Mapping[str, Any], record: CallRecord) -> bool:
    if not truth["has_output"]:
        return record.output is None
    return record.output is not None and (not truth["output_starts"] or _starts(truth["output_starts"], record.output))


def _score_cost(verdict: Verdict, pair: _Pair, seen: Mapping[str, Mapping[str, Any]]) -> None:
    """Within a hundredth where the body tells all; else it must say that it is an upper bound."""
    truth, record = pair.truth, pair.states[-1]
    if truth["cost_exact"]:
        expected = _expected_cost(seen.get(truth["response_id"] or ""), record)
        exact = record.cost is not None and _UPPER_BOUND not in (record.cost_source or "")
        near = expected is None or record.cost is None or abs(record.cost - expected) <= COST_GAP * expected
        problem = f"{record.cost} ({record.cost_source}), expected {expected}"
        verdict.check("costs", exact and near, pair.scenario, problem)
    elif truth["outcome"] == "ok" and truth["input_tokens"] and record.cost is not None:
        bound = _UPPER_BOUND in (record.cost_source or "")
        verdict.check("costs", bound, pair.scenario, f"{record.cost_source} says more than the body does")


def _expected_cost(request: Mapping[str, Any] | None, record: CallRecord) -> Decimal | None:
    """What the provider's own counts cost by the price list."""
    import genai_prices

    if request is None or not isinstance(request.get("usage"), Mapping):
        return None
    usage = read_usage(request["usage"])
    counts = genai_prices.Usage(
        input_tokens=usage.input,
        cache_read_tokens=usage.cached,
        cache_write_tokens=usage.cache_write,
        output_tokens=usage.output,
    )
    model = str(request.get("response_model") or request.get("model"))
    try:
        price = genai_prices.calc_price(counts, model, genai_request_timestamp=record.started_at)
    except (LookupError, ValueError):
        return None
    return price.total_price
