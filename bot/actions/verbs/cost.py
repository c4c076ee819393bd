"""`cost.breakdown`: what calls cost, against before, and what most of the difference is."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.actions.contract import ActionContext, ActionError, Arguments, Reading
from bot.actions.reading import Looking
from bot.catalog import Catalog, System
from bot.catalog.strict import Span
from bot.catalog.values import written
from bot.trail.queries import spending
from bot.trail.queries.spending import Spent

_CENT = Decimal("0.01")
_NANO = Decimal(10) ** -9
LONGEST = timedelta(hours=24)


class BreakdownArguments(Arguments):
    last: Span = timedelta(hours=3)
    """How far back, in whole hours: 1h to 24h."""
    against: Literal["same_hour_last_week", "same_hour_yesterday", "before"] = "same_hour_last_week"
    """What it is held against: the same hours a week or a day ago, or the hours just before."""


class CostBreakdown(Looking[BreakdownArguments]):
    name = "cost.breakdown"
    With = BreakdownArguments

    def check(self, catalog: Catalog, system: System, arguments: BreakdownArguments) -> None:
        hours = arguments.last / timedelta(hours=1)
        if hours != int(hours) or not 1 <= hours <= LONGEST / timedelta(hours=1):
            raise ActionError(f"last is {written(arguments.last)}; write whole hours, 1h to 24h", permanent=True)

    async def read(self, context: ActionContext, arguments: BreakdownArguments) -> Reading:
        now = context.clock()
        back = {"same_hour_last_week": timedelta(days=7), "same_hour_yesterday": timedelta(days=1)}
        shift = back.get(arguments.against, arguments.last)
        async with context.reading() as session:
            found = await _hours(context, session, now, arguments.last)
            before = await _hours(context, session, now - shift, arguments.last)
        total, was = _cost(found), _cost(before)
        calls, calls_before = sum(row.calls for row in found), sum(row.calls for row in before)
        each, each_before = total / calls if calls else None, was / calls_before if calls_before else None
        return {
            "total": str(total.quantize(_CENT)),
            "against": str(was.quantize(_CENT)),
            "ratio": _ratio(total, was),
            "calls": calls,
            "calls_ratio": _ratio(Decimal(calls), Decimal(calls_before)),
            "cost_per_call_ratio": _ratio(each, each_before),
            "unpriced": sum(row.unpriced for row in found),
            **_top(found, before, "model"),
            **_top(found, before, "feature"),
            **_top(found, before, "provider"),
        }

    def intent(self, arguments: BreakdownArguments) -> str:
        return f"Break down what calls cost in the last {written(arguments.last)}"

    def tell(self, arguments: BreakdownArguments, reading: Reading) -> str:
        against = arguments.against.replace("_", " ")
        ratio = f", {reading['ratio']} times the {against}" if reading["ratio"] is not None else f", none {against}"
        parts = [f"Calls cost ${reading['total']} in the last {written(arguments.last)}{ratio} (${reading['against']})"]
        if reading["calls_ratio"] is not None and reading["cost_per_call_ratio"] is not None:
            parts.append(f"traffic x{reading['calls_ratio']}, cost a call x{reading['cost_per_call_ratio']}")
        for kind in ("model", "feature", "provider"):
            name, share = reading[f"top_{kind}"], reading[f"top_{kind}_share"]
            if name:
                parts.append(f"{round(share * 100)} % of it {kind} {name}")
        if reading["unpriced"]:
            parts.append(f"{reading['unpriced']} calls have no price")
        return "; ".join(parts)


async def _hours(context: ActionContext, session: AsyncSession, until: datetime, last: timedelta) -> Sequence[Spent]:
    """The hour that is not over counts, so that a bill that rises now is seen now."""
    since = until - last + timedelta(hours=1)
    return await spending.by_hour(session, since, until, system=context.system.name)


def _cost(rows: Sequence[Spent]) -> Decimal:
    return sum(row.cost_nano for row in rows) * _NANO


def _ratio(now: Decimal | None, before: Decimal | None) -> float | None:
    return round(float(now / before), 2) if now is not None and before else None


def _top(found: Sequence[Spent], before: Sequence[Spent], kind: str) -> Reading:
    """What rose most, with its share of the rise; where nothing rose, what costs most, with its share of the cost."""
    rise: Counter[str] = Counter()
    for row in found:
        rise[getattr(row, kind) or ""] += row.cost_nano
    whole = Counter(rise)
    for row in before:
        rise[getattr(row, kind) or ""] -= row.cost_nano
    counted = rise if sum(rise.values()) > 0 else whole
    named = {name: nano for name, nano in counted.items() if name and nano > 0}
    total = sum(nano for nano in counted.values() if nano > 0)
    if not named or not total:
        return {f"top_{kind}": "", f"top_{kind}_share": 0.0}
    top = max(named, key=lambda name: named[name])
    return {f"top_{kind}": top, f"top_{kind}_share": round(named[top] / total, 3)}
