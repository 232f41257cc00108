"""What search needs of every photo, in columns, kept in a file beside the vector index.

Answers are joins of many photos' facts, and reading these from the database takes longer than all the rest of
a query: seconds for a hundred thousand photos. So they are read once for each state of the photos, and after a few
new ones mostly taken over: what a model sees in a photo never changes, and what its file tells of its use is
compared by marks. What people decide is not in them, so that a decision costs nothing of this.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photos_engine.arrays import UNREADABLE, read_arrays, write_arrays
from photos_engine.curation import assess_quality, assess_utility
from photos_engine.index.protocol import Keys
from photos_engine.store import UnitOfWork
from photos_engine.store.lookups import Column, Roster
from photos_engine.types import AnalysedPhoto, FloatArray

logger = logging.getLogger(__name__)

_FORMAT = 2  # since 2 the database notes what changes
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
    column: Column

    @classmethod
    def of(cls, rows: Sequence[tuple[int, str, float]]) -> Postings:
        """Postings of (photo key, value, chance) in any order."""
        keys = np.fromiter((key for key, _, _ in rows), np.int64, len(rows))
        chances = np.fromiter((chance for _, _, chance in rows), np.float32, len(rows))
        return cls._sorted(keys, chances, Column.of([value for _, value, _ in rows]))

    @classmethod
    def _sorted(cls, keys: Keys, chances: FloatArray, column: Column) -> Postings:
        order = np.lexsort((keys, column.codes))
        return cls(keys[order], chances[order], Column(column.codes[order], column.values))

    def of_photos(self, keys: Keys) -> Postings:
        """Those of these photos."""
        kept = np.isin(self.keys, keys)
        return Postings(self.keys[kept], self.chances[kept], Column(self.column.codes[kept], self.column.values))

    def joined(self, other: Postings) -> Postings:
        """Both, which have no photo in common."""
        if not len(other.keys):
            return self
        values = tuple(dict.fromkeys((*self.column.values, *other.column.values)))
        place = {value: number for number, value in enumerate(values)}
        theirs = np.array([place[value] for value in other.column.values], np.int32)[other.column.codes]
        codes = np.concatenate([self.column.codes, theirs])
        keys = np.concatenate([self.keys, other.keys])
        return self._sorted(keys, np.concatenate([self.chances, other.chances]), Column(codes, values))

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
class Verdicts:
    """What every analysed photo serves for, and how blurred it is, whatever was decided about it.

    keys (n,) int64 ascending; marks (n,) int64: equal where nothing changed that it was judged by; kinds (n,): empty
    for none; chances (n,) float32 of the kind; whys (n,): the strongest reason; softness (n,) float32, 0 for sharp.
    """

    keys: Keys
    marks: NDArray[np.int64]
    kinds: Column
    chances: FloatArray
    whys: Column
    softness: FloatArray

    @classmethod
    def read(cls, unit: UnitOfWork, model: str, seen: Keys, earlier: Verdicts | None, changed: Keys | None) -> Verdicts:
        """Judge all photos that a model has seen, except those that were judged and are as they were.

        changed: the few that may have changed since the `earlier` ones; None where that isn't known.
        """
        if earlier is None or changed is None:
            return cls._judged(unit, model, seen, earlier, None)
        again = np.intersect1d(seen, np.union1d(changed, np.setdiff1d(seen, earlier.keys)))
        fresh = cls._judged(unit, model, again, earlier, again)
        stays = np.isin(earlier.keys, np.setdiff1d(seen, again))
        order = np.argsort(np.concatenate([earlier.keys[stays], fresh.keys]))

        def join(mine: NDArray[Any], theirs: NDArray[Any]) -> NDArray[Any]:
            return np.concatenate([mine[stays], theirs])[order]

        return cls(
            join(earlier.keys, fresh.keys),
            join(earlier.marks, fresh.marks),
            earlier.kinds.of_rows(stays).joined(fresh.kinds, order),
            join(earlier.chances, fresh.chances),
            earlier.whys.of_rows(stays).joined(fresh.whys, order),
            join(earlier.softness, fresh.softness),
        )

    @classmethod
    def _judged(cls, unit: UnitOfWork, model: str, seen: Keys, earlier: Verdicts | None, some: Keys | None) -> Verdicts:
        told = dict(unit.lookups.file_marks(some))
        marks = {key: zlib.crc32(told[key]) for key in seen.tolist() if key in told}
        kept = _rows_by_key(earlier, marks) if earlier is not None else {}
        stale = [key for key in marks if key not in kept]
        rows = sorted((*kept.values(), *_judge_all(stale, marks, unit, model)))
        keys, all_marks, kinds, chances, whys, softness = zip(*rows, strict=True) if rows else ((),) * 6
        return cls(
            np.array(keys, np.int64),
            np.array(all_marks, np.int64),
            Column.of(kinds),
            np.array(chances, np.float32),
            Column.of(whys),
            np.array(softness, np.float32),
        )


_Row = tuple[int, int, str, float, str, float]


def _rows_by_key(earlier: Verdicts, marks: Mapping[int, int]) -> dict[int, _Row]:
    columns = (
        *(earlier.keys.tolist(), earlier.marks.tolist()),
        [earlier.kinds.values[code] for code in earlier.kinds.codes.tolist()],
        earlier.chances.tolist(),
        [earlier.whys.values[code] for code in earlier.whys.codes.tolist()],
        earlier.softness.tolist(),
    )
    return {row[0]: row for row in zip(*columns, strict=True) if marks.get(row[0]) == row[1]}


def _judge_all(keys: Sequence[int], marks: Mapping[int, int], unit: UnitOfWork, model: str) -> Iterator[_Row]:
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        some = keys[start : start + _KEYS_AT_ONCE]
        photos, signals = unit.photos.by_keys(some), unit.analyses.signals(model, some)
        for key in photos.keys() & signals.keys():
            undecided = replace(photos[key], decisions=frozenset())
            yield (key, marks[key], *_judge(signals[key].of(undecided)))


def _judge(item: AnalysedPhoto) -> tuple[str, float, str, float]:
    use = assess_utility(item)
    why = next((reason.text for reason in use.reasons if reason.weight > 0), "") if use.kind else ""
    is_blurred = any(reason.code == "blurred" for reason in assess_quality(item).reasons)
    return use.kind or "", use.probability, why, 1.0 - item.quality.sharpness if is_blurred else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """The photos of one state of a library as one model sees them.

    stamp: tells that state from others; seen (n,): the keys of those analysed, ascending; heads: for photos in which
    people were found, how many in place of the chance.
    """

    model: str
    stamp: str
    roster: Roster
    seen: Keys
    tags: Postings
    heads: Postings
    people: Postings
    verdicts: Verdicts
    format: int = _FORMAT

    @classmethod
    def read(
        cls,
        unit: UnitOfWork,
        model: str,
        stamp: str = "",
        earlier: Columns | None = None,
        changed: Iterable[int] | None = None,
    ) -> Columns:
        """Read a library; `earlier` columns of the same model save most of the work.

        changed: the photos that may have changed since then, where that is known: it saves most of the rest.
        """
        known = earlier if earlier is not None and earlier.model == model else None
        noted = None if changed is None or known is None else np.array(sorted(changed), np.int64)
        noted = noted if noted is not None and len(noted) <= _KEYS_AT_ONCE else None
        seen = unit.analyses.keys(model)
        fresh = seen if known is None else np.setdiff1d(seen, known.seen)
        some = fresh if len(fresh) <= _KEYS_AT_ONCE else None  # reading all beats naming many
        found = ((key, "", float(count)) for key, count in unit.lookups.people_found(model, _PERSON, some))
        tags = Postings.of(unit.analyses.tags_by_photo(model, some)).of_photos(fresh)
        heads = Postings.of(list(found)).of_photos(fresh)
        return cls(
            model=model,
            stamp=stamp,
            roster=unit.lookups.roster()
            if noted is None or known is None
            else known.roster.after(noted, unit.lookups.roster(noted)),
            seen=seen,
            tags=tags if known is None else known.tags.of_photos(seen).joined(tags),
            heads=heads if known is None else known.heads.of_photos(seen).joined(heads),
            people=Postings.of(unit.lookups.people_by_photo()),
            verdicts=Verdicts.read(unit, model, seen, None if known is None else known.verdicts, noted),
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
