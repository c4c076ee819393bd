"""`probe.provider`, `probe.route`: how calls go now, by the trail; and what the provider says of itself."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlmodel import col

from bot.actions.contract import ActionContext, ActionError, Arguments, Reading
from bot.actions.reading import Looking
from bot.catalog import Catalog, System
from bot.catalog.strict import Span
from bot.catalog.values import written
from bot.store.tables import WatchState
from bot.switchboard import board
from bot.trail.queries.answered import Answered, answered
from bot.watches import routed


class ProviderArguments(Arguments):
    provider: str
    """A provider of the incident's system."""
    last: Span = timedelta(minutes=5)
    """How far back calls are looked at."""


class ProbeProvider(Looking[ProviderArguments]):
    """Is it them or us? Their status page, our calls to them, and our calls to everybody else."""

    name = "probe.provider"
    With = ProviderArguments

    def check(self, catalog: Catalog, system: System, arguments: ProviderArguments) -> None:
        if arguments.provider not in system.providers:
            known = ", ".join(system.providers) or "none"
            raise ActionError(f"{system.name} has no provider {arguments.provider!r}; it has: {known}", permanent=True)

    async def read(self, context: ActionContext, arguments: ProviderArguments) -> Reading:
        since = context.clock() - arguments.last
        async with context.reading() as session:
            rows = await answered(session, context.system.name, since)
            watched = select(WatchState).where(col(WatchState.active).is_(True))
            states = (await session.execute(watched)).scalars().all()
        theirs = [row for row in rows if _provider(context, row) == arguments.provider]
        others = [row for row in rows if _provider(context, row) != arguments.provider]
        pages = [state for state in states if _page_of(context.catalog, state) == arguments.provider]
        return {
            "provider": arguments.provider,
            "status": pages[0].status if pages and not pages[0].stale else "unknown",
            **_share(theirs, ""),
            **_share(others, "others_"),
        }

    def intent(self, arguments: ProviderArguments) -> str:
        return f"Look at {arguments.provider}: its status page, and calls of the last {written(arguments.last)}"

    def tell(self, arguments: ProviderArguments, reading: Reading) -> str:
        page = str(reading["status"]).replace("_", " ")
        return (
            f"{arguments.provider}'s page says {page}; {_words(reading, '')} to it were answered in the last "
            f"{written(arguments.last)}, {_words(reading, 'others_')} to other providers"
        )


class RouteArguments(Arguments):
    route: str
    """A route of the incident's system."""
    last: Span | None = None
    """How far back calls are looked at; since the route was switched last, at most 15m, where it is left out."""


class ProbeRoute(Looking[RouteArguments]):
    """How the route's calls go since it was switched."""

    name = "probe.route"
    With = RouteArguments

    def check(self, catalog: Catalog, system: System, arguments: RouteArguments) -> None:
        if arguments.route not in system.routes:
            routes = ", ".join(system.routes) or "none"
            message = f"{system.name} has no route {arguments.route!r}; its routes are: {routes}"
            raise ActionError(message, permanent=True)

    async def read(self, context: ActionContext, arguments: RouteArguments) -> Reading:
        now = context.clock()
        async with context.reading() as session:
            current = await board.value(session, context.catalog, board.ROUTE + arguments.route)
            since = _since(now, arguments.last, current.changed_at if current is not None else None)
            rows = await answered(session, context.system.name, since)
        lines = [(routed.line_of(context.catalog, context.system, row), row) for row in rows]
        own = [row for line, row in lines if arguments.route in line.route.split("+")]
        return {
            "route": arguments.route,
            "value": current.value if current is not None and isinstance(current.value, str) else None,
            "since": since.isoformat(timespec="seconds"),
            **_share(own, ""),
        }

    def intent(self, arguments: RouteArguments) -> str:
        return f"Look at calls on route {arguments.route}"

    def tell(self, arguments: RouteArguments, reading: Reading) -> str:
        return f"{_words(reading, '')} on route {arguments.route} were answered since {reading['since'][11:16]} UTC"


def _since(now: datetime, last: timedelta | None, changed: datetime | None) -> datetime:
    if last is not None:
        return now - last
    return max(now - timedelta(minutes=15), changed) if changed is not None else now - timedelta(minutes=15)


def _provider(context: ActionContext, row: Answered) -> str | None:
    return context.catalog.provider_of(context.system, row.provider, row.model)


def _page_of(catalog: Catalog, state: WatchState) -> str | None:
    watch = catalog.watches.get(state.name)
    return watch.provider if watch is not None else None


def _share(rows: Iterable[Answered], prefix: str) -> Reading:
    """`ok_rate` is None without calls: nothing is known then, and no condition on it holds."""
    kept = list(rows)
    calls, good = sum(row.calls for row in kept), sum(row.answered for row in kept)
    return {f"{prefix}calls": calls, f"{prefix}ok_rate": round(good / calls, 4) if calls else None}


def _words(reading: Reading, prefix: str) -> str:
    calls, rate = reading[f"{prefix}calls"], reading[f"{prefix}ok_rate"]
    return f"{round(rate * 100)} % of {calls} calls" if rate is not None else "none of 0 calls"
