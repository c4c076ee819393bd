"""What a test does behind the scenes: faults, the transport, the clock."""

from datetime import UTC, datetime
from typing import Any

from bot.sandbox.control.reading import Asked, ControlError
from bot.sandbox.faults import Fault, Kind
from bot.sandbox.http_delivery import SignedHttp
from bot.sandbox.parts import Parts
from bot.sandbox.socket_mode import SocketMode
from bot.sandbox.workspace import Json

ACTIONS = ("disconnect", "refresh", "transport", "off")


async def fault(asked: Asked) -> Json:
    """Set a fault that waits to strike, or do one at once: disconnect, refresh, transport, off."""
    kind = asked.required("kind")
    if kind in ACTIONS:
        await _at_once(asked, kind)
        return {}
    if kind not in [member.value for member in Kind]:
        known = ", ".join([*Kind, *ACTIONS])
        raise ControlError(f"there is no fault {kind!r}; there are: {known}")
    asked.parts.faults.add(_fault(asked, Kind(kind)))
    return {"faults": [waiting.as_json() for waiting in asked.parts.faults.waiting]}


async def faults(asked: Asked) -> Json:
    return {"faults": [waiting.as_json() for waiting in asked.parts.faults.waiting]}


async def clock(asked: Asked) -> Json:
    """Set the clock (`set`: ISO 8601) or move it on (`advance`: seconds)."""
    if "advance" in asked.body:
        try:
            asked.parts.clock.advance(asked.number("advance"))
        except OverflowError:
            raise ControlError(f"advance {asked.text('advance')} leads beyond the calendar") from None
    elif "set" in asked.body:
        try:
            at = datetime.fromisoformat(asked.required("set"))
        except ValueError:
            raise ControlError(f"{asked.text('set')!r} is not an ISO 8601 time; write 2026-03-02T09:00:00Z") from None
        asked.parts.clock.set(at if at.tzinfo else at.replace(tzinfo=UTC))
    return {"now": asked.parts.clock.now().isoformat()}


async def settle(asked: Asked) -> Json:
    """Answer when every event is acknowledged or given up."""
    await asked.parts.delivery.settled()
    return {}


async def use_http(parts: Parts, url: str) -> None:
    """Deliver by signed HTTP to this request URL from now on. Raises ControlError when it does not echo a challenge."""
    transport = SignedHttp(url, parts.app.signing_secret, parts.clock)
    if not await transport.verify():
        await transport.close()
        raise ControlError(f"{url} did not echo the challenge of url_verification; start the app first")
    await _leave(parts)
    parts.delivery.transport = transport


async def use_sockets(parts: Parts) -> None:
    await _leave(parts)
    parts.delivery.transport = parts.sockets


async def _leave(parts: Parts) -> None:
    transport = parts.delivery.transport
    if isinstance(transport, (SocketMode, SignedHttp)):
        await transport.close()


async def _at_once(asked: Asked, kind: str) -> None:
    match kind:
        case "disconnect":
            await asked.parts.sockets.cut()
        case "refresh":
            count = int(asked.number("connections")) if "connections" in asked.body else None
            await asked.parts.sockets.refresh(asked.number("seconds", 0.0), count)
        case "transport":
            await _transport(asked)
        case _:
            asked.parts.faults.clear(asked.text("method") or None)


async def _transport(asked: Asked) -> None:
    wanted = asked.text("transport")
    if wanted == "socket":
        await use_sockets(asked.parts)
    elif wanted == "http":
        await use_http(asked.parts, asked.required("url"))
    else:
        raise ControlError(f"transport {wanted!r} is neither socket nor http (with url)")


def _fault(asked: Asked, kind: Kind) -> Fault:
    times: Any = asked.body.get("times", 1)
    return Fault(
        kind,
        method=asked.text("method") or None,
        channel=_channel(asked),
        times=None if times is None else int(asked.number("times", 1)),
        seconds=None if asked.body.get("seconds") is None else asked.number("seconds"),
        retry_after=int(asked.number("retry_after", 1)),
        error=asked.text("error") or "internal_error",
    )


def _channel(asked: Asked) -> str | None:
    """The id of the channel that a fault names; a person is the direct message with the bot."""
    wanted = asked.text("channel")
    if not wanted:
        return None
    workspace = asked.parts.workspace
    found = workspace.channels.get(wanted) or workspace.channel_named(wanted)
    if found is None:
        user = workspace.user_named(wanted)
        if user is None:
            raise ControlError(f"there is no channel or user {wanted!r} that this fault could be about")
        found = workspace.direct(user.id, workspace.app.user_id)
    return found.id
