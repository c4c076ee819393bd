"""`route.set`: serve another provider for a route of the switchboard."""

from bot.actions.contract import Action, ActionContext, ActionError, Arguments, Reading
from bot.catalog import Catalog, System
from bot.switchboard import board


class RouteArguments(Arguments):
    route: str
    """Name of a route of the incident's system."""
    to: str
    """The provider to serve: the route's primary or one of its standbys."""


class RouteSet(Action[RouteArguments]):
    name = "route.set"
    With = RouteArguments

    def check(self, catalog: Catalog, system: System, arguments: RouteArguments) -> None:
        route = system.routes.get(arguments.route)
        if route is None:
            routes = ", ".join(system.routes) or "none"
            raise ActionError(f"{system.name} has no route {arguments.route!r}; its routes are: {routes}")
        if arguments.to not in route.providers:
            raise ActionError(
                f"route {route.name} cannot go to {arguments.to!r}; its providers are: {', '.join(route.providers)}"
            )

    async def read(self, context: ActionContext, arguments: RouteArguments) -> Reading:
        async with context.reading() as session:
            found = await board.value(session, context.catalog, board.ROUTE + arguments.route)
        if found is None:
            raise ActionError(f"the catalog has no route {arguments.route!r} any more")
        return {"value": found.value, "changed_by": found.changed_by}

    async def apply(self, context: ActionContext, arguments: RouteArguments) -> None:
        async with context.transaction() as session:
            try:
                await board.change(
                    session,
                    context.catalog,
                    board.ROUTE + arguments.route,
                    arguments.to,
                    actor=context.actor,
                    incident_id=context.incident_id,
                    now=context.clock(),
                )
            except board.SwitchboardError as error:
                raise ActionError(str(error)) from error

    async def verify(self, context: ActionContext, arguments: RouteArguments) -> Reading:
        current = await self.read(context, arguments)
        if current["value"] != arguments.to:
            raise ActionError(f"route {arguments.route} was set to {arguments.to}, but serves {current['value']}")
        return current

    def reverse(self, arguments: RouteArguments, previous: Reading) -> RouteArguments:
        return RouteArguments(route=arguments.route, to=previous["value"])

    def describe(self, arguments: RouteArguments, current: Reading | None) -> str:
        if current is None:
            return f"Switch route {arguments.route} to {arguments.to}"
        if current["value"] == arguments.to:
            return f"Keep route {arguments.route} on {arguments.to}, where it already is"
        return f"Switch route {arguments.route} from {current['value']} to {arguments.to}"

    def is_ours(self, arguments: RouteArguments, current: Reading) -> bool:
        return bool(current["value"] == arguments.to)
