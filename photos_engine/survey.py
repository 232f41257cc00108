"""The library in columns: what groups, graph and memories are made from without every photo being read.

A process that starts has nothing at hand, and reading all photos as values takes ten seconds for 50,000 of them,
judging them as many more. So what the photos tell is kept in a file beside the database, with the revision that it
tells of; the database itself notes what has changed since, and only that is read and judged (docs/decisions/0025).
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photos_engine.arrays import UNREADABLE, read_arrays, write_arrays
from photos_engine.changes import digest
from photos_engine.columns import NONE, IntVector, Table
from photos_engine.curation import QualityVerdict, UtilityVerdict, apply_lessons, assess_quality, assess_utility
from photos_engine.graph import Looks, judge
from photos_engine.library import Library
from photos_engine.on_demand import PhotosOnDemand
from photos_engine.store import UnitOfWork
from photos_engine.types import AnalysedPhoto, Census, Decision, FloatArray, Snapshot, Stack, Tag
from photos_engine.verdicts import Verdicts

logger = logging.getLogger(__name__)

JUDGED_VERSION = 3
"""Raise it whenever looks, verdicts or digests of the same photo would be others, or a column is another one."""
_READ_AT_ONCE = 5_000  # photos that are held as values while they are judged


@dataclass(frozen=True, slots=True, eq=False)
class Judged(Table):
    """What photos tell, each by itself, whatever group of likenesses it is in, row by row.

    digests (n,) uint64: of what groups depend on.
    """

    looks: Looks
    verdicts: Verdicts
    digests: NDArray[np.uint64]

    @property
    def keys(self) -> IntVector:
        """(n,): whose rows they are."""
        return self.verdicts.keys


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """What photos told at a revision. stamp: by which rules; lessons: the photos then taken out of utility content."""

    stamp: str
    revision: int
    lessons: tuple[str, ...]
    judged: Judged


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
        self._kept: Kept | None = None

    def survey(self, unit: UnitOfWork, model: str | None = None) -> Survey:
        """The library as a unit of work sees it, for as long as that is open, by a model, or by the active one."""
        return Survey(unit, model or unit.models.active, self)

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

    def judged(self, survey: Survey) -> Judged:
        """What the photos of this state tell; those that are as they were are not judged again."""
        stamp = _stamp(survey.model, self.tags)
        path, at_hand = self._library.looks_path(survey.model), self._kept
        if at_hand is not None and (at_hand.stamp, at_hand.revision) == (stamp, survey.revision):
            return at_hand.judged
        known = at_hand if at_hand is not None and at_hand.stamp == stamp else _load(path, stamp)
        if known is not None and known.revision > survey.revision:
            known = None  # of a database that was there before this one
        judged = survey.judge_after(known)
        is_new = known is None or (known.judged, known.lessons) != (judged, survey.lesson_ids)
        self._kept = Kept(stamp, survey.revision, survey.lesson_ids, judged)
        if is_new:
            _keep(self._kept, path)
        return judged


class Survey:
    """One state of a library. Its photos are read where somebody looks at them."""

    def __init__(self, unit: UnitOfWork, model: str, surveyor: Surveyor) -> None:
        self.unit, self.model, self._surveyor = unit, model, surveyor
        self.revision = unit.revision

    @cached_property
    def census(self) -> Census:
        """The photos in columns."""
        return self._surveyor.census(self.unit, self.model)

    @cached_property
    def photos(self) -> PhotosOnDemand:
        """The photos, read on demand."""
        return PhotosOnDemand(len(self.census.ids), self._read)

    @cached_property
    def snapshot(self) -> Snapshot:
        """The state as a snapshot whose photos are read on demand."""
        embeddings = self._surveyor.embeddings(self.unit, self.model, self.census.keys)
        return Snapshot(self.model, self.revision, self.photos, embeddings, self.unit.decisions.all())

    @cached_property
    def looks(self) -> Looks:
        """What each photo tells."""
        return self._judged.looks.stacked(self._stacks)

    @property
    def digests(self) -> dict[str, int]:
        """Photo id -> a digest of what groups of likenesses depend on besides the content and the model."""
        return dict(zip(self.census.ids, self._judged.digests.tolist(), strict=True))

    @property
    def verdicts(self) -> Verdicts:
        """What the photos serve for, and how blurred they are, by ascending key."""
        verdicts = self._judged.verdicts
        return verdicts.take(np.argsort(verdicts.keys))

    @cached_property
    def _judged(self) -> Judged:
        return self._surveyor.judged(self)

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
    def _lessons(self) -> tuple[list[AnalysedPhoto], FloatArray]:
        return self._read_plain(self._lesson_rows), self._embeddings(self._lesson_rows)

    @cached_property
    def _stacks(self) -> Mapping[str, Stack]:
        return self.unit.groups.stacks()

    def judge_after(self, known: Kept | None) -> Judged:
        """What the photos tell, of those that are as they were when that was `known`, what they told then."""
        keys = self.census.keys
        if known is None:
            judged, at = _judge([], self._surveyor.tags), np.full(len(keys), -1, np.int64)
        else:
            judged = known.judged
            at = _rows_of(keys, judged.keys, self.unit.photos.changed_since(known.revision))
            is_known = at >= 0
            is_same = judged.looks.ids[at] == np.array(self.census.ids, "S32") if len(judged.keys) else is_known
            if known.lessons != self.lesson_ids:  # which only ever take photos out of utility content
                is_same &= judged.verdicts.kinds.codes[at] == NONE
            at[is_known & ~is_same] = -1
        if np.array_equal(at, np.arange(len(judged.keys))):
            return judged
        fresh = np.flatnonzero(at < 0)
        at[fresh] = len(judged.keys) + np.arange(len(fresh))
        for start in range(0, len(fresh), _READ_AT_ONCE):
            items = self.photos.glance(fresh[start : start + _READ_AT_ONCE].tolist())
            judged = judged.followed_by(_judge(items, self._surveyor.tags))
        return judged.take(at)

    def _read(self, rows: Sequence[int]) -> list[AnalysedPhoto]:
        items = self._read_plain(rows)
        return apply_lessons(items, self._embeddings(rows), *self._lessons) if self._lesson_rows else items

    def _embeddings(self, rows: Sequence[int]) -> FloatArray:
        return self.unit.analyses.embeddings(self.model, self.census.keys[list(rows)])

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


def _judge(items: Sequence[AnalysedPhoto], tags: Mapping[str, Tag]) -> Judged:
    uses, shots = _assess(items)
    looks = judge(items, tags, uses, shots)
    undecided = {row: plain for row, item in enumerate(items) if (plain := _undecided(item)) is not item}
    for row, use, shot in zip(undecided, *_assess(list(undecided.values())), strict=True):
        uses[row], shots[row] = use, shot
    digests = np.array([digest(item) for item in items], np.uint64)
    return Judged(looks, Verdicts.of(items, uses, shots), digests)


def _assess(items: Sequence[AnalysedPhoto]) -> tuple[list[UtilityVerdict], list[QualityVerdict]]:
    """What photos serve for, and how they came out."""
    return [assess_utility(item, explain=False) for item in items], [assess_quality(item) for item in items]


def _undecided(item: AnalysedPhoto) -> AnalysedPhoto:
    """A photo as if nothing had been decided."""
    if not (item.photo.decisions or item.own_odds):
        return item
    return replace(item, photo=replace(item.photo, decisions=frozenset()), own_odds={})


def _stamp(model: str, tags: Mapping[str, Tag]) -> str:
    """By which rules photos are judged: equal stamps, equal judgements of equal photos."""
    rules = repr([*tags.values()]).encode()
    return f"{JUDGED_VERSION} {model} {hashlib.blake2b(rules, digest_size=16).hexdigest()}"


def _keep(kept: Kept, path: Path) -> None:
    try:
        write_arrays(path, kept)
    except OSError as error:
        logger.warning("all photos will be looked at again, since %s can't be written: %s", path, error)


def _load(path: Path, stamp: str) -> Kept | None:
    try:
        known = read_arrays(path, Kept)
    except (FileNotFoundError, KeyError):  # none, or one of an earlier version
        return None
    except UNREADABLE as error:
        logger.warning("all photos are looked at again: %s", error)
        return None
    return known if known.stamp == stamp else None
