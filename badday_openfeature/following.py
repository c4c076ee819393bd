"""Follows the switchboard in a thread of its own: fetches all values, listens for changes, and outlasts everything.

the bot          | what is done
answers          | fetch (ETag), then listen to its stream; each event is a fetch
has no stream    | fetch every few seconds
is down, frozen, | keep what is known, try again with pauses from a half to ten seconds
or answers with  |
rubbish          |
"""

import logging
import threading
from collections.abc import Callable
from random import uniform
from time import monotonic
from urllib.parse import urljoin

import httpx
from httpx_sse import SSEError, connect_sse

from badday_openfeature.values import RubbishError, Snapshot, read

log = logging.getLogger("badday_openfeature")

BULK = "/ofrep/v1/evaluate/flags"
STREAM = "/ofrep/v1/stream"
FETCH_WITHIN = 5.0
SILENT_FOR = 12.0
"""Seconds without a byte after which a stream is given up; the bot sends a comment every five."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0


class Follower:
    """One thread. `on_values` gets each new snapshot with its text; `on_contact` is called whenever the bot answers."""

    def __init__(
        self,
        base_url: str,
        token: str | None,
        *,
        poll_every: float,
        on_values: Callable[[Snapshot, bytes], None],
        on_contact: Callable[[], None],
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = {"X-API-Key": token} if token else {}
        self._poll_every = poll_every
        self._on_values = on_values
        self._on_contact = on_contact
        self._ending = threading.Event()
        self._etag: str | None = None
        self._told: str | None = None
        self.listening = False
        """Whether a stream is open on which the bot shows that it lives."""
        self._thread = threading.Thread(target=self._run, name="badday switchboard", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, within: float = 1.0) -> None:
        """End it; a request that is under way may outlast it, in a thread that ends with the process."""
        self._ending.set()
        self._thread.join(within)

    def _run(self) -> None:
        pause = FIRST_PAUSE
        limits = httpx.Timeout(FETCH_WITHIN, connect=2.0)
        # The environment's proxies are meant for the internet.
        with httpx.Client(timeout=limits, headers=self._headers, trust_env=False) as client:
            while not self._ending.is_set():
                begun = monotonic()
                try:
                    self._fetch(client)
                    self._listen(client)
                except Exception as error:  # noqa: BLE001 - whatever happens here, the product goes on
                    self._tell(f"{type(error).__name__}: {error}")
                if monotonic() - begun > LONGEST_PAUSE:
                    pause = FIRST_PAUSE
                # A crowd of products does not come back in one moment.
                self._ending.wait(uniform(pause / 2, pause))  # noqa: S311 - no secret
                pause = min(LONGEST_PAUSE, pause * 2)

    def _fetch(self, client: httpx.Client) -> None:
        headers = {"If-None-Match": self._etag} if self._etag else {}
        answer = client.post(f"{self._base_url}{BULK}", json={"context": {}}, headers=headers)
        if answer.status_code == httpx.codes.NOT_MODIFIED:
            self._on_contact()
            return
        if answer.status_code != httpx.codes.OK:
            raise RubbishError(f"the switchboard answered {answer.status_code}")
        snapshot = read(answer.content)
        self._etag, self._told = answer.headers.get("etag"), None
        self._on_contact()
        self._on_values(snapshot, answer.content)

    def _listen(self, client: httpx.Client) -> None:
        """Fetch at each event, until the stream ends; where there is none, now and then."""
        limits = httpx.Timeout(FETCH_WITHIN, read=SILENT_FOR)
        with connect_sse(client, "GET", urljoin(self._base_url + "/", STREAM.lstrip("/")), timeout=limits) as stream:
            if stream.response.status_code == httpx.codes.NOT_FOUND:
                return self._poll(client)
            stream.response.raise_for_status()
            try:
                for _ in stream.iter_sse():
                    if self._ending.is_set():
                        return None
                    self._fetch(client)
                    self.listening = True
            except SSEError:
                return self._poll(client)
            finally:
                self.listening = False
                self._on_contact()  # until a moment ago it lived
        return None

    def _poll(self, client: httpx.Client) -> None:
        while not self._ending.wait(self._poll_every):
            self._fetch(client)

    def _tell(self, what: str) -> None:
        """Once for each kind of trouble: a bot that is down for a day is one line of the product's log."""
        if what != self._told:
            self._told = what
            log.warning("the switchboard cannot be followed, its last values stay in force: %s", what)
