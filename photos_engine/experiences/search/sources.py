"""What search asks: the store, the vector index, the taxonomy, the text encoder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from photos_engine.analyzers.taxonomy import Taxonomy
from photos_engine.experiences.search.matches import Matches
from photos_engine.experiences.search.names import LibraryNames
from photos_engine.index import VectorIndex
from photos_engine.index.protocol import Keys
from photos_engine.store import UnitOfWork
from photos_engine.store.lookups import Roster
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


@dataclass(frozen=True, slots=True, eq=False)
class Postings:
    """Which photos have which values, and how surely, in columns ordered by value.

    keys (n,) int64, chances (n,) float32, codes (n,) int64, ascending: numbers of values.
    """

    keys: Keys
    chances: FloatArray
    codes: NDArray[np.int64]
    numbers: Mapping[str, int]  # of each value

    @classmethod
    def of(cls, rows: Sequence[tuple[int, str, float]]) -> Postings:
        """Columns of (photo key, value, chance) in any order."""
        numbers: dict[str, int] = {}
        codes = np.fromiter((numbers.setdefault(value, len(numbers)) for _, value, _ in rows), np.int64, len(rows))
        keys = np.fromiter((key for key, _, _ in rows), np.int64, len(rows))
        chances = np.fromiter((chance for _, _, chance in rows), np.float32, len(rows))
        order = np.lexsort((keys, codes))
        return cls(keys[order], chances[order], codes[order], numbers)

    def find(self, values: Iterable[str]) -> tuple[Keys, FloatArray]:
        """The photos that have one of the values: keys (m,) ascending, and the highest chance of each."""
        numbers = [self.numbers[value] for value in values if value in self.numbers]
        spans = [slice(*np.searchsorted(self.codes, (number, number + 1))) for number in numbers]
        if len(spans) == 1:
            return self.keys[spans[0]], self.chances[spans[0]]
        keys = np.concatenate([self.keys[:0], *(self.keys[span] for span in spans)])
        chances = np.concatenate([self.chances[:0], *(self.chances[span] for span in spans)])
        order = np.lexsort((-chances, keys))
        found, first = np.unique(keys[order], return_index=True)
        return found, chances[order][first]

    def counts(self) -> dict[str, int]:
        """Value -> how many photos have it, most frequent first."""
        counts = np.bincount(self.codes, minlength=len(self.numbers)).tolist()
        ranked = sorted(self.numbers, key=lambda value: (-counts[self.numbers[value]], value))
        return {value: counts[self.numbers[value]] for value in ranked}

    def count_within(self, keys: Keys) -> list[tuple[str, int]]:
        """The values that these photos have, and how many of them have each."""
        counts = np.bincount(self.codes[np.isin(self.keys, keys)], minlength=len(self.numbers))
        return [(value, int(counts[number])) for value, number in self.numbers.items() if counts[number]]


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """What every query of one state of the library needs, read once: whoever makes the sources keeps it by revision.

    sample: (n, 512) float32, L2-normalised, photos from all over the library: the spread that likeness is
    measured by. `kept` holds answers that are dear to make and the same until the library changes.
    """

    roster: Roster
    names: LibraryNames
    sample: FloatArray = field(repr=False)
    kept: dict[str, Matches] = field(default_factory=dict, repr=False)
    _postings: dict[str, Postings] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, unit: UnitOfWork, model: str) -> Basis:
        """Read a library as one model sees it."""
        analysed = unit.analyses.keys(model)
        sample = analysed[:: max(1, len(analysed) // SAMPLE)]
        return cls(unit.lookups.roster(), LibraryNames.read(unit.lookups), unit.analyses.embeddings(model, sample))

    def postings(self, sort: Literal["people", "tags"], unit: UnitOfWork, model: str) -> Postings:
        """Who and what is in which photo, read whole when first asked for: half a second at 100,000 photos.

        A query's tags and their kinds would be a fifth of that each time.
        """
        if sort not in self._postings:
            people = sort == "people"
            rows = unit.lookups.people_by_photo() if people else unit.analyses.tags_by_photo(model)
            self._postings[sort] = Postings.of(rows)
        return self._postings[sort]


SAMPLE = 300
"""Photos that stand for a library: their median is known to a tenth of their spread."""


@dataclass(frozen=True, slots=True)
class SearchSources:
    """One state of the library, and the means to read a query.

    `concepts` is called at most once a query, and only when a phrase reaches the joint space: whoever
    makes the sources keeps its result. `pieces` tells of how many pieces the text encoder makes up a word: 1 for one
    that it knows, 0 for one that it can't read.
    """

    unit: UnitOfWork
    basis: Basis
    index: VectorIndex
    model: str
    taxonomy: Taxonomy
    encode: Encode
    concepts: Callable[[], Concepts]
    pieces: Callable[[str], int]
    today: date

    def tagged(self, tags: Iterable[str]) -> tuple[Keys, FloatArray]:
        """The photos that have one of these tags: keys (n,) ascending, and the highest probability of each."""
        return self.basis.postings("tags", self.unit, self.model).find(tags)

    def tag_counts(self) -> dict[str, int]:
        """Tag -> how many photos have it, most frequent first."""
        return self.basis.postings("tags", self.unit, self.model).counts()
