"""A small HTTP server on loopback that answers as badly as status pages can."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

Answer = Callable[["Asked", asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    connection: int


@dataclass
class PageServer:
    """Answers by path; `asked` is the journal of requests."""

    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    was_asked: asyncio.Event = field(default_factory=asyncio.Event)
    connections: int = 0
    busy: int = 0
    most_busy: int = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        self._open: set[asyncio.StreamWriter] = set()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for writer in self._open:
            writer.transport.abort()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        self._open.add(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
                asked = Asked(head[0].split()[1], headers, number)
                self.asked.append(asked)
                self.was_asked.set()
                self.busy += 1
                self.most_busy = max(self.most_busy, self.busy)
                try:
                    await self.answers.get(asked.path, reply(404))(asked, writer)
                    await writer.drain()
                finally:
                    self.busy -= 1
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()


def reply(status: int = 200, body: bytes = b"", *, after: float = 0, **headers: str) -> Answer:
    """An answer with this body; header names are written with `_` for `-`."""

    async def answer(_asked: Asked, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(after)
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        if status != 304:
            lines.append(f"Content-Length: {len(body)}")
        writer.write("\r\n".join([f"HTTP/1.1 {status} Said", *lines, "", ""]).encode() + body)

    return answer


def endless(chunk: bytes, *, pause: float = 0, **headers: str) -> Answer:
    """An answer that never ends, chunk after chunk."""

    async def answer(_asked: Asked, writer: asyncio.StreamWriter) -> None:
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join(["HTTP/1.1 200 OK", "Transfer-Encoding: chunked", *lines, "", ""]).encode())
        while True:
            writer.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            await writer.drain()
            await asyncio.sleep(pause)

    return answer


def validated(body: bytes, etag: str) -> Answer:
    """An answer with an ETag, and 304 for whoever has it."""

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        known = asked.headers.get("if-none-match") == etag.lower()
        await (reply(304, ETag=etag) if known else reply(200, body, ETag=etag))(asked, writer)

    return answer
