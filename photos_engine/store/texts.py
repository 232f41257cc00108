"""Text that was read in pictures: which photo says what, and who has read it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, text

_SEARCH = text("SELECT rowid FROM picture_text WHERE picture_text MATCH :query ORDER BY rowid")
_QUOTE = text(
    "SELECT snippet(picture_text, 0, '[', ']', '...', 8) FROM picture_text"
    " WHERE picture_text MATCH :query AND rowid = :key"
)
_FORGET = text("DELETE FROM picture_text WHERE rowid = :key")


class TextRepository:
    """What stands in pictures, one row for each that was read, empty where there is nothing."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, key: int, words: str, reader: str) -> None:
        """Keep what a reader found in a photo, in place of what was found before."""
        self.forget(key)
        statement = text("INSERT INTO picture_text (rowid, words, reader) VALUES (:key, :words, :reader)")
        self._connection.execute(statement, {"key": key, "words": words, "reader": reader})

    def forget(self, key: int) -> None:
        """Forget what stands in a photo."""
        self._connection.execute(_FORGET, {"key": key})

    def unread(self, keys: Sequence[int], reader: str) -> list[int]:
        """Those of the photos that this reader has not read."""
        statement = text("SELECT rowid FROM picture_text WHERE reader = :reader")
        done = set(self._connection.scalars(statement, {"reader": reader}))
        return [key for key in keys if key not in done]

    def search(self, query: str) -> NDArray[np.int64]:
        """The keys of the photos in which an FTS5 query matches, (n,) ascending."""
        return np.array(list(self._connection.scalars(_SEARCH, {"query": query})), np.int64)

    def quote(self, query: str, key: int) -> str:
        """The words in one photo that match an FTS5 query, marked by [ ], with those around them; else nothing."""
        return self._connection.scalar(_QUOTE, {"query": query, "key": key}) or ""
