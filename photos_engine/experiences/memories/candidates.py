"""Finders of events and dates: each looks for one kind of memory and yields what might be told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import MINYEAR, date

import numpy as np

from photos_engine.experiences.memories.shelf import FloatVector, IntVector, Shelf
from photos_engine.experiences.memories.titles import Phrases
from photos_engine.graph import PersonalGraph, day_of, group_by_season, season_of
from photos_engine.types import Reason, Tag, Trip

AROUND_DAYS = 3
REVIEW_MIN_PHOTOS = 20
REVIEW_MIN_MONTHS = 3
_SEASON_MIN_PHOTOS, _SEASON_MIN_DAYS = 12, 5
_RECENT_DAYS = 30
_RECENT_MIN_DAYS = 2
_REDUNDANT = 0.6  # of a memory's photos within another one that tells them better
_YEAR_IS_TOLD_FROM = (12, 15)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A memory before its photos are chosen.

    subject: what it is of, the same whenever it is found again. subtitle: None for the years of the photos that
    will tell it. at: positions on the shelf. interest: 0 to 1 among its own kind. bonus: (n,) added to the worth
    of those photos. node: what it is of in the graph. `when` are the days whose return in the year brings it up;
    None where no day does.
    """

    kind: str
    subject: str
    title: str
    subtitle: str | None
    at: IntVector
    interest: float
    reasons: tuple[Reason, ...]
    node: str | None = None
    bonus: FloatVector | None = None
    when: tuple[date, date] | None = None
    min_photos: int = 0  # beyond what every memory needs
    mood: str | None = None  # of its music; None for the kind's own
    whole: IntVector | None = None  # all photos of its subject, where `at` are the surer ones


@dataclass(frozen=True, slots=True)
class Sources:
    """What the finders look at."""

    shelf: Shelf
    graph: PersonalGraph
    tags: Mapping[str, Tag]
    on: date
    phrases: Phrases


def find_on_this_day(s: Sources) -> Iterator[Candidate]:
    """One for each past year with enough photos of the day, or of the days around it; and one over all years."""
    days = s.shelf.days(np.arange(len(s.shelf)))
    if not len(days):
        return
    exact: dict[int, IntVector] = {}
    first = date.fromordinal(int(days[0])).year
    for year in range(max(MINYEAR, first - 1), s.on.year):
        anniversary = _anniversary(s.on, year)
        if anniversary is None:
            continue
        off = np.abs(s.shelf.day - anniversary.toordinal())
        # In a year without 29 February the day is found through the days around the 28th.
        is_true = (anniversary.month, anniversary.day) == (s.on.month, s.on.day)
        here, around = np.flatnonzero(off == 0), np.flatnonzero(off <= AROUND_DAYS)
        if is_true and len(here):
            exact[year] = here
        if is_true and len(here) >= s.shelf.min_photos:
            yield _of_one_year(s, year, here, "ago_today")
        elif len(around) >= s.shelf.min_photos:
            yield _of_one_year(s, year, around, "ago_around")
    at = np.concatenate([np.zeros(0, dtype=np.int64), *exact.values()])
    if len(exact) >= 2 and len(at) >= s.shelf.min_photos:
        yield Candidate(
            "on_this_day",
            f"{s.on:%m-%d}",
            s.phrases.say("on_this_day"),
            None,
            at,
            min(1.0, len(exact) / 5),
            (Reason("same_day", 1.0, f"Photos of this day in {len(exact)} earlier years."),),
        )


def _anniversary(on: date, year: int) -> date | None:
    """The same day of another year; 28 February stands for the 29th where there is none."""
    try:
        return on.replace(year=year)
    except ValueError:
        return date(year, 2, 28)


def _of_one_year(s: Sources, year: int, at: IntVector, phrase: str) -> Candidate:
    n = s.on.year - year
    title = s.phrases.say(f"years_{phrase}", n=n) if n > 1 else s.phrases.say(f"year_{phrase}")
    first, last = s.shelf.dates(at)
    is_round = n % 5 == 0
    when = "this day" if phrase == "ago_today" else "the days around this day"
    return Candidate(
        "on_this_day",
        f"{s.on:%m-%d}:{year}",
        title,
        s.phrases.join(s.phrases.days(first, last), _common_city(s.shelf, at)),
        at,
        0.6 + 0.3 * is_round - 0.3 * (phrase == "ago_around"),
        (Reason("same_day", 1.0, f"{len(at)} photos of {when} in {year}."),),
    )


def _common_city(shelf: Shelf, at: IntVector) -> str | None:
    """The city that every photo was taken in; None if one is elsewhere or unknown."""
    cities = {place.city if place else None for place in shelf.places(at)}
    return next(iter(cities)) if len(cities) == 1 else None


def find_trips(s: Sources) -> Iterator[Candidate]:
    """Every trip of two days or more.

    A photo of which only days or the month are known is of a trip that it lies wholly within, but for the days of
    leaving and coming home.
    """
    for trip in s.graph.trips():
        at = s.shelf.positions(trip.photo_ids)
        if len(at):
            inside = s.shelf.within(day_of(trip.start).toordinal() + 1, day_of(trip.end).toordinal() - 1)
            at = np.union1d(at, inside[~s.shelf.looks.is_placed[inside]])
            facts = s.graph.node(trip.node)
            # What is said of the trip is said of its days, also of those that only weak photos show.
            first, last = day_of(trip.start), day_of(trip.end)
            if facts["called"]:
                title = trip.title
            elif facts["scope"]:
                title = s.phrases.stay(first, last, trip.title, is_one_place=facts["scope"] == "city")
            else:
                title = s.phrases.say("away")
            yield _of_journey(s, "trip", trip, at, title, facts["country"])


def find_days_out(s: Sources) -> Iterator[Candidate]:
    """Every single day well away from home."""
    for trip in s.graph.days_out():
        at = s.shelf.positions(trip.photo_ids)
        if len(at):
            facts = s.graph.node(trip.node)
            known = facts["scope"] == "city"
            title = s.phrases.say("day_in", place=trip.title) if known else s.phrases.say("day_out")
            title = trip.title if facts["called"] else title
            yield _of_journey(s, "day_out", trip, at, title, facts["country"])


def _of_journey(s: Sources, kind: str, trip: Trip, at: IntVector, title: str, country: str | None) -> Candidate:
    first, last = s.shelf.dates(at)
    country = None if country == trip.title else country
    return Candidate(
        kind,
        trip.node.partition(":")[2],
        title,
        s.phrases.join(s.phrases.days(first, last), country),
        at,
        trip.confidence * min(1.0, 0.5 + len(at) / 60),
        trip.reasons,
        trip.node,
        when=(first, last),
    )


def find_celebrations(s: Sources) -> Iterator[Candidate]:
    """Every feast that was celebrated, and each feast over the years."""
    over_years: dict[str, list[tuple[int, IntVector]]] = {}
    names: dict[str, str] = {}
    for found in s.graph.celebrations():
        at = s.shelf.positions(found.photo_ids)
        if not len(at):
            continue
        first, last = s.shelf.dates(at)
        # New Year's party is of the year that it begins, and of no single one where it has both its days.
        year = str(last.year) if first.year == last.year else f"{first.year}\u2013{last.year % 100:02d}"
        is_named = found.person or s.graph.node(found.node)["called"]
        title = found.title if is_named else s.phrases.say("feast", feast=found.title, year=year)
        subject = found.node.partition(":")[2]
        yield Candidate(
            "celebration",
            subject,
            title,
            s.phrases.join(s.phrases.days(first, last), _common_city(s.shelf, at)),
            at,
            found.confidence,
            found.reasons,
            found.node,
            when=(first, last),
        )
        holiday = f"holiday:{subject[11:]}"  # after the day
        over_years.setdefault(holiday, []).append((first.year, at))
        names[holiday] = s.graph.node(holiday)["label"]
    for holiday, times in over_years.items():
        years = sorted({year for year, _ in times})
        if len(years) >= 2 and not s.graph.node(holiday).get("hidden"):
            at = np.unique(np.concatenate([at for _, at in times]))
            yield Candidate(
                "celebration",
                f"{holiday.partition(':')[2]}",
                s.phrases.say("feast_over_years", feast=names[holiday]),
                None,
                at,
                min(1.0, 0.4 + len(years) / 10),
                (Reason("years", 1.0, f"{names[holiday]} was celebrated in {len(years)} years."),),
                holiday,
                when=s.shelf.dates(times[-1][1]),
            )


def find_seasons(s: Sources, journeys: tuple[Candidate, ...]) -> Iterator[Candidate]:
    """Every season that has ended, as it was where the photos were taken; at home where they don't say.

    Not the summer that was one journey to the other hemisphere: the journey tells it.
    """
    now = {season_of(s.on, latitude) for latitude in (45.0, -45.0)}
    journey = np.zeros(len(s.shelf), dtype=np.int64)  # 0: none
    for number, c in enumerate(journeys, 1):
        journey[c.at] = number
    latitudes, looks = _latitudes(s), s.shelf.looks
    of_last_day = group_by_season(looks.last_day, latitudes)
    for (name, began), of_first_day in group_by_season(looks.first_day, latitudes).items():
        at = np.intersect1d(of_first_day, of_last_day.get((name, began), of_first_day[:0]))
        is_over, days = (name, began) not in now, s.shelf.days(at)
        is_one_journey = np.bincount(journey[at], minlength=2)[1:].max() > _REDUNDANT * len(at)
        if is_over and len(days) >= _SEASON_MIN_DAYS and not is_one_journey:
            first, last = s.shelf.dates(at)
            yield Candidate(
                "season",
                f"{name}-{began:%Y-%m}",
                s.phrases.season(name, began),
                s.phrases.days(first, last),
                at,
                0.5,
                (Reason("season", 1.0, f"{len(at)} photos of one {name}."),),
                f"season:{name}",
                when=(first, last),
                min_photos=_SEASON_MIN_PHOTOS,
            )


def _latitudes(s: Sources) -> FloatVector:
    """Each photo's latitude, its home's of the time where it has none, NaN where neither is known."""
    latitude = s.shelf.looks.latitude.copy()
    for home in s.graph.homes():
        last = home.end.toordinal() if home.end else date.max.toordinal()
        latitude[np.isnan(latitude) & (s.shelf.looks.first_day <= last)] = home.point.latitude
    return latitude


def is_told(at: IntVector, others: Iterable[IntVector]) -> bool:
    """Whether most of the photos, at least one, are in one of some others; all in order of time."""
    needed = _REDUNDANT * len(at)
    near = (o for o in others if len(o) > needed and o[0] <= at[-1] and at[0] <= o[-1])
    return any(np.count_nonzero(np.isin(at, o, assume_unique=True)) > needed for o in near)


def find_years(s: Sources) -> Iterator[Candidate]:
    """Every year that is over, and this one when it nearly is."""
    months: dict[int, set[int]] = {}
    for day in map(date.fromordinal, s.shelf.days(np.arange(len(s.shelf))).tolist()):
        months.setdefault(day.year, set()).add(day.month)
    for year in sorted(months):
        told = year < s.on.year or (year == s.on.year and (s.on.month, s.on.day) >= _YEAR_IS_TOLD_FROM)
        if told and len(months[year]) >= REVIEW_MIN_MONTHS:
            span = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
            at = s.shelf.within(*span)
            yield Candidate(
                "year_in_review",
                str(year),
                s.phrases.say("year_in_review", year=year),
                s.phrases.days(*s.shelf.dates(at)),
                at,
                0.8,
                (Reason("year", 1.0, f"{len(at)} photos of {year}, every part of the year with its share."),),
                f"year:{year}",
                when=(date(year, 12, 20), date(year, 12, 31)),
                min_photos=REVIEW_MIN_PHOTOS,
            )


def find_recent(s: Sources) -> Iterator[Candidate]:
    """The best of the last weeks."""
    at = np.flatnonzero(s.on.toordinal() - s.shelf.day < _RECENT_DAYS)
    if len(at) and len(np.unique(s.shelf.day[at])) >= _RECENT_MIN_DAYS:
        yield Candidate(
            "recent_highlights",
            f"{s.on:%Y-%m}",
            s.phrases.say("recent_highlights"),
            s.phrases.days(*s.shelf.dates(at)),
            at,
            0.6,
            (Reason("recent", 1.0, f"{len(at)} photos of the last {_RECENT_DAYS} days."),),
        )
