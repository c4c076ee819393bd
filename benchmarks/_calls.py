"""Calls for benchmarks: bodies as products send them, a client that is quicker than the bot, and a steady load.

`python -m benchmarks._calls PORT SPANS BODIES_PER_SECOND` posts until its standard input ends.
"""

import asyncio
import gzip
import random
import sys
import threading
import time

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.unit.trail.otlp_bodies import add_span, chat_attributes, trace_request

CONNECTIONS = 16
WORDS = (
    "parcel",
    "refund",
    "invoice",
    "the",
    "a",
    "where",
    "is",
    "my",
    "order",
    "late",
    "delivery",
    "address",
    "please",
)


class Connection:
    """Just enough of an HTTP client, kept open: the sender shall not be slower than the bot."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> "Connection":
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def post(self, body: bytes) -> int:
        """The status of the answer."""
        encoding = b"Content-Encoding: gzip\r\n" if body[:2] == b"\x1f\x8b" else b""
        head = b"POST /v1/traces HTTP/1.1\r\nHost: bot\r\nContent-Type: application/x-protobuf\r\n"
        self._writer.write(head + encoding + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        head = await self._reader.readuntil(b"\r\n\r\n")
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                await self._reader.readexactly(int(value))
        return int(head.split(None, 2)[1])

    def close(self) -> None:
        self._writer.close()


def text(characters: int) -> str:
    """Words like those of a support desk, no two texts alike."""
    return " ".join(random.choices(WORDS, k=characters // 6)) + f" {random.getrandbits(64):x}"


def request(spans: int) -> ExportTraceServiceRequest:
    """Calls of just now with 3.3 KB of content each."""
    made = trace_request()
    now = time.time_ns()
    for _ in range(spans):
        attributes = chat_attributes(f"chatcmpl-{random.getrandbits(96):x}") | {
            "gen_ai.input.messages": f'[{{"role":"user","parts":[{{"type":"text","content":"{text(2500)}"}}]}}]',
            "gen_ai.output.messages": f'[{{"role":"assistant","parts":[{{"type":"text","content":"{text(600)}"}}]}}]',
        }
        add_span(
            made,
            trace_id=random.randbytes(16),
            span_id=random.randbytes(8),
            start_time_unix_nano=now - 10**9,
            end_time_unix_nano=now,
            attributes=attributes,
        )
    return made


def bodies(spans: int, *, count: int, packed: bool) -> list[bytes]:
    made = (request(spans).SerializeToString() for _ in range(count))
    return [gzip.compress(body, 6) if packed else body for body in made]


async def load(port: int, spans: int, rate: float, until: threading.Event) -> None:
    """Post so many bodies a second, evenly, until told to end."""
    connections = [await Connection.open(port) for _ in range(CONNECTIONS)]
    free = asyncio.Queue[Connection]()
    for connection in connections:
        free.put_nowait(connection)
    sending: set[asyncio.Task[None]] = set()

    async def send(connection: Connection) -> None:
        await connection.post(request(spans).SerializeToString())
        free.put_nowait(connection)

    due = time.perf_counter()
    while not until.is_set():
        task = asyncio.create_task(send(await free.get()))
        sending.add(task)
        task.add_done_callback(sending.discard)
        due += 1 / rate
        await asyncio.sleep(max(0, due - time.perf_counter()))


def main(port: int, spans: int, rate: float) -> None:
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    asyncio.run(load(port, spans, rate, ended))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
