"""Matches: which photos meet a part of the query, how well, and why.

Columns, not objects: a query may meet half of a hundred thousand photos, and only those that are shown
are asked for their reasons.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from photos_engine.index.protocol import Keys
from photos_engine.types import FloatArray, Reason

Why = Callable[[int, float], tuple[Reason, ...]]
"""Key and strength of a match -> its reasons."""


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """Photos that meet a condition.

    keys: (n,) int64, ascending, unique; strengths: (n,) float32, how well each meets it, above 0 and up to 1.
    `why` may read the store: it holds as long as the unit of work that the search runs in.
    """

    keys: Keys
    strengths: FloatArray
    why: Why

    @classmethod
    def of(cls, keys: Iterable[int] | Keys, strengths: Iterable[float] | FloatArray | float, why: Why) -> Matches:
        """Matches in any order of keys, each key once."""
        column = np.fromiter(keys, np.int64) if not isinstance(keys, np.ndarray) else keys.astype(np.int64)
        if isinstance(strengths, float):
            values = np.full(len(column), strengths, np.float32)
        elif isinstance(strengths, np.ndarray):
            values = strengths.astype(np.float32)
        else:
            values = np.fromiter(strengths, np.float32)
        if (column[1:] > column[:-1]).all():
            return cls(column, values, why)
        order = np.argsort(column)
        return cls(column[order], values[order], why)

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def best(self) -> float:
        """The strength of the best match, 0 where there is none."""
        return float(self.strengths.max(initial=0.0))

    def reasons(self, key: int) -> tuple[Reason, ...]:
        """Why a photo is among them; nothing for one that is not."""
        row = int(self.keys.searchsorted(key))
        if row == len(self.keys) or self.keys[row] != key:
            return ()
        return self.why(key, float(self.strengths[row]))

    def where(self, mask: NDArray[np.bool_]) -> Matches:
        """Those of the rows that a mask names."""
        return Matches(self.keys[mask], self.strengths[mask], self.why)

    def within(self, keys: Keys) -> Matches:
        """Those with one of these keys, which are ascending."""
        return self.where(is_in(self.keys, keys))

    def without(self, keys: Keys) -> Matches:
        """Those with none of these keys, which are ascending."""
        return self.where(~is_in(self.keys, keys))

    def scaled(self, factor: float) -> Matches:
        """The same matches, each weaker by a factor; their reasons still speak of what was found."""
        why = self.why
        return Matches(self.keys, self.strengths * np.float32(factor), lambda key, p: why(key, p / factor))


_FEW_KEYS = 2_000
"""Below it, each key is looked for among the others; from it on, a table of all numbers up to theirs is faster."""


def is_in(keys: Keys, others: Keys) -> NDArray[np.bool_]:
    """Which of the keys are among others, which are ascending; several times as fast as numpy's `isin`."""
    if not len(others):
        return np.zeros(len(keys), np.bool_)
    if len(keys) >= _FEW_KEYS:
        first = int(others[0]) - 1
        table = np.zeros(int(others[-1]) - first + 2, np.bool_)  # with a row at each end for keys beyond them
        table[others - first] = True
        return table.take(keys - first, mode="clip")
    rows = others.searchsorted(keys)
    rows[rows == len(others)] = 0
    found: NDArray[np.bool_] = others[rows] == keys
    return found


def rows_of(some: Keys, keys: Keys) -> NDArray[np.int64]:
    """Where some keys stand among all, which are ascending both."""
    return keys.searchsorted(some) if len(some) < _FEW_KEYS else np.flatnonzero(is_in(keys, some))


def merged(a: Keys, b: Keys) -> Keys:
    """All of two ascending columns of keys, ascending, each once; for such numpy's union takes ten times as long."""
    keys = np.concatenate([a, b])
    keys.sort(kind="stable")  # which merges what is sorted already
    return keys[np.append(keys[1:] != keys[:-1], True)] if len(keys) else keys


NOTHING = Matches(np.empty(0, np.int64), np.empty(0, np.float32), lambda _key, _strength: ())


def match_alike(keys: Iterable[int] | Keys, code: str, text: str, strength: float = 1.0) -> Matches:
    """The same match for all of the photos."""
    reasons = (Reason(code, strength, text),)
    return Matches.of(keys, strength, lambda _key, _strength: reasons)


def both(a: Matches, b: Matches) -> Matches:
    """The photos in both, with the product of the strengths."""
    few, many = sorted((a, b), key=len)
    few = few.within(many.keys)
    strengths = few.strengths * many.strengths[rows_of(few.keys, many.keys)]
    return Matches(few.keys, strengths, _joint_reasons(a, b))


def either(a: Matches, b: Matches) -> Matches:
    """The photos in one of them; two independent grounds for a photo are stronger than each."""
    if not len(a) or not len(b):
        return a if len(a) else b
    keys = merged(a.keys, b.keys)
    doubt = np.ones(len(keys), np.float32)
    for part in (a, b):
        doubt[rows_of(part.keys, keys)] *= np.float32(1.0) - part.strengths
    return Matches(keys, np.float32(1.0) - doubt, _joint_reasons(a, b))


def _joint_reasons(a: Matches, b: Matches) -> Why:
    return lambda key, _strength: a.reasons(key) + b.reasons(key)


def all_of(parts: Iterable[Matches]) -> Matches:
    """The photos in every part; of no parts, none."""
    found = list(parts)
    return reduce(both, found) if found else NOTHING


def any_of(parts: Iterable[Matches]) -> Matches:
    """The photos in at least one part."""
    return reduce(either, parts, NOTHING)
