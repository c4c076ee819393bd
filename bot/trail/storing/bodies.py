"""What calls said, compressed with a dictionary that was trained on other bodies."""

import threading
from collections.abc import Mapping, Sequence

import zstandard

LARGEST = 64 * 1024 * 1024
"""Bytes that a body may have unpacked; what claims more is damaged, or an attack."""
LEVEL = 2
"""Of zstd: with a dictionary two thirds of the time that level 3 takes, for 4 % more bytes; level 1 takes as long."""
DICTIONARY_BYTES = 112_640
FEWEST_SAMPLES = 50
"""Fewer bodies than that teach nothing."""


class BodyError(ValueError):
    """A stored body cannot be read: its dictionary is missing, or it is damaged."""


class Codec:
    """Packs with the dictionary `current` (None: without any) and unpacks with whichever a body was packed with.

    May be used by several threads.
    """

    def __init__(self, dictionaries: Mapping[int, bytes], current: int | None) -> None:
        if current is not None and current not in dictionaries:
            raise BodyError(f"the body dictionary {current} is missing")
        self.current = current
        self._dictionaries = {
            key: zstandard.ZstdCompressionDict(content, dict_type=zstandard.DICT_TYPE_FULLDICT)
            for key, content in dictionaries.items()
        }
        if current is not None:
            self._dictionaries[current].precompute_compress(level=LEVEL)
        self._own = threading.local()  # neither a compressor nor a decompressor bears two threads at once

    def pack(self, text: str) -> bytes:
        compressor: zstandard.ZstdCompressor | None = getattr(self._own, "compressor", None)
        if compressor is None:
            known = None if self.current is None else self._dictionaries[self.current]
            compressor = zstandard.ZstdCompressor(
                level=LEVEL, dict_data=known, write_content_size=True, write_checksum=False, write_dict_id=False
            )
            self._own.compressor = compressor
        return compressor.compress(text.encode("utf-8", "surrogatepass"))

    def unpack(self, blob: bytes, dictionary_id: int | None) -> str:
        """The text again. Raises BodyError where the dictionary is missing or the bytes are no body of ours."""
        try:
            size = zstandard.frame_content_size(blob)
            if not 0 <= size <= LARGEST:
                raise BodyError(f"a body claims {size} bytes; at most {LARGEST} are read")
            raw = self._decompressor(dictionary_id).decompress(blob)
            return raw.decode("utf-8", "surrogatepass")
        except (zstandard.ZstdError, UnicodeDecodeError) as error:
            raise BodyError(f"a body is damaged: {error}") from error

    def _decompressor(self, dictionary_id: int | None) -> zstandard.ZstdDecompressor:
        made: dict[int | None, zstandard.ZstdDecompressor] | None = getattr(self._own, "decompressors", None)
        if made is None:
            made = self._own.decompressors = {}
        if dictionary_id not in made:
            if dictionary_id is not None and dictionary_id not in self._dictionaries:
                raise BodyError(f"the body dictionary {dictionary_id} is missing")
            known = None if dictionary_id is None else self._dictionaries[dictionary_id]
            made[dictionary_id] = zstandard.ZstdDecompressor(dict_data=known)
        return made[dictionary_id]


def train(samples: Sequence[bytes], size: int = DICTIONARY_BYTES) -> bytes:
    """A dictionary of at most `size` bytes for bodies like the samples (about 2,000, unpacked and redacted).

    Raises ValueError where the samples are too few or too much alike to learn from.
    """
    if len(samples) < FEWEST_SAMPLES:
        raise ValueError(f"{len(samples)} bodies are too few to train a dictionary, {FEWEST_SAMPLES} are needed")
    try:
        return zstandard.train_dictionary(size, list(samples), level=LEVEL).as_bytes()
    except zstandard.ZstdError as error:
        raise ValueError(f"no dictionary can be trained on these bodies: {error}") from error
