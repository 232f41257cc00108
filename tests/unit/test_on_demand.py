from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pytest
from fakes.library import Life

from photos_engine.on_demand import PhotosOnDemand, photos_at
from photos_engine.types import AnalysedPhoto


@pytest.fixture
def items() -> list[AnalysedPhoto]:
    life = Life(home="Lyon")
    life.live(date(2022, 1, 1), date(2022, 1, 12), every_days=2)
    return list(life.snapshot().photos)


def test_photos_are_read_once_and_glances_keep_none(items: list[AnalysedPhoto]) -> None:
    asked: list[list[int]] = []

    def read(rows: Sequence[int]) -> list[AnalysedPhoto]:
        asked.append(list(rows))
        return [items[row] for row in rows]

    photos = PhotosOnDemand(len(items), read)
    assert photos_at(photos, [2, 0, 2]) == [items[2], items[0], items[2]]
    assert photos.glance([0, 2]) == [items[0], items[2]]
    assert photos.glance([1, 0]) == [items[1], items[0]]
    assert asked == [[2, 0], [1, 0]]
    assert list(photos) == items
    assert (photos[1], photos[-2:]) == (items[1], tuple(items[-2:]))
    assert asked[2:] == [[row for row in range(len(items)) if row not in (0, 2)]]
