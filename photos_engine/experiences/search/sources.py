"""What search asks: the store, the vector index, the taxonomy, the text encoder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np

from photos_engine.analyzers.taxonomy import Taxonomy
from photos_engine.experiences.search.called import read_called
from photos_engine.experiences.search.columns import Columns, Postings
from photos_engine.experiences.search.matches import is_in
from photos_engine.experiences.search.names import LibraryNames
from photos_engine.index import VectorIndex
from photos_engine.index.protocol import Keys
from photos_engine.store import UnitOfWork
from photos_engine.store.lookups import Roster
from photos_engine.types import Decision, FloatArray, Tag

_HELD = 0.995
"""Photos' deviations come out 0.01 % too small, in half of the time that all concepts take (ansa-2: 203 axes in place
of 520 vectors)."""

Encode = Callable[[Sequence[str]], FloatArray]
"""Texts -> (n, 512) float32, L2-normalised, in the space of the photos' embeddings."""


@dataclass(frozen=True, slots=True)
class Concepts:
    """The taxonomy's tags in the joint space: what a phrase competes with, and what is near to it.

    vectors: (len(tags), 512) float32, L2-normalised; middle (512,): their mean; axes (k, 512): the fewest principal
    axes, each as long as the vectors' standard deviation along it, that hold `_HELD` of their variance.
    """

    tags: tuple[Tag, ...]
    vectors: FloatArray = field(repr=False)
    middle: FloatArray = field(repr=False)
    axes: FloatArray = field(repr=False)

    @classmethod
    def of(cls, taxonomy: Taxonomy, encode: Encode) -> Concepts:
        """Encode every tag's label: once per model, about a second."""
        vectors = encode([tag.label for tag in taxonomy.tags])
        middle = vectors.mean(axis=0)
        _, lengths, axes = np.linalg.svd(vectors - middle, full_matrices=False)
        held = np.cumsum(lengths**2)
        count = int(np.searchsorted(held, _HELD * held[-1])) + 1
        return cls(taxonomy.tags, vectors, middle, axes[:count] * (lengths[:count, None] / np.sqrt(len(vectors))))

    def spread(self, embeddings: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The mean and the standard deviation of each embedding's cosines with all concepts, (n,) each."""
        along = embeddings @ self.axes.T
        deviation = np.sqrt(np.einsum("ij,ij->i", along, along))
        return embeddings @ self.middle, np.maximum(deviation, np.finfo(np.float32).tiny)


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """What every query of one state of the library needs, read once: whoever makes the sources keeps it by revision.

    called: photos of people and pets by names that no metadata have, but the person or the graph gives them;
    decided: the photos that each decision was made about; tag_counts: tag -> how many photos have it, most first;
    sample: (n, 512) float32, L2-normalised, photos from all over the library: the spread that likeness is measured by.
    """

    columns: Columns
    called: Postings
    names: LibraryNames
    decided: Mapping[Decision, Keys]
    tag_counts: Mapping[str, int]
    sample: FloatArray = field(repr=False)

    @classmethod
    def read(cls, unit: UnitOfWork, columns: Columns) -> Basis:
        """Read a library as one model sees it; columns: those of its present photos."""
        called = read_called(unit, columns.people)
        sample = columns.seen[:: max(1, len(columns.seen) // SAMPLE)]
        return cls(
            columns,
            called,
            _names(unit, columns, called),
            unit.lookups.decided(),
            columns.tags.counts(),
            unit.analyses.embeddings(columns.model, sample),
        )

    def after_decisions(self, unit: UnitOfWork) -> Basis:
        """The same photos with what is decided about them now."""
        called = read_called(unit, self.columns.people)
        is_same = called.column.values == self.called.column.values and np.array_equal(called.keys, self.called.keys)
        names = self.names if is_same else _names(unit, self.columns, called)
        return replace(self, called=called, names=names, decided=unit.lookups.decided())

    @property
    def roster(self) -> Roster:
        """Every present photo."""
        return self.columns.roster

    def of(self, decision: Decision) -> Keys:
        """The photos that a decision was made about, ascending."""
        return self.decided.get(decision, _NONE)


def _names(unit: UnitOfWork, columns: Columns, called: Postings) -> LibraryNames:
    people = dict.fromkeys((*columns.people.column.values, *called.column.values))
    return LibraryNames.of(columns.roster, unit.lookups.places(), people)


_NONE: Keys = np.empty(0, np.int64)
NEAREST = 200
"""Photos that likeness chooses from: more are looked at by nobody."""
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
    _meanings: dict[str, FloatArray] = field(default_factory=dict, init=False, repr=False)
    _nearest: dict[str, tuple[Keys, FloatArray]] = field(default_factory=dict, init=False, repr=False)

    def meaning(self, text: str) -> FloatArray:
        """A text in the joint space, (512,) float32, L2-normalised; encoded once for one query."""
        if text not in self._meanings:
            self._meanings[text] = self.encode([text])[0]
        return self._meanings[text]

    def nearest(self, text: str) -> tuple[Keys, FloatArray]:
        """The present photos nearest to a text, `NEAREST` at most, with their embeddings; sought once for one query."""
        if text not in self._nearest:
            keys, embeddings = self.index.nearest(self.meaning(text), NEAREST)
            is_present = is_in(keys, self.basis.roster.keys)  # the index may know what the store has dropped since
            self._nearest[text] = keys[is_present], embeddings[is_present]
        return self._nearest[text]

    def tagged(self, tags: Iterable[str]) -> tuple[Keys, FloatArray]:
        """The photos that have one of these tags: keys (n,) ascending, and the highest probability of each."""
        return self.basis.columns.tags.find(tags)
