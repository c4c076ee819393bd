"""Polling over HTTP: conditional, bounded in time and size, gentle to hosts, and never an exception for the caller."""

import asyncio
import os
import ssl
import zlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from typing import Self
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

import httpx

from bot.loopback import is_loopback
from bot.watches.shapes import is_html

MAX_BODY = 4 * 1024 * 1024
"""Bytes, compressed or not; the largest page recorded has 0.2 MB."""
MAX_REDIRECTS = 3
PER_HOST = 2
"""Connections: httpcore looks at every pooled connection at each request (42 ms CPU a poll with 200 of them)."""
IN_FLIGHT = 64
KEPT_HOSTS = 400
"""Clients kept open at a time; more would use up the process's file descriptors."""
KEEP_ALIVE = 90.0
"""Seconds: longer than the usual interval, so that the next poll finds its connection open."""
TIMEOUTS = httpx.Timeout(connect=5.0, read=10.0, write=5.0, pool=15.0)
WHOLE_TIMEOUT = 15.0
"""Seconds for one poll with its redirects: a server that drips a byte a second does not hold a place for ever."""
REVALIDATE = timedelta(hours=1)
"""A whole body is asked for this often, so that an ETag that is stuck cannot hide an outage."""
LONGEST_PAUSE = timedelta(minutes=15)
LONGEST_RETRY_AFTER = timedelta(hours=1)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Known:
    """What the last good answer left to compare the next one with."""

    etag: str | None = None
    last_modified: str | None = None
    body_hash: str | None = None
    validated_at: datetime | None = None
    """When a whole body came last."""


@dataclass(frozen=True, slots=True)
class Fresh:
    """A good answer whose body is not the known one."""

    body: bytes = field(repr=False)
    known: Known
    final_url: str


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A good answer with the known body."""

    known: Known
    final_url: str


@dataclass(frozen=True, slots=True)
class Failed:
    """No good answer: nothing is known about the page. `status` is that of HTTP where one came."""

    reason: str
    retry_after: timedelta | None = None
    status: int | None = None


Fetched = Fresh | Unchanged | Failed


class _RefusedError(Exception):
    """An answer that we do not take."""

    def __init__(self, reason: str, *, status: int | None = None, retry_after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.failed = Failed(reason, retry_after, status)


def pause_after(failed: Failed, failures: int, interval: timedelta) -> timedelta:
    """How long to leave the page alone after its `failures`-th failure in a row.

    A 4xx means that we are not wanted or at the wrong address: twice as long each time, up to a quarter of an hour.
    Anything else passes by itself, so the interval stays. Retry-After is honoured, up to an hour.
    """
    pause = interval
    if failed.status is not None and 400 <= failed.status < 500:
        pause = max(interval, min(interval * 2 ** min(failures, 10), LONGEST_PAUSE))
    if failed.retry_after is not None:
        pause = max(pause, min(failed.retry_after, LONGEST_RETRY_AFTER))
    return pause


def user_agent() -> str:
    """Says who asks, and why; status pages refuse the default agents of libraries."""
    try:
        number = version("badday")
    except PackageNotFoundError:
        number = "0"
    return f"Badday/{number} (on-call bot; watches this status page, at most a few times a minute)"


class Http:
    """A client for each host, all with one TLS context and with the proxies that the environment had at the start."""

    def __init__(
        self,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        environ: Mapping[str, str] = os.environ,
        timeouts: httpx.Timeout = TIMEOUTS,
        whole_timeout: float = WHOLE_TIMEOUT,
    ) -> None:
        self._clock = clock
        self._timeouts = timeouts
        self._whole_timeout = whole_timeout
        self._proxies = _proxies(environ)
        self._tls: ssl.SSLContext | None = None
        self._hosts: OrderedDict[str, _Host] = OrderedDict()
        self._places = asyncio.Semaphore(IN_FLIGHT)
        self._headers = {"User-Agent": user_agent(), "Accept": "application/json, */*;q=0.5", "Accept-Encoding": "gzip"}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        hosts, self._hosts = self._hosts, OrderedDict()
        for host in hosts.values():
            await host.client.aclose()

    async def fetch(self, url: str, known: Known = Known()) -> Fetched:
        """GET the URL with the validators that are known; whatever goes wrong is a Failed with a sentence."""
        try:
            return await self._follow(url, known)
        except _RefusedError as refused:
            return refused.failed
        except TimeoutError:
            return Failed(f"{_origin(url)} did not answer whole within {self._whole_timeout:g} s")
        except httpx.TimeoutException as error:
            return Failed(f"{_origin(url)} did not answer in time ({type(error).__name__})")
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, OSError, UnicodeError) as error:
            return Failed(f"{_origin(url)} cannot be reached: {str(error) or type(error).__name__}"[:300])

    async def _follow(self, url: str, known: Known) -> Fetched:
        target = httpx.URL(url)
        for _ in range(MAX_REDIRECTS + 1):
            _require_safe(target)
            answer = await self._get(target, known)
            if not isinstance(answer, httpx.URL):
                return answer
            if answer.scheme != target.scheme:
                raise _RefusedError(f"{_origin(url)} redirects from {target.scheme} to {answer.scheme}, refused")
            target = answer
        raise _RefusedError(f"{_origin(url)} redirects more than {MAX_REDIRECTS} times; the page has moved")

    async def _get(self, url: httpx.URL, known: Known) -> Fetched | httpx.URL:
        """One request: the answer, or where it redirects to."""
        host = await self._host(url)
        headers = self._validators(known)
        async with (
            host.use(),
            self._places,
            asyncio.timeout(self._whole_timeout),
            host.client.stream("GET", url, headers=headers) as response,
        ):
            if response.status_code in _REDIRECTS:
                await _limited(response)  # a connection whose answer was not read to its end is not used again
                return _location(response)
            if response.status_code == 304 and headers:
                await _limited(response)
                return Unchanged(known, str(url))
            if response.status_code != 200:
                raise _RefusedError(
                    f"{_origin(str(url))} answered HTTP {response.status_code}",
                    status=response.status_code,
                    retry_after=retry_after(response.headers.get("Retry-After"), self._clock()),
                )
            body = await _bounded(response)
        return self._judge(body, response.headers, known, url)

    def _judge(self, body: bytes, headers: httpx.Headers, known: Known, url: httpx.URL) -> Fetched:
        if is_html(body[:4096].decode("utf-8", "replace")):
            raise _RefusedError(
                f"{_origin(str(url))} answered an HTML page instead of data; it moved, or it blocks programs"
            )
        now_known = Known(
            etag=headers.get("ETag"),
            last_modified=headers.get("Last-Modified"),
            body_hash=sha256(body).hexdigest(),
            validated_at=self._clock(),
        )
        if now_known.body_hash == known.body_hash:
            return Unchanged(now_known, str(url))
        return Fresh(body, now_known, str(url))

    def _validators(self, known: Known) -> dict[str, str]:
        if known.body_hash is None or known.validated_at is None or self._clock() - known.validated_at >= REVALIDATE:
            return {}
        headers = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified}
        return {name: value for name, value in headers.items() if value}

    async def _host(self, url: httpx.URL) -> "_Host":
        key = f"{url.scheme}://{url.netloc.decode('ascii')}"
        host = self._hosts.get(key)
        if host is None:
            host = self._hosts[key] = _Host(self._client(url))
            await self._drop_idle()
        self._hosts.move_to_end(key)
        return host

    def _client(self, url: httpx.URL) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            verify=self._tls_context() if url.scheme == "https" else False,
            trust_env=False,
            proxy=_proxy_for(url, self._proxies),
            limits=httpx.Limits(
                max_connections=PER_HOST, max_keepalive_connections=PER_HOST, keepalive_expiry=KEEP_ALIVE
            ),
            timeout=self._timeouts,
            headers=self._headers,
        )

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = httpx.create_ssl_context()  # 20 ms and 0.9 MB: once
        return self._tls

    async def _drop_idle(self) -> None:
        """Close the clients that were not used for the longest time; one in use stays."""
        surplus = len(self._hosts) - KEPT_HOSTS
        idle = [key for key, host in self._hosts.items() if host.users == 0][: max(surplus, 0)]
        for key in idle:
            await self._hosts.pop(key).client.aclose()


class _Host:
    """A host's client and the queue in front of it: nobody waits inside the pool."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.users = 0
        self._places = asyncio.Semaphore(PER_HOST)

    @asynccontextmanager
    async def use(self) -> AsyncIterator[None]:
        self.users += 1
        try:
            async with self._places:
                yield
        finally:
            self.users -= 1


def retry_after(value: str | None, now: datetime) -> timedelta | None:
    """Retry-After as a duration: seconds or an HTTP date; None where it is neither. Never negative."""
    if value is None:
        return None
    if value.strip().isdigit():
        return timedelta(seconds=min(int(value.strip()[:9]), 10**8))
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    return max((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now, timedelta())


async def _bounded(response: httpx.Response) -> bytes:
    """The decompressed body; refused as soon as it grows beyond MAX_BODY, before or after decompression."""
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding in {"", "identity"}:
        return await _limited(response)
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        raise _RefusedError(f"{_origin(str(response.url))} compressed its answer as {encoding[:20]}, unasked")
    unpack = zlib.decompressobj(wbits=47)  # finds gzip and zlib headers by itself
    body = bytearray()
    try:
        async for chunk in response.aiter_raw():
            body += unpack.decompress(chunk, MAX_BODY + 1 - len(body))
            _require_small(body, response)
    except zlib.error as error:
        raise _RefusedError(f"{_origin(str(response.url))} sent a damaged compressed answer: {error}") from error
    if not unpack.eof:
        raise _RefusedError(f"{_origin(str(response.url))} sent a compressed answer that is cut off")
    return bytes(body)


async def _limited(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        _require_small(body, response)
    return bytes(body)


def _require_small(body: bytearray, response: httpx.Response) -> None:
    if len(body) > MAX_BODY:
        raise _RefusedError(f"{_origin(str(response.url))} sent more than {MAX_BODY // 2**20} MiB, refused")


def _require_safe(url: httpx.URL) -> None:
    if url.scheme == "https" or (url.scheme == "http" and is_loopback(url.host)):
        return
    raise _RefusedError(f"{_origin(str(url))}: only https is polled (plain http on this machine alone)")


def _location(response: httpx.Response) -> httpx.URL:
    location = response.headers.get("Location")
    if not location:
        raise _RefusedError(f"{_origin(str(response.url))} redirects to nowhere", status=response.status_code)
    return response.url.join(location)


def _origin(url: str) -> str:
    """The URL without query and user, short enough for a sentence."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return url[:100]
    return f"{parsed.scheme}://{parsed.host}{f':{parsed.port}' if parsed.port else ''}{parsed.path}"[:200]


def _proxies(environ: Mapping[str, str]) -> dict[str, str]:
    if environ is os.environ:
        return getproxies_environment()
    wanted = ("http", "https", "all", "no")
    lower = {name.lower(): value for name, value in environ.items() if value}
    return {scheme: lower[f"{scheme}_proxy"] for scheme in wanted if f"{scheme}_proxy" in lower}


def _proxy_for(url: httpx.URL, proxies: dict[str, str]) -> str | None:
    if is_loopback(url.host) or proxy_bypass_environment(url.host, proxies):
        return None
    proxy = proxies.get(url.scheme) or proxies.get("all")
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy
