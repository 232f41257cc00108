"""The photos that may be in memories at all, laid out for the finders.

They are dated, showable, not hidden in any way, and not of the future.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from photos_engine.graph import Look, PersonalGraph, as_slug, look_at
from photos_engine.selection import rate_photo
from photos_engine.types import AnalysedPhoto, FloatArray, Snapshot, Tag

IntVector = NDArray[np.int64]
FloatVector = NDArray[np.float64]

SURE_TAG = 0.6
"""A theme's photos must show it: calibrated, so that at most two of five at the threshold and few above err."""

MIN_MEMORABLE = 0.55
"""Of a tag that a memory may be made of: most people's lives have something of it worth telling."""

_MOSTLY_TEXT = 0.9
_SMALL_LIBRARY = 500
_MIN_PHOTOS, _MIN_PHOTOS_SMALL = 6, 4


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the finders choose from; all arrays have one entry a photo, in order of time.

    day: ordinal of the day on the photo's own clock, days starting at 04:00. worth: 0 to 1. marks: digests of
    what each photo tells. embeddings: (n, 512) float32, L2-normalised.
    """

    items: tuple[AnalysedPhoto, ...]
    day: IntVector
    worth: FloatVector
    marks: NDArray[np.uint64]
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


def fill_shelf(
    snapshot: Snapshot, graph: PersonalGraph, tags: Mapping[str, Tag], on: date, looks: Sequence[Look] | None = None
) -> Shelf:
    """Take from a snapshot what memories of a day may show. looks: of each photo, in order, if they are at hand."""
    looks = look_at(snapshot, tags) if looks is None else looks
    hidden_nodes, hidden_photos = graph.hidden(), graph.hidden_photo_ids()
    last = on.toordinal()
    rows = [
        row
        for row, look in enumerate(looks)
        if look.is_shown
        and look.day <= last
        and look.item.photo.is_dated
        and look.item.photo.id not in hidden_photos
        and not _is_page(look, tags)
        and not (hidden_nodes and _is_of(look, hidden_nodes))
    ]
    rows.sort(key=lambda row: (looks[row].utc_s, looks[row].item.photo.id))
    found: dict[str, list[tuple[int, float]]] = {}
    for position, row in enumerate(rows):
        for tag, certainty in looks[row].tags.items():
            if certainty >= SURE_TAG:
                found.setdefault(tag, []).append((position, certainty))
    items = tuple(looks[row].item for row in rows)
    return Shelf(
        items=items,
        day=np.array([looks[row].day for row in rows], dtype=np.int64),
        worth=np.array([rate_photo(item, tags) for item in items], dtype=np.float64),
        marks=np.array([int.from_bytes(looks[row].mark) for row in rows], dtype=np.uint64),
        embeddings=snapshot.embeddings[rows] if rows else snapshot.embeddings[:0],
        by_id={item.photo.id: n for n, item in enumerate(items)},
        by_tag={tag: np.array([n for n, _ in hits], dtype=np.int64) for tag, hits in found.items()},
        certainty={tag: np.array([p for _, p in hits], dtype=np.float64) for tag, hits in found.items()},
    )


def _is_page(look: Look, tags: Mapping[str, Tag]) -> bool:
    """Whether a photo shows writing and nothing worth remembering: no proof of a document, but no memory either."""
    if look.tags.get("text", 0.0) < _MOSTLY_TEXT:
        return False
    return not any(
        p >= SURE_TAG and tag in tags and tags[tag].memorable >= MIN_MEMORABLE for tag, p in look.tags.items()
    )


def _is_of(look: Look, nodes: frozenset[str]) -> bool:
    """Whether a photo shows a hidden person or thing, or was taken at a hidden place or in a hidden year."""
    photo = look.item.photo
    own = {f"person:{as_slug(region.name)}" for region in photo.facts.people} | {f"tag:{tag}" for tag in look.tags}
    own.add(f"year:{date.fromordinal(look.day).year}")
    if place := photo.place:
        code = place.country_code
        own |= {f"country:{code}", f"region:{code}/{place.region}", f"city:{code}/{place.city}"}
        own.add(f"city:{code}/{place.region}/{place.city}")
    return not own.isdisjoint(nodes)
