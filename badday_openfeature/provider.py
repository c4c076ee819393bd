"""The provider for the OpenFeature SDK: evaluations read memory alone, whatever state Badday is in.

| Badday                          | an evaluation gives                                        |
|---------------------------------|------------------------------------------------------------|
| answers                         | the value in force, at most a second old                   |
| is down, frozen, or speaks rubbish | the last value, for ever; reason `STALE` after a minute |
| was never reached, but before the product's last start | the value kept on disk              |
| was never reached               | the default that was passed                                |
"""

import hashlib
import os
import threading
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar, cast

from openfeature.evaluation_context import EvaluationContext
from openfeature.event import ProviderEvent, ProviderEventDetails
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import FlagResolutionDetails, FlagValueType, Reason
from openfeature.provider import AbstractProvider, Metadata

from badday_openfeature.following import Follower
from badday_openfeature.values import EMPTY, Snapshot, keep, load

STALE_AFTER = 60.0
READY_WITHIN = 1.0
POLL_EVERY = 5.0
T = TypeVar("T")
_REASONS = {"STATIC": Reason.STATIC, "SPLIT": Reason.SPLIT, "TARGETING_MATCH": Reason.TARGETING_MATCH}


class BaddayProvider(AbstractProvider):
    """Values in memory, followed by a thread; the last ones are kept on disk for the next start."""

    def __init__(
        self,
        base_url: str,
        *,
        token: str | None = None,
        cache: Path | str | None = None,
        ready_within: float = READY_WITHIN,
        stale_after: float = STALE_AFTER,
        poll_every: float = POLL_EVERY,
    ) -> None:
        """`base_url` is the bot's own; `token` one of `badday token create --scope read`. `cache` is the file of the
        last values (by default one for each bot in the user's cache folder). `ready_within` is how many seconds the
        start may wait for the first values, where none were kept."""
        super().__init__()
        self._base_url = base_url
        self._token = token
        self._cache = Path(cache) if cache is not None else _default_cache(base_url)
        self._ready_within = ready_within
        self._stale_after = stale_after
        self._poll_every = poll_every
        self._snapshot: Snapshot = EMPTY
        self._contact: float | None = None
        self._first = threading.Event()
        self._follower: Follower | None = None
        self._stale = False

    def get_metadata(self) -> Metadata:
        return Metadata(name="Badday")

    def initialize(self, evaluation_context: EvaluationContext) -> None:
        """Take the values of the last run, and begin to follow. Waits for the first answer only without such values."""
        self._snapshot = load(self._cache)
        self._follow()
        _restart_after_fork(self)
        if not self._snapshot:
            self._first.wait(self._ready_within)

    def shutdown(self) -> None:
        if self._follower is not None:
            self._follower.stop()
            self._follower = None

    @property
    def stale(self) -> bool:
        """Whether the bot has not answered for so long that its values may be old."""
        if self._follower is not None and self._follower.listening:
            return False
        return self._contact is None or monotonic() - self._contact > self._stale_after

    def keys(self, prefix: str = "") -> list[str]:
        """The keys that are known, for callers that obey every cap or ban there is."""
        return [key for key in self._snapshot if key.startswith(prefix)]

    def _follow(self) -> None:
        self._follower = Follower(
            self._base_url,
            self._token,
            poll_every=self._poll_every,
            on_values=self._take,
            on_contact=self._answered,
        )
        self._follower.start()

    def _answered(self) -> None:
        self._contact = monotonic()
        if self._stale:
            self._stale = False
            self._emit(ProviderEvent.PROVIDER_READY)

    def _take(self, snapshot: Snapshot, text: bytes) -> None:
        before, self._snapshot = self._snapshot, snapshot
        self._first.set()
        changed = sorted(key for key in before.keys() | snapshot.keys() if before.get(key) != snapshot.get(key))
        if changed:
            keep(self._cache, text)
            self._emit(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, changed)

    def _emit(self, event: ProviderEvent, changed: list[str] | None = None) -> None:
        emit = getattr(self, "_on_emit", None)
        if emit is not None:
            emit(self, event, ProviderEventDetails(flags_changed=changed))

    def _resolve(
        self, key: str, default: T, kinds: type | tuple[type, ...], context: EvaluationContext | None
    ) -> FlagResolutionDetails[T]:
        flag = self._snapshot.get(key)
        if flag is None:
            return FlagResolutionDetails(default, error_code=ErrorCode.FLAG_NOT_FOUND, reason=Reason.ERROR)
        flag = flag.now()
        user = context.targeting_key if context is not None and context.targeting_key else ""
        value: Any = flag.of(key, user)
        if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
            return FlagResolutionDetails(default, error_code=ErrorCode.TYPE_MISMATCH, reason=Reason.ERROR)
        stale = self.stale
        if stale and not self._stale:
            self._stale = True
            self._emit(ProviderEvent.PROVIDER_STALE)
        reason = Reason.STALE if stale else _REASONS.get(flag.reason, Reason.UNKNOWN)
        variant = value if flag.shares and isinstance(value, str) else flag.variant
        return FlagResolutionDetails(cast("T", value), reason=reason, variant=variant, flag_metadata=flag.metadata)

    def resolve_boolean_details(
        self, flag_key: str, default_value: bool, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[bool]:
        return self._resolve(flag_key, default_value, bool, evaluation_context)

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        return self._resolve(flag_key, default_value, str, evaluation_context)

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[int]:
        return self._resolve(flag_key, default_value, int, evaluation_context)

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[float]:
        return self._resolve(flag_key, default_value, (float, int), evaluation_context)

    def resolve_object_details(
        self,
        flag_key: str,
        default_value: Sequence[FlagValueType] | Mapping[str, FlagValueType],
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[Sequence[FlagValueType] | Mapping[str, FlagValueType]]:
        return self._resolve(flag_key, default_value, (dict, list), evaluation_context)


def _default_cache(base_url: str) -> Path:
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "badday"
    return folder / f"{hashlib.sha256(base_url.encode()).hexdigest()[:16]}.json"


def _restart_after_fork(provider: BaddayProvider) -> None:
    """A thread does not survive a fork: servers that fork their workers get one in each."""
    known = weakref.ref(provider)

    def restart() -> None:
        forked = known()
        if forked is not None and forked._follower is not None:
            forked._follow()

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=restart)
