"""The library as arrays in time order: what every inference of the graph counts and measures on.

One pass over the snapshot's objects; afterwards home, trips and moments are numpy arithmetic, which
is what keeps 100,000 photos within seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import numpy as np
from numpy.typing import NDArray

from photos_engine.curation import assess_utility, is_showable
from photos_engine.types import Snapshot

FloatVector = NDArray[np.float64]
IntVector = NDArray[np.int64]
BoolVector = NDArray[np.bool_]

DAY_STARTS_AT_H = 4  # a party past midnight belongs to the evening on which it began

_EPOCH = datetime(1970, 1, 1)
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_EARTH_RADIUS_KM = 6371.0088
_IMPOSSIBLE_KM_H = 1200.0  # faster than an airliner with the wind behind it


@dataclass(frozen=True, slots=True)
class Timeline:
    """The dated, personal photos in order of UTC; all arrays have one entry a photo.

    rows: index into `snapshot.photos`. utc_s, wall_s: seconds since 1970 in UTC and on the photo's own
    clock. day: proleptic ordinal of the day on the photo's own clock, which starts at 04:00. latitude,
    longitude: degrees, NaN without a (credible) position. keeper: may be shown and stands for itself, so
    it counts when activity is measured; frames of a burst, copies and spoiled shots do not.
    """

    rows: IntVector
    utc_s: FloatVector
    wall_s: FloatVector
    day: IntVector
    latitude: FloatVector
    longitude: FloatVector
    keeper: BoolVector

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def located(self) -> IntVector:
        """Positions of the photos that know where they were taken."""
        return np.flatnonzero(~np.isnan(self.latitude))


def day_of(taken: datetime) -> date:
    """The day that a photo belongs to on its own clock, days starting at 04:00."""
    return date.fromordinal(_day_ordinal((taken.replace(tzinfo=None) - _EPOCH).total_seconds()))


def _day_ordinal(wall_s: float) -> int:
    return int((wall_s - DAY_STARTS_AT_H * 3600) // 86400) + _EPOCH_ORDINAL


def build_timeline(snapshot: Snapshot) -> Timeline:
    """The snapshot's dated and personal photos as arrays; positions that imply impossible speed are dropped."""
    dated = [i for i, item in enumerate(snapshot.photos) if item.photo.is_dated and not item.photo.is_hidden]
    shown = {i: is_showable(snapshot.photos[i]).ok for i in dated}
    # Utility content tells nothing about where a person was: a receipt is photographed whenever.
    rows = [i for i in dated if shown[i] or assess_utility(snapshot.photos[i]).kind is None]
    facts = [snapshot.photos[i].photo.facts for i in rows]
    wall_s = np.array([(f.taken.replace(tzinfo=None) - _EPOCH).total_seconds() for f in facts], dtype=np.float64)
    utc_s = np.array([f.taken.astimezone(UTC).timestamp() for f in facts], dtype=np.float64)
    points = [(f.gps.latitude, f.gps.longitude) if f.gps else (np.nan, np.nan) for f in facts]
    latitude, longitude = np.array(points, dtype=np.float64).reshape(-1, 2).T
    order = np.argsort(utc_s, kind="stable")
    timeline = Timeline(
        rows=np.array(rows, dtype=np.int64)[order],
        utc_s=utc_s[order],
        wall_s=wall_s[order],
        day=((wall_s[order] - DAY_STARTS_AT_H * 3600) // 86400).astype(np.int64) + _EPOCH_ORDINAL,
        latitude=latitude[order],
        longitude=longitude[order],
        keeper=np.array([shown[i] for i in rows], dtype=bool)[order],
    )
    return _without_impossible_positions(timeline)


def _without_impossible_positions(timeline: Timeline) -> Timeline:
    """Forget single positions that nobody could have reached and left again: a stale fix, an edited picture."""
    at = timeline.located
    if len(at) < 3:
        return timeline
    km = distance_km(
        timeline.latitude[at[:-1]], timeline.longitude[at[:-1]], timeline.latitude[at[1:]], timeline.longitude[at[1:]]
    )
    hours = np.diff(timeline.utc_s[at]) / 3600
    too_fast = (km > 50) & (km > _IMPOSSIBLE_KM_H * hours)
    lone = at[1:-1][too_fast[:-1] & too_fast[1:]]
    # Two neighbours that jump to and fro accuse each other: keep the first, whose past was credible.
    lone = lone[np.insert(np.diff(lone) > 1, 0, True)] if len(lone) else lone
    latitude, longitude = timeline.latitude.copy(), timeline.longitude.copy()
    latitude[lone] = longitude[lone] = np.nan
    return replace(timeline, latitude=latitude, longitude=longitude)


def distance_km(
    latitude_a: FloatVector | float,
    longitude_a: FloatVector | float,
    latitude_b: FloatVector | float,
    longitude_b: FloatVector | float,
) -> FloatVector:
    """Great-circle distances in kilometres between positions in degrees (haversine, mean Earth radius)."""
    phi_a, phi_b = np.radians(latitude_a), np.radians(latitude_b)
    half_chord = (
        np.sin((phi_b - phi_a) / 2) ** 2
        + np.cos(phi_a) * np.cos(phi_b) * np.sin(np.radians(np.subtract(longitude_b, longitude_a)) / 2) ** 2
    )
    return np.asarray(2 * _EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(half_chord, 0.0, 1.0))), dtype=np.float64)


def positions_by_day(timeline: Timeline) -> dict[int, IntVector]:
    """Day ordinal -> the positions of its photos, in order of time."""
    order = np.argsort(timeline.day, kind="stable")
    days, starts = np.unique(timeline.day[order], return_index=True)
    return dict(zip(days.tolist(), np.split(order, starts[1:]), strict=True)) if len(days) else {}


def with_ancestors(found: Mapping[str, float], ancestors: Mapping[str, frozenset[str]]) -> dict[str, float]:
    """Tags with everything that they imply: a poodle is a dog is an animal, each at least as certain."""
    spread = dict(found)
    for tag, probability in found.items():
        for ancestor in ancestors.get(tag, ()):
            if probability > spread.get(ancestor, 0.0):
                spread[ancestor] = probability
    return spread
