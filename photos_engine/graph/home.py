"""Where home is, and since when: everything that counts as going away is measured from here.

A home is where photographs are taken on many days, spread over weeks; the person's moves are found by
letting one anchor hand over to the next when that explains the days better than staying does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from photos_engine.graph.naming import city_node
from photos_engine.graph.timeline import BoolVector, FloatVector, IntVector, Timeline, distance_km
from photos_engine.types import GeoPoint, Place

HOME_RADIUS_KM = 25.0  # a city and its surroundings; from here on one is away

_CELL_DEGREES = 0.05
_ANCHOR_RADIUS_KM = 15.0
_MIN_DAYS, _MIN_WEEKS, _MIN_SPAN_DAYS = 10, 6, 45
_MIN_STAY_DAYS = 60  # shorter is a long journey
_MOVE_COST_DAYS = 25  # so many days must speak for a move: more than a summer in one place gives
_MAX_ANCHORS = 8
_ROUTINE_VISITS = 8
_SECOND_HOME_SHARE = 0.25  # of all days with photos: every other weekend, or half of every month
_ROUTINE_REACH_KM = 120.0  # as far as people commute

SaidHome = tuple[str, date | None, date | None]


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place that the person keeps coming back to; `days` are the ordinals of the days with photos there."""

    point: GeoPoint
    days: IntVector

    @property
    def visits(self) -> IntVector:
        """Days a visit, a visit being days in a row."""
        return np.diff(np.flatnonzero(np.concatenate(([True], np.diff(self.days) > 1, [True]))))


@dataclass(frozen=True, slots=True)
class HomeSpan:
    """A home with the days over which it was one: [start, end], end None for the present one."""

    point: GeoPoint
    start: date
    end: date | None
    active_days: int
    confidence: float
    is_told: bool = False  # by the person


@dataclass(frozen=True, slots=True)
class HomeBase:
    """Every home of the library in time order, and the routine places: work, school, a second home."""

    spans: tuple[HomeSpan, ...]
    routines: tuple[Anchor, ...] = ()

    def distance_km(self, timeline: Timeline) -> FloatVector:
        """How far from the home of its day each photo was taken; NaN without a position or a home."""
        away = np.full(len(timeline), np.nan)
        for n, span in enumerate(self.spans):
            first = -1 if n == 0 else span.start.toordinal()
            here = (timeline.day >= first) & (timeline.day <= (span.end or date.max).toordinal())
            away[here] = distance_km(
                timeline.latitude[here], timeline.longitude[here], span.point.latitude, span.point.longitude
            )
        return away

    def is_routine(self, timeline: Timeline) -> BoolVector:
        """Whether each photo was taken where the person goes as a matter of course."""
        routine = np.zeros(len(timeline), dtype=bool)
        for anchor in self.routines:
            km = distance_km(timeline.latitude, timeline.longitude, anchor.point.latitude, anchor.point.longitude)
            routine |= km <= _ANCHOR_RADIUS_KM
        return routine


def find_home(
    timeline: Timeline,
    places: Sequence[Place | None] = (),
    denied: frozenset[str] = frozenset(),
    said: Sequence[SaidHome] = (),
) -> HomeBase:
    """The person's homes over the years; none where too few days are known to tell home from a holiday.

    places: of each photo of the timeline. denied: cities, as nodes, that are no home. said: cities that are one, with
    the days from and until which, None for always.
    """
    anchors = _find_anchors(timeline)
    settled = [a for a in anchors if _is_settled(a)]
    if denied:
        settled = [a for a in settled if _city_at(timeline, places, a.point) not in denied]
    spans = _spans(settled, _assign_days(settled)) if settled else ()
    for city, first, last in said:
        spans = _with_said(spans, timeline, places, (city, first, last))
    if not spans:
        return HomeBase(())
    homes = [(s.point.latitude, s.point.longitude) for s in spans]
    active = len(np.unique(timeline.day))
    routines = tuple(
        a
        for a in settled
        if (_is_routine_anchor(a) and _is_near_but_not_home(a, homes)) or _is_second_home(a, homes, active)
    )
    return HomeBase(spans, routines)


def _city_at(timeline: Timeline, places: Sequence[Place | None], point: GeoPoint) -> str | None:
    """The city node that most photos around a point are of."""
    km = distance_km(timeline.latitude, timeline.longitude, point.latitude, point.longitude)
    near = np.flatnonzero(km <= _ANCHOR_RADIUS_KM).tolist()
    counts = Counter(city_node(place) for n in near if (place := places[n]))
    return min(counts, key=lambda city: (-counts[city], city), default=None)


def _with_said(
    spans: tuple[HomeSpan, ...], timeline: Timeline, places: Sequence[Place | None], said: SaidHome
) -> tuple[HomeSpan, ...]:
    """The homes with one that the person told of, in place of what was inferred for its days."""
    city, first, last = said
    there = np.array([n for n, place in enumerate(places) if place and city_node(place) == city], dtype=np.int64)
    if not len(there):
        return spans
    days = np.unique(timeline.day[there])
    first = first or date.fromordinal(int(timeline.day.min()))
    active = int(np.count_nonzero((days >= first.toordinal()) & (days <= (last or date.max).toordinal())))
    point = GeoPoint(float(np.median(timeline.latitude[there])), float(np.median(timeline.longitude[there])))
    home = HomeSpan(point, first, last, active, 1.0, is_told=True)
    kept = [home]
    for span in spans:
        if span.start < first:
            until = first - timedelta(1)
            kept.append(replace(span, end=min(span.end, until) if span.end else until))
        if last and (span.end is None or span.end > last):
            kept.append(replace(span, start=max(span.start, last + timedelta(1))))
    return tuple(sorted(kept, key=lambda span: span.start))


def _find_anchors(timeline: Timeline) -> list[Anchor]:
    """Densest places first: each takes its surroundings away from the next."""
    at = timeline.located
    if not len(at):
        return []
    hour = (timeline.wall_s[at] / 3600) % 24
    # Evenings and early mornings are spent at home, the hours between anywhere.
    weight = np.where((hour >= 19) | (hour < 9), 1.5, 1.0)
    cells = np.stack(
        [np.round(timeline.latitude[at] / _CELL_DEGREES), np.round(timeline.longitude[at] / _CELL_DEGREES)]
    )
    visits, of = np.unique(np.vstack([timeline.day[at], cells]).astype(np.int64), axis=1, return_inverse=True)
    share = np.zeros(visits.shape[1])
    np.maximum.at(share, of.ravel(), weight)
    places, place_of = np.unique(visits[1:], axis=1, return_inverse=True)
    mass = np.bincount(place_of.ravel(), weights=share)
    latitude, longitude = places[0] * _CELL_DEGREES, places[1] * _CELL_DEGREES
    photo_place = place_of.ravel()[of.ravel()]
    anchors, free = [], np.ones(len(mass), dtype=bool)
    for _ in range(_MAX_ANCHORS):
        if not free.any():
            break
        top = np.flatnonzero(free)[np.argsort(-mass[free], kind="stable")[:20]]
        around = [
            (mass * free * (distance_km(latitude, longitude, latitude[c], longitude[c]) <= _ANCHOR_RADIUS_KM)).sum()
            for c in top
        ]
        centre = top[int(np.argmax(around))]
        km = distance_km(latitude, longitude, latitude[centre], longitude[centre])
        inside = at[(free & (km <= _ANCHOR_RADIUS_KM))[photo_place]]
        free &= km > HOME_RADIUS_KM
        days = np.unique(timeline.day[inside])
        if len(days) < _MIN_DAYS:
            break
        point = GeoPoint(float(np.median(timeline.latitude[inside])), float(np.median(timeline.longitude[inside])))
        anchors.append(Anchor(point, days))
    return anchors


def _is_settled(anchor: Anchor) -> bool:
    days = anchor.days
    return len(days) >= _MIN_DAYS and len(np.unique(days // 7)) >= _MIN_WEEKS and days[-1] - days[0] >= _MIN_SPAN_DAYS


def _assign_days(anchors: list[Anchor]) -> list[tuple[int, int]]:
    """(day, anchor) for every active day: the cheapest story, in which a move costs `_MOVE_COST_DAYS` days."""
    days = np.unique(np.concatenate([a.days for a in anchors]))
    seen = np.stack([np.isin(days, a.days) for a in anchors], axis=1)
    # Days in a row that speak for the same anchors are one step: nobody gains by moving in the midst of them.
    starts = np.flatnonzero(np.concatenate(([True], (seen[1:] != seen[:-1]).any(axis=1))))
    lengths = np.diff([*starts.tolist(), len(days)])
    best, came_from = [0.0] * len(anchors), []  # plain numbers: there are few anchors and many steps
    for gains in (seen[starts] * lengths[:, None]).tolist():
        leader = max(range(len(anchors)), key=best.__getitem__)
        moved = best[leader] - _MOVE_COST_DAYS
        came_from.append([leader if moved > stayed else n for n, stayed in enumerate(best)])
        best = [max(stayed, moved) + gain for stayed, gain in zip(best, gains, strict=True)]
    states, state = [], max(range(len(anchors)), key=best.__getitem__)
    for origin in came_from[::-1]:
        states.append(state)
        state = origin[state]
    return list(zip(days.tolist(), np.repeat(states[::-1], lengths).tolist(), strict=True))


def _spans(anchors: list[Anchor], path: list[tuple[int, int]]) -> tuple[HomeSpan, ...]:
    stays: list[list[int]] = []  # anchor, first day, last day
    for day, anchor in path:
        if stays and stays[-1][0] == anchor:
            stays[-1][2] = day
        elif stays and day - stays[-1][1] < _MIN_STAY_DAYS:
            stays[-1][0], stays[-1][2] = anchor, day
        else:
            stays.append([anchor, day, day])
    if len(stays) > 1 and stays[-1][2] - stays[-1][1] < _MIN_STAY_DAYS:
        stays.pop()
    merged: list[list[int]] = []
    for stay in stays:
        if merged and merged[-1][0] == stay[0]:
            merged[-1][2] = stay[2]
        else:
            merged.append(stay)
    spans = []
    for n, (which, first, last) in enumerate(merged):
        until = merged[n + 1][1] - 1 if n + 1 < len(merged) else None
        active = int(np.count_nonzero((anchors[which].days >= first) & (anchors[which].days <= last)))
        confidence = min(0.99, 0.5 + 0.5 * active / (active + 2 * _MIN_DAYS))
        end = date.fromordinal(until) if until is not None else None
        spans.append(HomeSpan(anchors[which].point, date.fromordinal(first), end, active, confidence))
    return tuple(spans)


def _is_routine_anchor(anchor: Anchor) -> bool:
    """Many short visits: a place of work or a club, not a cottage where one stays."""
    return len(anchor.visits) >= _ROUTINE_VISITS and float(np.median(anchor.visits)) <= 1.0


def _is_second_home(anchor: Anchor, homes: list[tuple[float, float]], active_days: int) -> bool:
    """Whether somebody lives there as well, by turns: who goes there goes home, wherever it lies."""
    is_often_there = len(anchor.visits) >= _ROUTINE_VISITS and len(anchor.days) >= _SECOND_HOME_SHARE * active_days
    return is_often_there and _nearest_km(anchor, homes) > HOME_RADIUS_KM


def _is_near_but_not_home(anchor: Anchor, homes: list[tuple[float, float]]) -> bool:
    return HOME_RADIUS_KM < _nearest_km(anchor, homes) <= _ROUTINE_REACH_KM


def _nearest_km(anchor: Anchor, homes: list[tuple[float, float]]) -> float:
    return min(float(distance_km(anchor.point.latitude, anchor.point.longitude, *home)) for home in homes)
