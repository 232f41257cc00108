"""The photos that may be in memories at all, laid out for the finders.

They are dated, showable, not hidden in any way, and not of the future.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from photos_engine.curation import is_showable
from photos_engine.graph import PersonalGraph, ancestors_of, as_slug, day_of, with_ancestors
from photos_engine.selection import rate_photo
from photos_engine.types import AnalysedPhoto, FloatArray, Snapshot, Tag

IntVector = NDArray[np.int64]
FloatVector = NDArray[np.float64]

SURE_TAG = 0.6
"""A theme's photos must show it: calibrated, so that at most two of five at the threshold and few above err."""

_SMALL_LIBRARY = 500
_MIN_PHOTOS, _MIN_PHOTOS_SMALL = 6, 4


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the finders choose from; all arrays have one entry a photo, in order of time.

    day: ordinal of the day on the photo's own clock, days starting at 04:00. worth: 0 to 1.
    embeddings: (n, 512) float32, L2-normalised.
    """

    items: tuple[AnalysedPhoto, ...]
    day: IntVector
    worth: FloatVector
    embeddings: FloatArray = field(repr=False)
    by_id: Mapping[str, int] = field(repr=False)
    by_tag: Mapping[str, IntVector] = field(repr=False)  # sure ones, with all that they imply
    certainty: Mapping[str, FloatVector] = field(repr=False)  # of the tag on those

    @property
    def min_photos(self) -> int:
        """How many photos make a memory: six, in a small library four, where four are much of what there is."""
        return _MIN_PHOTOS if len(self.items) >= _SMALL_LIBRARY else _MIN_PHOTOS_SMALL

    def positions(self, photo_ids: Iterable[str]) -> IntVector:
        """Where some photos stand, those that may not be shown left out; in order of time."""
        return np.array(sorted(self.by_id[i] for i in photo_ids if i in self.by_id), dtype=np.int64)

    def dates(self, at: IntVector) -> tuple[date, date]:
        """The first and the last day of some photos."""
        return date.fromordinal(int(self.day[at].min())), date.fromordinal(int(self.day[at].max()))


def fill_shelf(snapshot: Snapshot, graph: PersonalGraph, tags: Mapping[str, Tag], on: date) -> Shelf:
    """Take from a snapshot what memories of a day may show."""
    hidden_nodes, hidden_photos = graph.hidden(), graph.hidden_photo_ids()
    ancestors = ancestors_of(tags)
    rows: list[tuple[int, int]] = []
    found: dict[str, list[tuple[int, float]]] = {}
    for row, item in enumerate(snapshot.photos):
        if not item.photo.is_dated or item.photo.id in hidden_photos:
            continue
        day = day_of(item.photo.taken)
        if day > on:
            continue
        spread = with_ancestors(item.tags, ancestors)
        if (hidden_nodes and _is_of(item, spread, hidden_nodes)) or not is_showable(item).ok:
            continue
        for tag, certainty in spread.items():
            if certainty >= SURE_TAG:
                found.setdefault(tag, []).append((len(rows), certainty))
        rows.append((row, day.toordinal()))
    items = tuple(snapshot.photos[row] for row, _ in rows)
    return Shelf(
        items=items,
        day=np.array([day for _, day in rows], dtype=np.int64),
        worth=np.array([rate_photo(item, tags) for item in items], dtype=np.float64),
        embeddings=snapshot.embeddings[[row for row, _ in rows]],
        by_id={item.photo.id: n for n, item in enumerate(items)},
        by_tag={tag: np.array([n for n, _ in hits], dtype=np.int64) for tag, hits in found.items()},
        certainty={tag: np.array([p for _, p in hits], dtype=np.float64) for tag, hits in found.items()},
    )


def _is_of(item: AnalysedPhoto, tags: Mapping[str, float], nodes: frozenset[str]) -> bool:
    """Whether a photo shows a hidden person or thing, or was taken at a hidden place or in a hidden year."""
    place = item.photo.place
    own = {f"person:{as_slug(region.name)}" for region in item.photo.facts.people} | {f"tag:{tag}" for tag in tags}
    own.add(f"year:{day_of(item.photo.taken).year}")
    if place:
        code = place.country_code
        own |= {f"country:{code}", f"region:{code}/{place.region}", f"city:{code}/{place.city}"}
        own.add(f"city:{code}/{place.region}/{place.city}")
    return not own.isdisjoint(nodes)
