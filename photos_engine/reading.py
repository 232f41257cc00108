"""Reading: the text in pictures that serve for reading, where an engine for it is installed.

A page takes seconds, a hundred times what the analyzer takes, so only those are read that serve as receipts,
documents, screenshots and the like, by a job of its own. Each is stored as it is read: a killed run goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from photos_engine.analyzers.reading import READ_SHORTER_PX, TextReader
from photos_engine.errors import PhotoError
from photos_engine.ingest import DecodePool, DecodeRequest
from photos_engine.store import Store
from photos_engine.types import Photo, Progress

READ_KINDS = ("receipt", "document", "screenshot", "whiteboard", "handwriting", "barcode", "meme")
"""The kinds of utility content that are made of text."""
_AT_ONCE = 500  # photos whose paths are looked up together


@dataclass(frozen=True, slots=True)
class Reading:
    """Reads what has not been read. open_pool: takes `shorter_px`, the pixels to decode to."""

    store: Store
    reader: TextReader
    open_pool: Callable[..., DecodePool]
    on_progress: Callable[[Progress], None] | None = None

    def run(self, keys: Sequence[int], limit: int | None = None) -> int:
        """Read those of the photos that this reader has not read, at most `limit`; returns how many it did."""
        with self.store.read() as unit:
            unread = unit.texts.unread(keys, self.reader.name)[:limit]
        if not unread:
            return 0
        started, done, read = time.monotonic(), 0, 0
        with self.open_pool(shorter_px=READ_SHORTER_PX) as pool:
            for start in range(0, len(unread), _AT_ONCE):
                with self.store.read() as unit:
                    photos = unit.photos.by_keys(unread[start : start + _AT_ONCE])
                for photo in photos.values():
                    read += self._read(photo, pool)
                    done += 1
                    if self.on_progress is not None:
                        self.on_progress(Progress("read", done, len(unread), time.monotonic() - started))
        return read

    def _read(self, photo: Photo, pool: DecodePool) -> bool:
        words = _words_in(photo.path, photo.id, pool, self.reader)
        if words is None:  # away, or another picture by now: the next scan says
            return False
        with self.store.begin() as unit:
            unit.texts.put(photo.key, words, self.reader.name)
        return True


def _words_in(path: Path, content_hash: str, pool: DecodePool, reader: TextReader) -> str | None:
    try:
        decoded = pool.decode_one(DecodeRequest(path))
    except PhotoError:
        return None
    return reader.read(decoded.pixels) if decoded.content_hash == content_hash else None
