"""What every vector index promises."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from photos_engine.errors import WrongDimension
from photos_engine.types import FloatArray

Keys = NDArray[np.int64]


class VectorIndex(Protocol):
    """Unit vectors by key, and which of them are nearest to a query.

    Vectors are (n, dimensions) float32, L2-normalised; keys (n,) int64, unique, not negative. Safe to
    search from several threads, also while others add and remove.
    """

    @property
    def model(self) -> str:
        """The model that made the vectors."""

    @property
    def dimensions(self) -> int:
        """The length of each vector."""

    def __len__(self) -> int: ...

    def keys(self) -> Keys:
        """Every key in the index, ascending."""

    def add(self, keys: Keys, vectors: FloatArray) -> None:
        """Put vectors in, in place of those that had the same keys. Raises: WrongDimension."""

    def remove(self, keys: Keys) -> None:
        """Take vectors out; unknown keys are passed over."""

    def search(self, queries: FloatArray, count: int) -> tuple[Keys, FloatArray]:
        """The `count` nearest for each query, best first.

        queries: (m, dimensions) float32, L2-normalised. Returns keys (m, k) and cosines (m, k), where
        k is `count` or, in a smaller index, its length. Raises: WrongDimension.
        """

    def nearest(self, query: FloatArray, count: int) -> tuple[Keys, FloatArray]:
        """The `count` nearest to one query, best first, with their vectors.

        query: (dimensions,) float32, L2-normalised. Returns keys (k,) and vectors (k, dimensions), k as in `search`,
        as the index has them: cosines with them differ by less than 0.001. Raises: WrongDimension.
        """

    def save(self, path: Path) -> None:
        """Write the index to a file, atomically. Raises: OSError."""

    @classmethod
    def load(cls, path: Path, model: str) -> Self:
        """Read what `save` wrote. Raises: WrongModel, VectorIndexError for a missing or damaged file."""


def require_dimensions(vectors: FloatArray, dimensions: int) -> None:
    """Raises: WrongDimension unless vectors are (n, dimensions)."""
    if vectors.ndim != 2 or vectors.shape[1] != dimensions:
        raise WrongDimension(f"expected vectors of shape (n, {dimensions}), not {vectors.shape}")
