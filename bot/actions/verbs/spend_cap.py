"""`spend.cap`: limit what calls may cost a day; the product obeys `cap.<name>` once it is closed."""

from bot.actions.contract import ActionError, Arguments
from bot.actions.driver import Target
from bot.actions.setting import Setting
from bot.switchboard.keys import Kind, RefusedValueError, Value, cap_value

OFF = "off"


class CapArguments(Arguments):
    cap: str
    """Name of a cap of the incident's system."""
    amount: str | int
    """US dollars a UTC day, to the cent: `"100.00"`; `off` takes the limit away."""


class SpendCap(Setting):
    name = "spend.cap"
    With = CapArguments
    kind = Kind.CAP

    def target_of(self, arguments: CapArguments) -> str:
        return arguments.cap

    def wanted(self, arguments: CapArguments, current: Value) -> Value:
        amount = str(arguments.amount).strip().removeprefix("$")
        if amount == OFF:
            return None
        try:
            return cap_value(amount, f"cap {arguments.cap}")
        except RefusedValueError as error:
            raise ActionError(str(error), permanent=True) from error

    def words(self, target: Target, current: Value, wanted: Value) -> str:
        if not isinstance(wanted, dict):
            return f"Take the limit of {target} away, which is {_shown(current)}"
        before = f"from {_shown(current)} to " if isinstance(current, dict) else "at "
        return f"Limit {target} {before}{_shown(wanted)}"

    def as_is(self, value: Value) -> str:
        return f"at {_shown(value)}"


def _shown(value: Value) -> str:
    return f"${value['amount']} a day" if isinstance(value, dict) else "no limit"
