"""The library as arrays in time order: what every inference of the graph counts and measures on.

Taken from the photos' looks; home, trips and moments are numpy arithmetic, which
is what keeps 100,000 photos within seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from photos_engine.graph.looks import Looks

FloatVector = NDArray[np.float64]
IntVector = NDArray[np.int64]
BoolVector = NDArray[np.bool_]

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


def build_timeline(looks: Looks) -> Timeline:
    """The dated and personal photos of a snapshot as arrays; positions that imply impossible speed are dropped."""
    rows = np.flatnonzero(looks.is_personal)
    # Photos of one second keep the order of their ids, whenever each of them was imported.
    rows = rows[np.lexsort((looks.ids[rows], looks.utc_s[rows]))]
    timeline = Timeline(
        rows=rows,
        utc_s=looks.utc_s[rows],
        wall_s=looks.wall_s[rows],
        day=looks.day[rows],
        latitude=looks.latitude[rows],
        longitude=looks.longitude[rows],
        keeper=looks.is_shown[rows],
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


def years_of(day: IntVector) -> IntVector:
    """For each day ordinal its year."""
    days, which = np.unique(day, return_inverse=True)
    return np.array([date.fromordinal(ordinal).year for ordinal in days.tolist()], dtype=np.int64)[which]


def positions_by_day(timeline: Timeline) -> dict[int, IntVector]:
    """Day ordinal -> the positions of its photos, in order of time."""
    order = np.argsort(timeline.day, kind="stable")
    days, starts = np.unique(timeline.day[order], return_index=True)
    return dict(zip(days.tolist(), np.split(order, starts[1:]), strict=True)) if len(days) else {}
