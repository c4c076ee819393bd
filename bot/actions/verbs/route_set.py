"""`route.set`: send a route's calls to another provider."""

from bot.actions.contract import Arguments
from bot.actions.driver import Target
from bot.actions.setting import Setting
from bot.switchboard.keys import Kind, Value, variant


class RouteArguments(Arguments):
    route: str
    """Name of a route of the incident's system."""
    to: str
    """The provider to serve: the route's primary or one of its standbys."""


class RouteSet(Setting):
    name = "route.set"
    With = RouteArguments
    kind = Kind.ROUTE

    def target_of(self, arguments: RouteArguments) -> str:
        return arguments.route

    def wanted(self, arguments: RouteArguments, current: Value) -> Value:
        return arguments.to

    def words(self, target: Target, current: Value, wanted: Value) -> str:
        return f"Switch {target} from {variant(Kind.ROUTE, current)} to {variant(Kind.ROUTE, wanted)}"

    def as_is(self, value: Value) -> str:
        return f"on {variant(Kind.ROUTE, value)}"
