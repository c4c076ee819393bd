"""A request's body in full, but never more of it, and never for longer, than is asked for."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus

from starlette.requests import Request

from bot.http.problems import ProblemError
from bot.trail.receiving.wire import LARGEST_BODY, Unpacker, WireError


async def whole(request: Request, *, most: int) -> bytes:
    """The body; raises ProblemError 413 where it is larger than `most` bytes."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise ProblemError(413, f"the body is larger than {most} bytes", field="body")
    return bytes(body)


async def unpacked(
    request: Request, *, within: float, most: int = LARGEST_BODY, grown: Callable[[int], None] | None = None
) -> bytes:
    """The body as it was before the sender packed it, at most `most` bytes packed as well as unpacked.

    `grown` hears the bytes that are unpacked so far and may raise. Raises WireError where the body cannot be unpacked
    or is not there `within` seconds.
    """
    unpacker = Unpacker(request.headers.get("content-encoding"), cap=most)
    try:
        async with asyncio.timeout(within):
            async for chunk in request.stream():
                unpacker.feed(chunk)
                if grown is not None:
                    grown(unpacker.size)
    except TimeoutError:
        detail = f"the body did not come in within {within:.0f} seconds"
        raise WireError(HTTPStatus.REQUEST_TIMEOUT, detail, field="body") from None
    return unpacker.finish()
