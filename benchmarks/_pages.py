"""Many status pages on many loopback addresses, in a process of its own; prints its port, ends with its standard input.

Every page has an ETag and a body of about 10 KB with 40 components.
"""

import asyncio
import json
import sys

from tests.unit.watches.pages import component, encoded, statuspage

HOSTS = 200


def address(number: int) -> str:
    return f"127.0.1.{number % HOSTS + 1}"


class Page(asyncio.Protocol):
    """Just enough HTTP: a whole request comes in one piece, because it is small."""

    body = encoded(statuspage(components=[component(f"c{n}", f"Model {n}", position=n) for n in range(40)]))
    whole = b'HTTP/1.1 200 OK\r\nETag: "1"\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n' % len(body)
    same = b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n'

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        known = b"if-none-match" in data.lower()
        self.transport.write(self.same if known else self.whole + self.body)


async def main() -> None:
    loop = asyncio.get_running_loop()
    first = await loop.create_server(Page, address(0), 0)
    port = first.sockets[0].getsockname()[1]
    others = [await loop.create_server(Page, address(number), port) for number in range(1, HOSTS)]
    print(json.dumps({"port": port}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for server in (first, *others):
        server.close()


if __name__ == "__main__":
    asyncio.run(main())
