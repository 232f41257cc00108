"""The exact index: one matrix product. The truth that every other index is measured against."""

from __future__ import annotations

import io
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
        self._keys: Keys = np.empty(0, np.int64)
        self._vectors: FloatArray = np.empty((0, dimensions), np.float32)

    def __len__(self) -> int:
        return len(self._keys)

    def keys(self) -> Keys:
        """Every key in the index, ascending."""
        return np.sort(self._keys)

    def add(self, keys: Keys, vectors: FloatArray) -> None:
        """Put vectors in, in place of those that had the same keys."""
        require_dimensions(vectors, self.dimensions)
        self.remove(keys)
        self._keys = np.concatenate([self._keys, keys])
        self._vectors = np.concatenate([self._vectors, vectors])

    def remove(self, keys: Keys) -> None:
        """Take vectors out; unknown keys are passed over."""
        kept = ~np.isin(self._keys, keys)
        self._keys, self._vectors = self._keys[kept], self._vectors[kept]

    def search(self, queries: FloatArray, count: int) -> tuple[Keys, FloatArray]:
        """The `count` nearest for each query, best first."""
        require_dimensions(queries, self.dimensions)
        k = min(count, len(self))
        cosines = queries @ self._vectors.T  # (m, n)
        nearest = np.argpartition(-cosines, k - 1, axis=1)[:, :k] if 0 < k < len(self) else np.argsort(-cosines)[:, :k]
        scores = np.take_along_axis(cosines, nearest, axis=1)
        order = np.argsort(-scores, axis=1, kind="stable")
        return self._keys[np.take_along_axis(nearest, order, axis=1)], np.take_along_axis(scores, order, axis=1)

    def save(self, path: Path) -> None:
        """Write the index to a file, atomically."""
        buffer = io.BytesIO()
        np.savez(buffer, model=np.array(self.model), keys=self._keys, vectors=self._vectors)
        write_atomically(path, buffer.getvalue())

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
