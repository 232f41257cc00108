"""The library in columns: what groups, graph and memories are made from without every photo being read.

A process that starts has nothing at hand, and reading all photos as values takes ten seconds for 50,000 of them,
judging them as many more. So what the photos tell is kept in a file beside the database, with the revision that it
tells of; the database itself notes what has changed since, and only that is read and judged (docs/decisions/0025).
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photos_engine.arrays import UNREADABLE, read_arrays, write_arrays
from photos_engine.curation import apply_lessons
from photos_engine.graph import LOOKS_VERSION, Looks, judge
from photos_engine.library import Library
from photos_engine.on_demand import PhotosOnDemand
from photos_engine.store import UnitOfWork
from photos_engine.types import AnalysedPhoto, Census, Decision, FloatArray, Snapshot, Stack, Tag

logger = logging.getLogger(__name__)

_READ_AT_ONCE = 5_000  # photos that are held as values while they are judged

IntVector = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class KeptLooks:
    """What photos told at a revision. stamp: by which rules; keys (n,) int64: whose rows they are."""

    stamp: str
    revision: int
    keys: IntVector
    looks: Looks


@dataclass(frozen=True, slots=True, eq=False)
class _Vectors:
    model: str
    revision: int
    keys: IntVector
    rows: FloatArray


class Surveyor:
    """Looks at a library again and again, and remembers what it saw. One survey at a time."""

    def __init__(self, library: Library, tags: Mapping[str, Tag]) -> None:
        self._library, self.tags = library, tags
        self._census: tuple[str, int, Census] | None = None
        self._vectors: _Vectors | None = None
        self._looks: KeptLooks | None = None

    def survey(self, unit: UnitOfWork) -> Survey:
        """The library as a unit of work sees it, for as long as that is open."""
        return Survey(unit, self)

    def census(self, unit: UnitOfWork, model: str) -> Census:
        """The photos of this state."""
        state = model, unit.photos_revision
        if self._census is None or self._census[:2] != state:
            self._census = *state, unit.analyses.census(model)
        return self._census[2]

    def embeddings(self, unit: UnitOfWork, model: str, keys: IntVector) -> FloatArray:
        """The photos' embeddings, (n, 512) float32: those that are at hand from the last time, else from the store."""
        known, revision = self._vectors, unit.photos_revision
        if known is None or known.model != model:
            rows = unit.analyses.embeddings(model, keys)
        elif known.revision == revision and np.array_equal(known.keys, keys):
            return known.rows
        else:
            at = _rows_of(keys, known.keys, unit.photos.changed_since(known.revision))
            rows = np.empty((len(keys), known.rows.shape[1]), np.float32)
            rows[at >= 0] = known.rows[at[at >= 0]]
            rows[at < 0] = unit.analyses.embeddings(model, keys[at < 0])
        self._vectors = _Vectors(model, revision, keys, rows)
        return rows

    def looks(self, survey: Survey) -> Looks:
        """What the photos of this state tell; those that are as they were are not judged again."""
        stamp = _stamp(survey.model, self.tags, survey.lesson_ids)
        path = self._library.looks_path(survey.model)
        known = self._looks if self._looks is not None and self._looks.stamp == stamp else _load(path, stamp)
        if known is not None and known.revision > survey.revision:
            known = None  # of a database that was there before this one
        if known is not None and known.revision == survey.revision:
            self._looks = known
            return known.looks
        self._looks = KeptLooks(stamp, survey.revision, survey.census.keys, survey.judge_after(known))
        try:
            write_arrays(path, self._looks)
        except OSError as error:
            logger.warning("all photos will be looked at again, since %s can't be written: %s", path, error)
        return self._looks.looks


class Survey:
    """One state of a library. Its photos are read where somebody looks at them."""

    def __init__(self, unit: UnitOfWork, surveyor: Surveyor) -> None:
        self.unit, self._surveyor = unit, surveyor
        self.model, self.revision = unit.models.active, unit.revision

    @cached_property
    def census(self) -> Census:
        """The photos in columns."""
        return self._surveyor.census(self.unit, self.model)

    @cached_property
    def snapshot(self) -> Snapshot:
        """The state as a snapshot whose photos are read on demand."""
        embeddings = self._surveyor.embeddings(self.unit, self.model, self.census.keys)
        photos = PhotosOnDemand(len(embeddings), self._read)
        return Snapshot(self.model, self.revision, photos, embeddings, self.unit.decisions.all())

    @cached_property
    def looks(self) -> Looks:
        """What each photo tells."""
        return self._surveyor.looks(self)

    @cached_property
    def lesson_ids(self) -> tuple[str, ...]:
        """The photos that the person took out of utility content."""
        return tuple(self.census.ids[row] for row in self._lesson_rows)

    @cached_property
    def _lesson_rows(self) -> list[int]:
        taught = self.unit.lookups.decided().get(Decision.NOT_UTILITY, np.zeros(0, np.int64))
        rows: list[int] = np.flatnonzero(np.isin(self.census.keys, taught)).tolist()
        return rows

    @cached_property
    def _lessons(self) -> list[AnalysedPhoto]:
        return self._read_plain(self._lesson_rows)

    @cached_property
    def _stacks(self) -> Mapping[str, Stack]:
        return self.unit.groups.stacks()

    def judge_after(self, known: KeptLooks | None) -> Looks:
        """What the photos tell, of those that are as they were when that was `known`, what they told then."""
        keys = self.census.keys
        if known is None:
            at = np.full(len(keys), -1, np.int64)
        else:
            at = _rows_of(keys, known.keys, self.unit.photos.changed_since(known.revision))
            at[at >= 0] = np.where(self._is_stacked_as(known.looks, at), at[at >= 0], -1)
        fresh = np.flatnonzero(at < 0)
        blocks = [fresh[start : start + _READ_AT_ONCE] for start in range(0, len(fresh), _READ_AT_ONCE)]
        looks = judge((), self._surveyor.tags) if known is None else known.looks
        at[fresh] = len(looks) + np.arange(len(fresh))
        for block in blocks:
            looks = looks.followed_by(judge(self._read(block.tolist()), self._surveyor.tags))
        return looks.take(at)

    def _is_stacked_as(self, looks: Looks, at: IntVector) -> NDArray[np.bool_]:
        """Which of the photos that were known, (m,), are in the same group of likenesses as they were."""
        rows = np.flatnonzero(at >= 0)
        is_same = looks.stacks.codes[at[rows]] < 0
        now = self._stacks
        for n, row in enumerate(rows.tolist()):
            stack = now.get(self.census.ids[row])
            if stack is not None or not is_same[n]:
                is_same[n] = stack is not None and looks.stack(int(at[row])) == stack
        return is_same

    def _read(self, rows: Sequence[int]) -> list[AnalysedPhoto]:
        items = self._read_plain(rows)
        if not self._lesson_rows:
            return items
        embeddings = self.snapshot.embeddings
        return apply_lessons(items, embeddings[rows], self._lessons, embeddings[self._lesson_rows])

    def _read_plain(self, rows: Sequence[int]) -> list[AnalysedPhoto]:
        keys: list[int] = self.census.keys[list(rows)].tolist()
        photos, signals = self.unit.photos.by_keys(keys), self.unit.analyses.signals(self.model, keys)
        return [signals[key].of(photos[key], self._stacks.get(photos[key].id)) for key in keys]


def _rows_of(keys: IntVector, known: IntVector, changed: set[int]) -> IntVector:
    """Where each key stands among those known, (n,); -1 for one that isn't there, or that has changed since."""
    order = np.argsort(known)
    place = np.searchsorted(known, keys, sorter=order)
    at = np.where(place < len(known), order[np.minimum(place, len(known) - 1)] if len(known) else -1, -1)
    at[at >= 0] = np.where(known[at[at >= 0]] == keys[at >= 0], at[at >= 0], -1)
    at[np.isin(keys, np.fromiter(changed, np.int64, len(changed)))] = -1
    return at


def _stamp(model: str, tags: Mapping[str, Tag], lessons: Sequence[str]) -> str:
    """By which rules photos are judged: equal stamps, equal looks of equal photos."""
    rules = repr(([*tags.values()], sorted(lessons))).encode()
    return f"{LOOKS_VERSION} {model} {hashlib.blake2b(rules, digest_size=16).hexdigest()}"


def _load(path: Path, stamp: str) -> KeptLooks | None:
    try:
        known = read_arrays(path, KeptLooks)
    except FileNotFoundError:
        return None
    except UNREADABLE as error:
        logger.warning("all photos are looked at again: %s", error)
        return None
    return known if known.stamp == stamp else None
