"""Finds the actions: every file of the folder `verbs`, without a list to keep."""

import inspect
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from bot.actions import verbs
from bot.actions.contract import Action

AnyAction = Action[Any]


class Registry(Mapping[str, AnyAction]):
    """Actions by name."""

    def __init__(self, actions: Iterable[AnyAction]) -> None:
        self._actions: dict[str, AnyAction] = {}
        for action in actions:
            if action.name in self._actions:
                raise ValueError(f"two actions are named {action.name}")
            self._actions[action.name] = action

    def __getitem__(self, name: str) -> AnyAction:
        return self._actions[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._actions)

    def __len__(self) -> int:
        return len(self._actions)

    def with_(self, *actions: AnyAction) -> "Registry":
        """This registry and further actions."""
        return Registry([*self._actions.values(), *actions])


@cache
def packaged() -> Registry:
    """The actions that come with Badday."""
    return Registry(_scan())


def _scan() -> Iterator[AnyAction]:
    for module in sorted(iter_modules(verbs.__path__), key=lambda each: each.name):
        loaded = import_module(f"{verbs.__name__}.{module.name}")
        for _, found in inspect.getmembers(loaded, inspect.isclass):
            own = found.__module__ == loaded.__name__ and not found.__name__.startswith("_")
            if own and issubclass(found, Action) and not inspect.isabstract(found):
                yield found()
