"""What search needs of every photo, in columns, kept in a file beside the vector index.

Answers are joins of many photos' facts, and reading these from the database takes longer than all the rest of
a query: seconds for a hundred thousand photos. So they are read once for each state of the photos, and after a few new
ones mostly taken over. What people decide is not in them, so that a decision costs nothing of this.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from photos_engine.arrays import UNREADABLE, read_arrays, write_arrays
from photos_engine.columns import Coded
from photos_engine.index.protocol import Keys
from photos_engine.store import UnitOfWork
from photos_engine.store.lookups import Roster
from photos_engine.types import FloatArray
from photos_engine.verdicts import Verdicts

logger = logging.getLogger(__name__)

_FORMAT = 3  # since 3 verdicts are row by row those of `seen`
_KEYS_AT_ONCE = 5_000  # below SQLite's limit on the variables of one statement
_PERSON = "person"
"""What the detector calls a person."""


@dataclass(frozen=True, slots=True, eq=False)
class Postings:
    """Which photos have which values, and how surely, in rows ordered by value, then key.

    keys (n,) int64, chances (n,) float32, column (n,): the values.
    """

    keys: Keys
    chances: FloatArray
    column: Coded

    @classmethod
    def of(cls, rows: Sequence[tuple[int, str, float]]) -> Postings:
        """Postings of (photo key, value, chance) in any order."""
        keys = np.fromiter((key for key, _, _ in rows), np.int64, len(rows))
        chances = np.fromiter((chance for _, _, chance in rows), np.float32, len(rows))
        return cls._sorted(keys, chances, Coded.of([value for _, value, _ in rows]))

    @classmethod
    def _sorted(cls, keys: Keys, chances: FloatArray, column: Coded) -> Postings:
        order = np.lexsort((keys, column.codes))
        return cls(keys[order], chances[order], Coded(column.codes[order], column.values))

    def of_photos(self, keys: Keys) -> Postings:
        """Those of these photos."""
        rows = np.flatnonzero(np.isin(self.keys, keys))
        return Postings(self.keys[rows], self.chances[rows], self.column.take(rows))

    def joined(self, other: Postings) -> Postings:
        """Both, which have no photo in common."""
        if not len(other.keys):
            return self
        keys, chances = np.concatenate([self.keys, other.keys]), np.concatenate([self.chances, other.chances])
        return self._sorted(keys, chances, self.column.followed_by(other.column))

    def find(self, values: Iterable[str]) -> tuple[Keys, FloatArray]:
        """The photos that have one of the values: keys (m,) ascending, and the highest chance of each."""
        wanted, codes = set(values), self.column.codes
        numbers = [number for number, value in enumerate(self.column.values) if value in wanted]
        # Of the codes' own type, else numpy would make all codes anew for each.
        spans = [slice(*np.searchsorted(codes, np.array([n, n + 1], codes.dtype))) for n in numbers]
        if len(spans) == 1:
            return self.keys[spans[0]], self.chances[spans[0]]
        keys = np.concatenate([self.keys[:0], *(self.keys[span] for span in spans)])
        chances = np.concatenate([self.chances[:0], *(self.chances[span] for span in spans)])
        if not len(keys):
            return keys, chances
        order = np.argsort(keys, kind="stable")  # which merges spans that are sorted already
        keys = keys[order]
        first = np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))
        return keys[first], np.maximum.reduceat(chances[order], first)

    def counts(self, keys: Keys | None = None) -> dict[str, int]:
        """Value -> how many photos, or how many of these, have it, most first; those of none are left out."""
        codes = self.column.codes if keys is None else self.column.codes[np.isin(self.keys, keys)]
        counts = np.bincount(codes, minlength=len(self.column.values)).tolist()
        ranked = sorted(zip(counts, self.column.values, strict=True), key=lambda pair: (-pair[0], pair[1]))
        return {value: count for count, value in ranked if count}


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """The photos of one state of a library as one model sees them.

    stamp: tells that state from others; verdicts: of those analysed, by ascending key; heads: for photos in which
    people were found, how many in place of the chance.
    """

    model: str
    stamp: str
    roster: Roster
    tags: Postings
    heads: Postings
    people: Postings
    verdicts: Verdicts
    format: int = _FORMAT

    @property
    def seen(self) -> Keys:
        """The keys of the photos that the model has analysed, (n,) ascending."""
        return self.verdicts.keys

    @classmethod
    def read(
        cls,
        unit: UnitOfWork,
        model: str,
        verdicts: Verdicts,
        stamp: str = "",
        earlier: Columns | None = None,
        changed: Iterable[int] | None = None,
    ) -> Columns:
        """Read a library; `earlier` columns of the same model save most of the work.

        verdicts: of the present photos that the model has seen, by ascending key. changed: the photos that may have
        changed since the earlier ones were read; None where that isn't known.
        """
        known = earlier if earlier is not None and earlier.model == model and changed is not None else None
        noted = np.array(sorted(changed or ()), np.int64)
        seen = verdicts.keys
        fresh = seen if known is None else np.union1d(np.setdiff1d(seen, known.seen), np.intersect1d(seen, noted))
        if max(len(noted), len(fresh)) > _KEYS_AT_ONCE:  # reading all beats naming many
            fresh, known = seen, None
        some = None if known is None else fresh
        found = ((key, "", float(count)) for key, count in unit.lookups.people_found(model, _PERSON, some))
        tags = Postings.of(unit.analyses.tags_by_photo(model, some)).of_photos(fresh)
        heads = Postings.of(list(found)).of_photos(fresh)
        roster = unit.lookups.roster(None if known is None else noted)
        stays = np.setdiff1d(seen, fresh)
        return cls(
            model=model,
            stamp=stamp,
            roster=roster if known is None else known.roster.after(noted, roster),
            tags=tags if known is None else known.tags.of_photos(stays).joined(tags),
            heads=heads if known is None else known.heads.of_photos(stays).joined(heads),
            people=Postings.of(unit.lookups.people_by_photo()),
            verdicts=verdicts,
        )

    def save(self, path: Path) -> None:
        """Keep the columns in a file; where that fails, all of them are read again the next time."""
        try:
            write_arrays(path, self)
        except OSError as error:
            logger.warning("search will read the whole library again, since %s can't be written: %s", path, error)

    @classmethod
    def load(cls, path: Path) -> Columns | None:
        """The columns in a file, of whatever state; None where there are none, or none that can be read."""
        try:
            known = read_arrays(path, cls)
            return known if known.format == _FORMAT else None
        except FileNotFoundError:
            return None
        except UNREADABLE as error:
            logger.warning("the columns for search are read again: %s", error)
            return None
