"""The compression dictionaries as a writer sees them: read when one is new, kept while none is."""

from collections.abc import Callable, Mapping

from bot.trail.storing.bodies import Codec
from bot.trail.storing.rows import Unpack


class DictionaryCache:
    """Asks the store for the newest dictionary's id, and for the dictionaries only when that is another one."""

    def __init__(self) -> None:
        self._known: dict[int, bytes] = {}
        self._newest: int | None = None
        self._unpack: Unpack | None = None

    def current(
        self, newest: Callable[[], int | None], read: Callable[[], Mapping[int, bytes]]
    ) -> tuple[dict[int, bytes], int | None]:
        """All dictionaries by id, and the one for new bodies. The same mapping as long as nothing is new."""
        found = newest()
        if found != self._newest:
            self._known, self._newest, self._unpack = dict(read()), found, None
        return self._known, self._newest

    def unpacker(self, read: Callable[[], Mapping[int, bytes]]) -> Unpack:
        """Unpacks any stored body; reads the dictionaries again when a body names one that is new."""

        def unpack(packed: bytes, dictionary_id: int | None) -> str:
            if dictionary_id is not None and dictionary_id not in self._known:
                self._known, self._unpack = dict(read()), None
            if self._unpack is None:
                self._unpack = Codec(self._known, None).unpack
            return self._unpack(packed, dictionary_id)

        return unpack
