"""The photos that may be in memories at all, laid out for the finders.

They are showable, not hidden in any way, not of the future, and dated: most to the day, some to the month at least, by
the folder that they lie in. The latter are in no memory that claims a day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from photos_engine.graph import Looks, PersonalGraph, look_at
from photos_engine.graph.looks import MIN_MEMORABLE, SURE_TAG
from photos_engine.on_demand import photos_at
from photos_engine.selection import Traits
from photos_engine.types import AnalysedPhoto, FloatArray, Place, Snapshot, Tag

__all__ = ["MIN_MEMORABLE", "NO_DAY", "SURE_TAG", "VERY_SURE_TAG", "Shelf", "fill_shelf"]

BoolVector = NDArray[np.bool_]
IntVector = NDArray[np.int64]
FloatVector = NDArray[np.float64]

VERY_SURE_TAG = 0.8
NO_DAY = -1_000_000

_SMALL_LIBRARY = 500
_MIN_PHOTOS, _MIN_PHOTOS_SMALL = 6, 4


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the finders choose from; all arrays have one entry a photo, in order of time.

    looks: of the photos. rows: where they stand among `photos`, all of a snapshot. embeddings: (n, 512) float32,
    L2-normalised.
    """

    looks: Looks
    rows: IntVector = field(repr=False)
    photos: Sequence[AnalysedPhoto] = field(repr=False)
    embeddings: FloatArray = field(repr=False)
    ids: Sequence[str] = field(repr=False)
    by_id: Mapping[str, int] = field(repr=False)
    by_tag: Mapping[str, IntVector] = field(repr=False)  # sure ones, with all that they imply
    certainty: Mapping[str, FloatVector] = field(repr=False)  # of the tag on those

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def day(self) -> IntVector:
        """(n,): ordinal of the day on the photo's own clock, which starts at 04:00; `NO_DAY` where it isn't certain."""
        return np.where(self.looks.is_placed, self.looks.day, NO_DAY)

    def days(self, at: IntVector) -> IntVector:
        """The days on which some photos were certainly taken, ascending."""
        return np.unique(self.looks.day[at[self.looks.is_placed[at]]])

    def within(self, first_day: int, last_day: int) -> IntVector:
        """The photos that were certainly taken within some days, whichever it was."""
        return np.flatnonzero((self.looks.first_day >= first_day) & (self.looks.last_day <= last_day))

    @property
    def min_photos(self) -> int:
        """How many photos make a memory: six, in a small library four, where four are much of what there is."""
        return _MIN_PHOTOS if len(self) >= _SMALL_LIBRARY else _MIN_PHOTOS_SMALL

    def items(self, at: Iterable[int]) -> list[AnalysedPhoto]:
        """The photos at some positions, in their order."""
        return photos_at(self.photos, [int(self.rows[n]) for n in at])

    def traits(self, at: IntVector, *, with_subjects: bool) -> Traits:
        """What a choice among some photos looks at."""
        looks = self.looks
        subjects = looks.subjects.codes[at] if with_subjects else np.full(len(at), -1, np.int64)
        stacks, is_keeper = looks.groups(at), looks.is_keeper[at]
        ids = [self.ids[n] for n in at.tolist()]
        return Traits(ids, looks.utc_s[at], looks.is_timed[at], stacks, is_keeper, subjects)

    def places(self, at: IntVector) -> list[Place | None]:
        """The place of each of some photos."""
        values = (*self.looks.place_values(), None)
        return [values[code] for code in self.looks.places.codes[at].tolist()]

    def years(self, at: IntVector) -> list[int]:
        """The years in which some photos were taken, on their own clocks, ascending."""
        seconds = np.floor(self.looks.wall_s[at]).astype("datetime64[s]")
        return [int(year) for year in np.unique(seconds.astype("datetime64[Y]").astype(np.int64) + 1970)]

    def positions(self, photo_ids: Iterable[str]) -> IntVector:
        """Where some photos stand, those that may not be shown left out; in order of time."""
        return np.array(sorted(self.by_id[i] for i in photo_ids if i in self.by_id), dtype=np.int64)

    def dates(self, at: IntVector) -> tuple[date, date]:
        """The first and the last day on which some photos were certainly taken, of which there must be one."""
        days = self.days(at)
        return date.fromordinal(int(days[0])), date.fromordinal(int(days[-1]))


def fill_shelf(
    snapshot: Snapshot, graph: PersonalGraph, tags: Mapping[str, Tag], on: date, looks: Looks | None = None
) -> Shelf:
    """Take from a snapshot what memories of a day may show. looks: of its photos, if they are at hand."""
    looks = look_at(snapshot, tags) if looks is None else looks
    is_known = (looks.last_day >= looks.first_day) & (looks.last_day <= on.toordinal())
    may_be_shown = looks.is_shown & looks.is_own & looks.is_telling & is_known
    if hidden_photos := graph.hidden_photo_ids():
        may_be_shown &= ~np.isin(looks.ids, np.array(sorted(hidden_photos), np.bytes_))
    if hidden_nodes := graph.hidden():
        may_be_shown &= ~_are_of(looks, hidden_nodes, graph)
    rows = np.flatnonzero(may_be_shown)
    rows = rows[np.lexsort((looks.ids[rows], looks.utc_s[rows]))]
    shelved = looks.take(rows)
    ids = shelved.photo_ids
    by_tag = _find_sure_tags(shelved)
    return Shelf(
        looks=shelved,
        rows=rows,
        photos=snapshot.photos,
        embeddings=snapshot.embeddings[rows],
        ids=ids,
        by_id={photo_id: n for n, photo_id in enumerate(ids)},
        by_tag={tag: at for tag, (at, _) in by_tag.items()},
        certainty={tag: certainty for tag, (_, certainty) in by_tag.items()},
    )


def _find_sure_tags(looks: Looks) -> dict[str, tuple[IntVector, FloatVector]]:
    """Tag -> the photos that surely show it, in order, and how certain each is."""
    tags = looks.tags
    sure = tags.weights >= SURE_TAG
    codes, certainty, at = tags.codes[sure], tags.weights[sure], tags.rows[sure]
    order = np.argsort(codes, kind="stable")
    edges = np.searchsorted(codes[order], np.arange(len(tags.values) + 1, dtype=codes.dtype))
    parts = {name: order[edges[n] : edges[n + 1]] for n, name in enumerate(tags.values)}
    return {name: (at[part], certainty[part]) for name, part in parts.items() if len(part)}


def _are_of(looks: Looks, nodes: frozenset[str], graph: PersonalGraph) -> BoolVector:
    """Which photos show a hidden person or thing, or were taken at a hidden place or in a hidden year, (n,)."""
    is_hidden = nodes.__contains__
    hidden_tags = [is_hidden(f"tag:{tag}") for tag in looks.tags.values]
    hidden_people = [is_hidden(graph.person_node(name)) for name in looks.people.values]
    found = np.zeros(len(looks), bool)
    for lists, hidden in ((looks.tags, hidden_tags), (looks.people, hidden_people)):
        found[lists.rows[np.array(hidden, bool)[lists.codes]]] = True
    hidden_places = [any(map(is_hidden, _nodes_of(place))) for place in looks.place_values()]
    found |= np.array([*hidden_places, False], bool)[looks.places.codes]
    days, which = np.unique(np.maximum(looks.first_day, 1), return_inverse=True)
    found |= np.array([is_hidden(f"year:{date.fromordinal(day).year}") for day in days.tolist()], bool)[which]
    return found


def _nodes_of(place: Place) -> tuple[str, ...]:
    code = place.country_code
    city = (f"city:{code}/{place.city}", f"city:{code}/{place.region}/{place.city}")
    return (f"country:{code}", f"region:{code}/{place.region}", *city)
