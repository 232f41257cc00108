"""Habits: what a person does on the same weekday again and again, and where they go on working days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from photos_engine.graph.home import HOME_RADIUS_KM, HomeBase
from photos_engine.graph.looks import ancestors_of
from photos_engine.graph.themes import TagTable
from photos_engine.graph.timeline import BoolVector, IntVector, Timeline, distance_km
from photos_engine.types import Tag

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MIN_TIMES, MIN_SHARE, MIN_LIFT, MIN_SURPRISE = 8, 0.4, 2.0, 4.0
"""A weekday's days with a theme: how many at least, their share of all its days, and how far beyond chance: times
the weekday's share of all active days, and standard deviations above it."""
MEMORABLE = 0.55  # what is on every photo (a person, the sky) is no habit
_TOLD = 0.6  # of a wide theme's days by a narrower one

_WORK_CELL_DEGREES = 0.005  # some 500 m: a site, not a quarter
_CELLS_A_ROW = 1_000_000  # more than go around the globe
_WORK_APART_KM = 1.5  # from the middle of home: nearer is home's own garden and street
_WORK_MIN_DAYS, _WORK_MIN_WEEKS, _WORK_SHARE = 10, 6, 0.85
_WORK_HOURS = (7, 19)


@dataclass(frozen=True, slots=True)
class Routine:
    """A theme that belongs to a weekday (0 is Monday): on `times` of its `days` it was that day."""

    tag: str
    weekday: int
    at: IntVector
    times: int
    days: int
    lift: float


@dataclass(frozen=True, slots=True)
class Workplace:
    """A site away from the dwelling to which the person goes on working days, in working hours."""

    at: IntVector
    days: int
    weeks: int


def find_routines(
    timeline: Timeline, table: TagTable, tags: Mapping[str, Tag], is_away: BoolVector
) -> tuple[Routine, ...]:
    """Themes that come on one weekday much more often than by chance, journeys left out; by tag."""
    here = timeline.keeper & ~is_away
    active = np.unique(timeline.day[here])
    if not len(active):
        return ()
    base = np.bincount((active - 1) % 7, minlength=7) / len(active)  # ordinal 1 was a Monday
    found: dict[str, Routine] = {}
    for tag_id, seen in table.photos_by_tag().items():
        tag = tags.get(tag_id)
        if tag is None or tag.is_hidden or tag.memorable < MEMORABLE:
            continue
        at = seen[here[seen]]
        days = np.unique(timeline.day[at])
        counts = np.bincount((days - 1) % 7, minlength=7)
        weekday = int(counts.argmax())
        times, expected = int(counts[weekday]), len(days) * base[weekday]
        surprise = (times - expected) / max(float(np.sqrt(expected * (1 - base[weekday]))), 1e-9)
        is_habit = times >= max(MIN_TIMES, MIN_SHARE * len(days), MIN_LIFT * expected) and surprise >= MIN_SURPRISE
        if is_habit:
            on_it = at[(timeline.day[at] - 1) % 7 == weekday]
            found[tag_id] = Routine(tag_id, weekday, on_it, times, len(days), times / expected)
    ancestors = ancestors_of(tags)
    told = {
        wide
        for narrow, routine in found.items()
        for wide in ancestors[narrow] & found.keys()
        if found[wide].weekday == routine.weekday and routine.times >= _TOLD * found[wide].times
    }
    return tuple(found[tag] for tag in sorted(found) if tag not in told)


def find_workplace(timeline: Timeline, home: HomeBase, is_away: BoolVector) -> Workplace | None:
    """Where the person spends working days, if positions tell: work or school, which they don't tell apart."""
    if not home.spans:
        return None
    point = home.spans[-1].point
    at = timeline.located
    km = distance_km(timeline.latitude[at], timeline.longitude[at], point.latitude, point.longitude)
    at = at[(km <= HOME_RADIUS_KM) & ~is_away[at]]
    if not len(at):
        return None
    rows, columns = (np.round(degrees[at] / _WORK_CELL_DEGREES) for degrees in (timeline.latitude, timeline.longitude))
    _, of = np.unique((rows * _CELLS_A_ROW + columns).astype(np.int64), return_inverse=True)
    best: Workplace | None = None
    for n in np.flatnonzero(np.bincount(of) >= _WORK_MIN_DAYS).tolist():
        members = at[of == n]
        centre = np.array([rows[of == n][0], columns[of == n][0]]) * _WORK_CELL_DEGREES
        days, weeks = np.unique(timeline.day[members]), np.unique((timeline.day[members] - 1) // 7)
        hour = timeline.wall_s[members] / 3600 % 24
        in_hours = (hour >= _WORK_HOURS[0]) & (hour < _WORK_HOURS[1])
        fits = (
            float(distance_km(centre[0], centre[1], point.latitude, point.longitude)) >= _WORK_APART_KM
            and len(days) >= max(_WORK_MIN_DAYS, best.days + 1 if best else 0)
            and len(weeks) >= _WORK_MIN_WEEKS
            and float(((days - 1) % 7 < 5).mean()) >= _WORK_SHARE
            and float(in_hours.mean()) >= _WORK_SHARE
        )
        if fits:
            best = Workplace(members, len(days), len(weeks))
    return best
