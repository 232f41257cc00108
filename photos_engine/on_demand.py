"""Photos of a snapshot that are read when somebody looks at them: columns tell what most of a library is for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import overload

from photos_engine.types import AnalysedPhoto


class PhotosOnDemand(Sequence[AnalysedPhoto]):
    """As the tuple of all photos, for as long as what reads them can read.

    read: gives the photos of some rows, in their order.
    """

    def __init__(self, count: int, read: Callable[[Sequence[int]], Sequence[AnalysedPhoto]]) -> None:
        self._count, self._read = count, read
        self._known: dict[int, AnalysedPhoto] = {}

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, row: int) -> AnalysedPhoto: ...
    @overload
    def __getitem__(self, row: slice) -> tuple[AnalysedPhoto, ...]: ...
    def __getitem__(self, row: int | slice) -> AnalysedPhoto | tuple[AnalysedPhoto, ...]:
        if isinstance(row, slice):
            return tuple(self.of(range(self._count)[row]))
        return self.of([range(self._count)[row]])[0]

    def __iter__(self) -> Iterator[AnalysedPhoto]:
        return iter(self.of(range(self._count)))

    def of(self, rows: Iterable[int]) -> list[AnalysedPhoto]:
        """The photos of some rows, in their order, read at once."""
        rows = list(rows)
        if missing := [row for row in dict.fromkeys(rows) if row not in self._known]:
            self._known.update(zip(missing, self._read(missing), strict=True))
        return [self._known[row] for row in rows]

    def glance(self, rows: Sequence[int]) -> Sequence[AnalysedPhoto]:
        """As `of`, of rows that nobody will look at again: what wasn't at hand is not kept so."""
        return self.of(rows) if self._known.keys() >= set(rows) else self._read(rows)


def photos_at(photos: Sequence[AnalysedPhoto], rows: Iterable[int]) -> list[AnalysedPhoto]:
    """Those of a snapshot's photos at some rows, in their order."""
    return photos.of(rows) if isinstance(photos, PhotosOnDemand) else [photos[row] for row in rows]
