"""`feature.off`, `feature.on`: pull a feature, and bring it back."""

from bot.actions.contract import Arguments
from bot.actions.driver import Target
from bot.actions.setting import Setting
from bot.switchboard.keys import Kind, Value


class FeatureArguments(Arguments):
    feature: str
    """Name of a feature of the incident's system."""


class _Feature(Setting):
    With = FeatureArguments
    kind = Kind.FEATURE
    on: bool

    def target_of(self, arguments: FeatureArguments) -> str:
        return arguments.feature

    def wanted(self, arguments: FeatureArguments, current: Value) -> Value:
        return self.on

    def words(self, target: Target, current: Value, wanted: Value) -> str:
        return f"Switch {target} {'on' if wanted else 'off'}"

    def as_is(self, value: Value) -> str:
        return "on" if value else "off"


class FeatureOff(_Feature):
    name = "feature.off"
    on = False


class FeatureOn(_Feature):
    name = "feature.on"
    on = True
