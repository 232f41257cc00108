"""Values of many photos side by side: codes that stand for a few different values, one or several for each photo.

What is known of a whole library is kept in tables of such columns: reading photos as values takes ten times as long.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from itertools import chain, count, pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int32]
IntVector = NDArray[np.int64]
FloatVector = NDArray[np.float64]
NONE = -1


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """One value for each row, or none. codes (n,) int32: places in `values`, -1 for none."""

    codes: Codes
    values: tuple[Any, ...]

    @classmethod
    def of(cls, items: Sequence[Any]) -> Coded:
        """A column of these items, which are text, numbers or tuples of them; None for none."""
        number: defaultdict[Any, int] = defaultdict(count().__next__)
        codes = [NONE if item is None else number[item] for item in items]
        return cls(np.array(codes, np.int32), tuple(number))

    def __getitem__(self, row: int) -> Any:
        code = int(self.codes[row])
        return None if code == NONE else self.values[code]

    def is_one_of(self, values: Iterable[Any]) -> NDArray[np.bool_]:
        """Which rows have one of some values, (n,)."""
        named = frozenset(values)
        return np.isin(self.codes, [number for number, value in enumerate(self.values) if value in named])

    def followed_by(self, other: Coded) -> Coded:
        """Both, one below the other."""
        values, recoded = _join_values(self.values, other.values)
        return Coded(np.concatenate([self.codes, np.append(recoded, NONE).astype(np.int32)[other.codes]]), values)

    def take(self, rows: IntVector) -> Coded:
        """Some rows, in their order."""
        return Coded(*_without_unused(self.codes[rows], self.values))


@dataclass(frozen=True, slots=True, eq=False)
class Lists:
    """Several values for each row: those of row i are `codes[starts[i] : starts[i + 1]]`, with their weights.

    starts (n + 1,) int64; codes (m,) int32: places in `values`; weights (m,) float64.
    """

    starts: IntVector
    codes: Codes
    weights: FloatVector
    values: tuple[str, ...]

    @classmethod
    def of(cls, items: Sequence[Iterable[str]], weights: Iterable[Iterable[float]] | None = None) -> Lists:
        """These words of each row; the weight of each is 1 where it isn't given."""
        words = [tuple(item) for item in items]
        number: defaultdict[str, int] = defaultdict(count().__next__)
        codes = np.fromiter(map(number.__getitem__, chain.from_iterable(words)), np.int32)
        starts = np.cumsum([0, *map(len, words)], dtype=np.int64)
        given = np.ones(len(codes)) if weights is None else np.fromiter(chain.from_iterable(weights), np.float64)
        return cls(starts, codes, given, tuple(number))

    def __getitem__(self, row: int) -> tuple[str, ...]:
        return tuple(self.values[code] for code in self.codes[self.starts[row] : self.starts[row + 1]].tolist())

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def rows(self) -> IntVector:
        """(m,): the row of each value."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

    def followed_by(self, other: Lists) -> Lists:
        """Both, one below the other."""
        values, recoded = _join_values(self.values, other.values)
        return Lists(
            np.concatenate([self.starts, self.starts[-1] + other.starts[1:]]),
            np.concatenate([self.codes, recoded[other.codes]]),
            np.concatenate([self.weights, other.weights]),
            values,
        )

    def take(self, rows: IntVector) -> Lists:
        """Some rows, in their order."""
        starts, at = self.find(rows)
        codes, values = _without_unused(self.codes[at], self.values)
        return Lists(starts, codes, self.weights[at], values)

    def find(self, rows: IntVector) -> tuple[IntVector, IntVector]:
        """Where the values of some rows stand, one row's after another's: `starts` as of those rows, and positions."""
        sizes = np.diff(self.starts)[rows]
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        return starts, np.arange(starts[-1]) + np.repeat(self.starts[rows] - starts[:-1], sizes)

    def weights_of(self, value: str) -> FloatVector:
        """(n,): the weight of a value in each row, 0 where it has it not."""
        weights = np.zeros(len(self.starts) - 1)
        if value in self.values:
            has = self.codes == self.values.index(value)
            weights[self.rows[has]] = self.weights[has]
        return weights

    def rows_by_value(self) -> dict[str, IntVector]:
        """Value -> the rows that have it, ascending; values that no row has are left out."""
        order = np.argsort(self.codes, kind="stable")
        edges = np.searchsorted(self.codes[order], np.arange(len(self.values) + 1))
        rows = self.rows[order]
        spans = zip(self.values, pairwise(edges.tolist()), strict=True)
        return {value: rows[a:b] for value, (a, b) in spans if a < b}


class Table:
    """A dataclass of columns that have one row a photo: arrays, `Coded`, `Lists`, and tables of such."""

    __slots__ = ()

    def followed_by(self, other: Self) -> Self:
        """Both, one below the other."""

        def join(mine: Any, theirs: Any) -> Any:
            return np.concatenate([mine, theirs]) if isinstance(mine, np.ndarray) else mine.followed_by(theirs)

        return self._of(join(getattr(self, name), getattr(other, name)) for name in self._names())

    def take(self, rows: IntVector) -> Self:
        """Some rows, in their order."""

        def pick(column: Any) -> Any:
            return column[rows] if isinstance(column, np.ndarray) else column.take(rows)

        return self._of(pick(getattr(self, name)) for name in self._names())

    def _names(self) -> list[str]:
        return [field.name for field in fields(self)]  # type: ignore[arg-type]  # each table is a dataclass

    def _of(self, columns: Iterable[Any]) -> Self:
        return type(self)(**dict(zip(self._names(), columns, strict=True)))


def _without_unused(codes: Codes, values: tuple[Any, ...]) -> tuple[Codes, tuple[Any, ...]]:
    """The codes for those of the values that they stand for."""
    is_used = np.bincount(codes + 1, minlength=len(values) + 1)[1:] > 0
    if is_used.all():
        return codes, values
    recoded = np.append(np.cumsum(is_used) - 1, NONE).astype(np.int32)
    return recoded[codes], tuple(value for value, used in zip(values, is_used.tolist(), strict=True) if used)


def _join_values(mine: tuple[Any, ...], theirs: tuple[Any, ...]) -> tuple[tuple[Any, ...], Codes]:
    """The values of both, and where each of theirs stands among them."""
    number = {value: n for n, value in enumerate(mine)}
    recoded = [number.setdefault(value, len(number)) for value in theirs]
    return tuple(number), np.array(recoded, np.int32)
