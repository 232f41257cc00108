"""The photos that may be in memories at all, laid out for the finders.

They are dated, showable, not hidden in any way, and not of the future.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import chain, count

import numpy as np
from numpy.typing import NDArray

from photos_engine.graph import Look, PersonalGraph, look_at
from photos_engine.selection import rate_photo
from photos_engine.types import AnalysedPhoto, FloatArray, Snapshot, Tag

BoolVector = NDArray[np.bool_]
IntVector = NDArray[np.int64]
FloatVector = NDArray[np.float64]

SURE_TAG = 0.6
"""A theme's photos must show it: calibrated, so that at most two of five at the threshold and few above err."""

VERY_SURE_TAG = 0.8

MIN_MEMORABLE = 0.55
"""Of a tag that a memory may be made of: most people's lives have something of it worth telling."""

MIN_OVERALL = 0.3
"""Of a photo's quality, where the person didn't choose it themselves. Of 4,249 good photos of four scripted lives that
may be shown two lie below, of the seven dark or burnt-out ones among them four."""

_MOSTLY_TEXT = 0.9
_SMALL_LIBRARY = 500
_MIN_PHOTOS, _MIN_PHOTOS_SMALL = 6, 4


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the finders choose from; all arrays have one entry a photo, in order of time.

    day: ordinal of the day on the photo's own clock, days starting at 04:00. latitude: degrees, NaN without a
    position. marks: digests of what each photo tells. embeddings: (n, 512) float32, L2-normalised.
    """

    items: tuple[AnalysedPhoto, ...]
    day: IntVector
    latitude: FloatVector
    marks: NDArray[np.uint64]
    embeddings: FloatArray = field(repr=False)
    by_id: Mapping[str, int] = field(repr=False)
    by_tag: Mapping[str, IntVector] = field(repr=False)  # sure ones, with all that they imply
    certainty: Mapping[str, FloatVector] = field(repr=False)  # of the tag on those
    tags: Mapping[str, Tag] = field(repr=False)
    _worth: FloatVector = field(repr=False)  # NaN until somebody asks: most photos are in no memory

    def worth(self, at: IntVector) -> FloatVector:
        """How much some photos are worth, 0 to 1 each."""
        for n in at[np.isnan(self._worth[at])].tolist():
            self._worth[n] = rate_photo(self.items[n], self.tags)
        return self._worth[at]

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
        and look.is_personal
        and look.day <= last
        and look.item.photo.id not in hidden_photos
        and not _is_poor(look.item)
        and not _is_page(look, tags)
        and not (hidden_nodes and _is_of(look, hidden_nodes, graph))
    ]
    rows.sort(key=lambda row: (looks[row].utc_s, looks[row].item.photo.id))
    items = tuple(looks[row].item for row in rows)
    by_tag = _find_sure_tags([looks[row].tags for row in rows])
    points = [item.photo.facts.gps for item in items]
    return Shelf(
        items=items,
        day=np.array([looks[row].day for row in rows], dtype=np.int64),
        latitude=np.array([point.latitude if point else np.nan for point in points], dtype=np.float64),
        marks=np.frombuffer(b"".join(looks[row].mark for row in rows), dtype=np.uint64),
        embeddings=snapshot.embeddings[rows] if rows else snapshot.embeddings[:0],
        by_id={item.photo.id: n for n, item in enumerate(items)},
        by_tag={tag: at for tag, (at, _) in by_tag.items()},
        certainty={tag: certainty for tag, (_, certainty) in by_tag.items()},
        tags=tags,
        _worth=np.full(len(items), np.nan),
    )


def _find_sure_tags(found: Sequence[Mapping[str, float]]) -> dict[str, tuple[IntVector, FloatVector]]:
    """Tag -> the photos that surely show it, in order, and how certain each is."""
    number: defaultdict[str, int] = defaultdict(count().__next__)
    tag = np.fromiter(map(number.__getitem__, chain.from_iterable(found)), dtype=np.int64)
    certainty = np.fromiter(chain.from_iterable(tags.values() for tags in found), dtype=np.float64)
    at = np.repeat(np.arange(len(found)), [len(tags) for tags in found])
    sure = certainty >= SURE_TAG
    tag, certainty, at = tag[sure], certainty[sure], at[sure]
    order = np.argsort(tag, kind="stable")
    edges = np.searchsorted(tag[order], np.arange(len(number) + 1))
    parts = {name: order[edges[n] : edges[n + 1]] for name, n in number.items()}
    return {name: (at[part], certainty[part]) for name, part in parts.items() if len(part)}


def _is_poor(item: AnalysedPhoto) -> bool:
    """Whether it came out so badly that it tells nothing, and nobody said that they like it all the same."""
    if item.quality.overall >= MIN_OVERALL:
        return False
    return not (item.photo.is_favourite or (item.photo.facts.rating or 0) > 0)


def _is_page(look: Look, tags: Mapping[str, Tag]) -> bool:
    """Whether a photo shows writing and nothing worth remembering: no proof of a document, but no memory either."""
    if look.tags.get("text", 0.0) < _MOSTLY_TEXT:
        return False
    return not any(
        p >= SURE_TAG and tag in tags and tags[tag].memorable >= MIN_MEMORABLE for tag, p in look.tags.items()
    )


def _is_of(look: Look, nodes: frozenset[str], graph: PersonalGraph) -> bool:
    """Whether a photo shows a hidden person or thing, or was taken at a hidden place or in a hidden year."""
    photo = look.item.photo
    own = {graph.person_node(region.name) for region in photo.facts.people} | {f"tag:{tag}" for tag in look.tags}
    own.add(f"year:{date.fromordinal(look.day).year}")
    if place := photo.place:
        code = place.country_code
        own |= {f"country:{code}", f"region:{code}/{place.region}", f"city:{code}/{place.city}"}
        own.add(f"city:{code}/{place.region}/{place.city}")
    return not own.isdisjoint(nodes)
