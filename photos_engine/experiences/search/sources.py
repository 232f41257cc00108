"""What search asks: the store, the vector index, the taxonomy, the text encoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

from photos_engine.analyzers.taxonomy import Taxonomy
from photos_engine.index import VectorIndex
from photos_engine.store import UnitOfWork
from photos_engine.types import FloatArray, Tag

Encode = Callable[[Sequence[str]], FloatArray]
"""Texts -> (n, 512) float32, L2-normalised, in the space of the photos' embeddings."""


@dataclass(frozen=True, slots=True)
class Concepts:
    """The taxonomy's tags in the joint space: what a phrase competes with, and what is near to it.

    vectors: (len(tags), 512) float32, L2-normalised.
    """

    tags: tuple[Tag, ...]
    vectors: FloatArray = field(repr=False)

    @classmethod
    def of(cls, taxonomy: Taxonomy, encode: Encode) -> Concepts:
        """Encode every tag's label: once per model, about a second."""
        return cls(taxonomy.tags, encode([tag.label for tag in taxonomy.tags]))


@dataclass(frozen=True, slots=True)
class SearchSources:
    """One state of the library, and the means to read a query.

    `concepts` is called at most once a query, and only when a phrase reaches the joint space: whoever
    makes the sources keeps its result.
    """

    unit: UnitOfWork
    index: VectorIndex
    model: str
    taxonomy: Taxonomy
    encode: Encode
    concepts: Callable[[], Concepts]
    today: date
