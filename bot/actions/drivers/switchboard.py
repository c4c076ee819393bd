"""The built-in switchboard, which products read over OFREP."""

from bot.actions.contract import ActionContext, ActionError
from bot.actions.driver import Driver, Seen, Target
from bot.switchboard import board
from bot.switchboard.keys import Value


class Switchboard(Driver):
    """Values in the bot's own store; a change counts for the product's next evaluation."""

    local = True

    async def read(self, context: ActionContext, target: Target) -> Seen:
        async with context.reading() as session:
            found = await board.value(session, context.catalog, target.key)
        if found is None:
            raise ActionError(f"the catalog has no {target.kind} {target.name!r} any more", permanent=True)
        return Seen(found.value, found.changed_by, found.changed_at)

    async def put(self, context: ActionContext, target: Target, value: Value) -> None:
        async with context.transaction() as session:
            try:
                await board.change(
                    session,
                    context.catalog,
                    target.key,
                    value,
                    actor=context.actor,
                    incident_id=context.incident_id,
                    now=context.clock(),
                )
            except board.SwitchboardError as error:
                raise ActionError(str(error), permanent=True) from error
