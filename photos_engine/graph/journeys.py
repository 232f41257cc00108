"""Trips and days out: what happened away from home, from leaving until the return.

The evidence is positions; photographs without one belong to the journey when the nearest in time that
know their place do. A single stray position at home in the midst of a stay elsewhere (a receipt that
was photographed later, a picture that somebody sent) doesn't end a trip.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from photos_engine.graph.home import HOME_RADIUS_KM, HomeBase
from photos_engine.graph.looks import DAY_STARTS_AT_H
from photos_engine.graph.timeline import BoolVector, FloatVector, IntVector, Timeline, distance_km

MAX_GAP_DAYS = 3  # a traveller who takes no photo for longer has probably been home between
MAX_GAP_SAME_PLACE_DAYS = 4  # less than from one weekend at the grandparents' to the next
SAME_PLACE_KM = 30.0
NEAR_KM = 60.0  # people drive home from here for the night
NIGHT_H = 22  # who takes photos there at this hour probably sleeps there
MIN_TRIP_PHOTOS = 4
MIN_DAY_OUT_PHOTOS = 3
MAX_JOIN_H = 12.0  # photos without a position join the journey of a photo at most so far away in time


@dataclass(frozen=True, slots=True)
class Journey:
    """One absence from home: positions in the timeline, in order; one day makes a day out, more a trip.

    farthest_km: from home; None where the person told of it and no position does.
    """

    at: IntVector
    first_day: int
    last_day: int
    farthest_km: float | None
    confidence: float
    is_told: bool = False  # by the person

    @property
    def days(self) -> int:
        """How many days it lasted, first and last included."""
        return self.last_day - self.first_day + 1

    @property
    def is_trip(self) -> bool:
        """Whether it lasted more than a day."""
        return self.days >= 2


def find_journeys(timeline: Timeline, home: HomeBase, said: Sequence[tuple[int, int]] = ()) -> tuple[Journey, ...]:
    """Every trip and day out in time order; without a known home only those that the person told of.

    said: spans of days (first and last, as proleptic ordinals) that each were one journey.
    """
    found = _infer_journeys(timeline, home) if home.spans else ()
    if not said:
        return found
    km = home.distance_km(timeline) if home.spans else np.full(len(timeline), np.nan)
    spans = [(timeline.day >= first) & (timeline.day <= last) for first, last in said]
    told = [np.flatnonzero(here) for here in spans if here.any()]
    journeys = [_as_told(timeline, at, km[at]) for at in told]
    is_told = np.any(spans, axis=0)
    for journey in found:
        left = journey.at[~is_told[journey.at]]
        if len(left) == len(journey.at):
            journeys.append(journey)
        elif np.count_nonzero(timeline.keeper[left]) >= MIN_TRIP_PHOTOS:
            days = timeline.day[left]
            journeys.append(replace(journey, at=left, first_day=int(days.min()), last_day=int(days.max())))
    return tuple(sorted(journeys, key=lambda journey: int(journey.at[0])))


def _as_told(timeline: Timeline, at: IntVector, km: FloatVector) -> Journey:
    farthest = float(np.nanmax(km)) if (~np.isnan(km)).any() else None
    return Journey(at, int(timeline.day[at].min()), int(timeline.day[at].max()), farthest, 1.0, is_told=True)


def _infer_journeys(timeline: Timeline, home: HomeBase) -> tuple[Journey, ...]:
    km = home.distance_km(timeline)
    at = np.flatnonzero(~np.isnan(km))
    away = (km[at] > HOME_RADIUS_KM) & ~home.is_routine(timeline)[at]
    stray = _is_stray(timeline, at, away)
    at, away = at[~stray], away[~stray]
    runs = [part for a, b in _away_runs(timeline, at, away) for part in _nights_at_home(timeline, km, at[a:b])]
    owner = _join_by_time(timeline, at, runs)
    journeys = []
    for n, run in enumerate(runs):
        members = np.flatnonzero(owner == n)
        # Not those of the first and last photo: over the date line the calendar runs backwards.
        first, last = int(timeline.day[members].min()), int(timeline.day[members].max())
        keepers = int(np.count_nonzero(timeline.keeper[members]))
        if keepers >= (MIN_TRIP_PHOTOS if last > first else MIN_DAY_OUT_PHOTOS):
            farthest = float(np.nanmax(km[run]))
            journeys.append(Journey(members, first, last, farthest, _confidence(keepers, farthest)))
    return tuple(journeys)


def _confidence(photos: int, farthest_km: float) -> float:
    """Grows with the evidence and the distance: 0.6 for a handful of photos next door, 0.95 far away."""
    evidence = photos / (photos + 4.0)
    distance = farthest_km / (farthest_km + HOME_RADIUS_KM)
    return round(min(0.99, 0.4 + 0.35 * evidence + 0.25 * distance), 3)


def _is_stray(timeline: Timeline, at: IntVector, away: BoolVector) -> BoolVector:
    """Single photos at home between photos of one and the same place elsewhere."""
    stray = np.zeros(len(at), dtype=bool)
    if len(at) < 3:
        return stray
    lone = np.flatnonzero(~away[1:-1] & away[:-2] & away[2:]) + 1
    before, after = at[lone - 1], at[lone + 1]
    apart = distance_km(
        timeline.latitude[before], timeline.longitude[before], timeline.latitude[after], timeline.longitude[after]
    )
    quick = timeline.day[after] - timeline.day[before] <= 1
    stray[lone[(apart <= SAME_PLACE_KM) & quick]] = True
    return stray


def _away_runs(timeline: Timeline, at: IntVector, away: BoolVector) -> Iterator[tuple[int, int]]:
    """Half-open ranges of `at` that were spent away, split where the silence is too long."""
    days, latitude, longitude = timeline.day[at], timeline.latitude[at], timeline.longitude[at]
    gap = np.diff(days)
    km = distance_km(latitude[:-1], longitude[:-1], latitude[1:], longitude[1:])
    allowed = np.where(km <= SAME_PLACE_KM, MAX_GAP_SAME_PLACE_DAYS, MAX_GAP_DAYS)
    splits = (gap > allowed) | (away[:-1] != away[1:])
    edges = [0, *(np.flatnonzero(splits) + 1).tolist(), len(at)]
    for start, end in pairwise(edges):
        if end > start and away[start]:
            yield start, end


def _nights_at_home(timeline: Timeline, km: FloatVector, run: IntVector) -> list[IntVector]:
    """Days out on days in a row: near enough to sleep at home, and no photo at night tells otherwise."""
    hour = timeline.wall_s[run] / 3600 % 24
    if km[run].max() > NEAR_KM or ((hour >= NIGHT_H) | (hour < DAY_STARTS_AT_H)).any():
        return [run]
    return np.split(run, np.flatnonzero(np.diff(timeline.day[run])) + 1)


def _join_by_time(timeline: Timeline, at: IntVector, runs: list[IntVector]) -> IntVector:
    """The run that each photo of the timeline belongs to, -1 for none.

    A photo without a position follows the nearest in time that has one. Between two of the same run it
    belongs to it anyway; at the edges it must be near in time, on the same day.
    """
    owner = np.full(len(timeline), -1, dtype=np.int64)
    for n, run in enumerate(runs):
        owner[run] = n
    missing = np.flatnonzero(np.isnan(timeline.latitude))
    if not len(missing) or not len(at):
        return owner
    right = np.searchsorted(timeline.utc_s[at], timeline.utc_s[missing])
    before, after = at[np.maximum(right - 1, 0)], at[np.minimum(right, len(at) - 1)]
    inside = (owner[before] == owner[after]) & (before < missing) & (missing < after)
    lag_before: FloatVector = np.abs(timeline.utc_s[missing] - timeline.utc_s[before])
    lag_after: FloatVector = np.abs(timeline.utc_s[after] - timeline.utc_s[missing])
    nearest = np.where(lag_before <= lag_after, before, after)
    close = (np.minimum(lag_before, lag_after) <= MAX_JOIN_H * 3600) & (timeline.day[nearest] == timeline.day[missing])
    joins = inside | close
    owner[missing[joins]] = owner[nearest[joins]]
    return owner
