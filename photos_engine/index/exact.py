"""The exact index: one matrix product. The truth that every other index is measured against."""

from __future__ import annotations

import io
import threading
from pathlib import Path
from typing import Self
from zipfile import BadZipFile

import numpy as np

from photos_engine.errors import VectorIndexError, WrongModel
from photos_engine.files import write_atomically
from photos_engine.index.protocol import Keys, require_dimensions
from photos_engine.types import FloatArray


class ExactIndex:
    """Exact nearest neighbours by brute force, in memory."""

    def __init__(self, model: str, dimensions: int) -> None:
        self.model = model
        self.dimensions = dimensions
        # Keys and vectors change together: a search holds on to one pair, however others go on.
        self._rows: tuple[Keys, FloatArray] = (np.empty(0, np.int64), np.empty((0, dimensions), np.float32))
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._rows[0])

    def keys(self) -> Keys:
        """Every key in the index, ascending."""
        return np.sort(self._rows[0])

    def add(self, keys: Keys, vectors: FloatArray) -> None:
        """Put vectors in, in place of those that had the same keys."""
        require_dimensions(vectors, self.dimensions)
        with self._lock:
            old_keys, old_vectors = self._without(keys)
            self._rows = np.concatenate([old_keys, keys]), np.concatenate([old_vectors, vectors])

    def remove(self, keys: Keys) -> None:
        """Take vectors out; unknown keys are passed over."""
        with self._lock:
            self._rows = self._without(keys)

    def _without(self, keys: Keys) -> tuple[Keys, FloatArray]:
        kept = ~np.isin(self._rows[0], keys)
        return self._rows[0][kept], self._rows[1][kept]

    def search(self, queries: FloatArray, count: int) -> tuple[Keys, FloatArray]:
        """The `count` nearest for each query, best first."""
        require_dimensions(queries, self.dimensions)
        keys, vectors = self._rows
        k = min(count, len(keys))
        cosines = queries @ vectors.T  # (m, n)
        nearest = np.argpartition(-cosines, k - 1, axis=1)[:, :k] if 0 < k < len(keys) else np.argsort(-cosines)[:, :k]
        scores = np.take_along_axis(cosines, nearest, axis=1)
        order = np.argsort(-scores, axis=1, kind="stable")
        return keys[np.take_along_axis(nearest, order, axis=1)], np.take_along_axis(scores, order, axis=1)

    def nearest(self, query: FloatArray, count: int) -> tuple[Keys, FloatArray]:
        """The `count` nearest to one query, best first, with their vectors."""
        require_dimensions(query[None], self.dimensions)
        keys, vectors = self._rows
        best = np.argsort(-(vectors @ query), kind="stable")[: max(count, 0)]
        return keys[best], vectors[best]

    def save(self, path: Path) -> None:
        """Write the index to a file, atomically."""
        buffer = io.BytesIO()
        keys, vectors = self._rows
        np.savez(buffer, model=np.array(self.model), keys=keys, vectors=vectors)
        write_atomically(path, buffer.getvalue(), make_folders=True)

    @classmethod
    def load(cls, path: Path, model: str) -> Self:
        """Read what `save` wrote."""
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                found, keys, vectors = str(stored["model"]), stored["keys"], stored["vectors"]
        except (OSError, ValueError, KeyError, EOFError, TypeError, AttributeError, BadZipFile) as error:
            raise VectorIndexError(f"{path} is no vector index: {error}") from error
        if found != model:
            raise WrongModel(f"{path} was made from {found}, not {model}")
        index = cls(model, vectors.shape[1])
        index.add(keys, vectors)
        return index
