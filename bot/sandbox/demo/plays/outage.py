"""The outage: Maria acknowledges, switches the provider, and switches back when it is over."""

from collections.abc import Sequence

from bot.sandbox.demo.health import Event
from bot.sandbox.demo.person import readable
from bot.sandbox.demo.plays.story import BOT, CHANNEL, Station, StationError, Story, answered, failed, provider_in


class Outage(Story):
    """See the module."""

    def stations(self) -> Sequence[Station]:
        return (
            *super().stations(),
            ("thread opened", self._thread_opened),
            ("acknowledged", self._acknowledged),
            ("provider switched", self._provider_switched),
            ("calls recovered", self._calls_recovered),
            ("calls in the trail", self._calls_in_the_trail),
            ("effect shown", self._effect_shown),
            ("provider healed", self._provider_healed),
            ("recovery shown", self._recovery_shown),
            ("undone", self._undone),
            ("resolved", self._resolved),
        )

    async def _thread_opened(self) -> None:
        await self.maria.finds(CHANNEL, "run_step", thread_ts=self.root["ts"])

    async def _acknowledged(self) -> None:
        message, button = await self.maria.finds(BOT, "acknowledge")
        await self.maria.clicks(BOT, message, button)
        await self.root_says("acknowledged", "maria")

    async def _provider_switched(self) -> None:
        message, button = await self.maria.finds(CHANNEL, "run_step", self.standby.key, thread_ts=self.root["ts"])
        asked = readable(button.get("confirm"))
        if self.standby.key not in asked or self.failing.key not in asked:
            raise StationError(f"the confirm dialog does not name the change: {asked or 'there is none'}")
        await self.maria.clicks(CHANNEL, message, button)
        await self._route_is(self.standby.key)

    async def _calls_recovered(self) -> None:
        await self.until(
            lambda world: (
                answered(world, self.standby.key, seconds=3) >= 6
                and not any(failed(world, provider["key"], seconds=3) for provider in world["providers"])
            )
        )

    async def _calls_in_the_trail(self) -> None:
        await self.maria.types(CHANNEL, f"/badday calls {CHANNEL} errors")
        await self.maria.sees(CHANNEL, self.failing.model, "overloaded")
        await self.maria.types(CHANNEL, f"/badday calls {CHANNEL} newest")
        await self.maria.sees(CHANNEL, self.standby.model)

    async def _effect_shown(self) -> None:
        """Before and since, from the trail."""
        where = {"thread_ts": self.root["ts"]}
        await self.maria.sees(CHANNEL, "effect of", "errors:", "→", f"{self.standby.key} ", **where)

    async def _provider_healed(self) -> None:
        await self.flip(Event.HEAL)
        await self.until(lambda world: provider_in(world, self.failing.key)["health"] == "healthy")

    async def _recovery_shown(self) -> None:
        await self.maria.sees(CHANNEL, "recovered", thread_ts=self.root["ts"])
        await self.maria.finds(CHANNEL, "undo_step", thread_ts=self.root["ts"])

    async def _undone(self) -> None:
        message, button = await self.maria.finds(CHANNEL, "undo_step", thread_ts=self.root["ts"])
        await self.maria.clicks(CHANNEL, message, button)
        await self._route_is(self.failing.key)
        await self.until(
            lambda world: (
                answered(world, self.failing.key, seconds=1) >= 1 and not failed(world, self.failing.key, seconds=1)
            )
        )

    async def _resolved(self) -> None:
        await self.root_says("resolved")

    async def _route_is(self, provider: str) -> None:
        await self.until(lambda world: bool(world["product"]) and world["product"]["route"] == provider)
