"""A request's body in full, but never more of it than is asked for."""

from starlette.requests import Request

from bot.http.problems import ProblemError


async def whole(request: Request, *, most: int) -> bytes:
    """The body; raises ProblemError 413 where it is larger than `most` bytes."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise ProblemError(413, f"the body is larger than {most} bytes", field="body")
    return bytes(body)
