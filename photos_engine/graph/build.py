"""From a snapshot to the graph: the inferences in the order in which each needs the one before.

A pure function of its arguments: the same snapshot gives the same graph. What was known before decides only by
which names journeys go.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache

import numpy as np

from photos_engine.graph.calendar import find_feasts
from photos_engine.graph.celebrations import FoundCelebration, find_birthdays, find_celebrations
from photos_engine.graph.context import add_cameras, add_people, add_places, add_tags, add_times, places_of
from photos_engine.graph.decided import KnownStay, NodeDecisions
from photos_engine.graph.events import add_celebrations, add_journeys, celebration_node, link_events, name_all
from photos_engine.graph.everyday import add_objects, add_pets, add_routines, add_workplaces
from photos_engine.graph.habits import find_routines, find_workplace
from photos_engine.graph.home import HomeBase, find_home
from photos_engine.graph.interests import add_interests
from photos_engine.graph.journeys import Journey, find_journeys
from photos_engine.graph.looks import Looks, look_at
from photos_engine.graph.moments import find_moments
from photos_engine.graph.pages import add_moments, write_pages
from photos_engine.graph.pets import find_pets
from photos_engine.graph.query import PersonalGraph
from photos_engine.graph.themes import TagTable, build_tag_table
from photos_engine.graph.timeline import BoolVector, FloatVector, IntVector, Timeline, build_timeline
from photos_engine.graph.weave import Weaver, as_triples
from photos_engine.types import Place, Reason, Snapshot, Tag

Residence = tuple[str | None, date, date]


def build_graph(
    snapshot: Snapshot,
    tags: Mapping[str, Tag],
    *,
    looks: Looks | None = None,
    known: Iterable[KnownStay] = (),
    earlier: PersonalGraph | None = None,
) -> PersonalGraph:
    """Infer the personal knowledge graph of a library.

    Only photos whose day is certain take part; hidden ones and utility content tell nothing about a
    life and don't. looks: one for each photo of the snapshot, in its order, if they are at hand. known: the
    journeys as they were found before, whose names they keep. earlier: a graph of the library as it was, built by
    this process with the same tags: what it says of moments that are as they were is taken over. It saves time and
    decides nothing.
    """
    looks = look_at(snapshot, tags) if looks is None else looks
    timeline = build_timeline(looks)
    places = places_of(looks, timeline)
    decided = NodeDecisions(snapshot.decisions, known)
    home = find_home(timeline, places, decided.denied_homes, decided.said_homes)
    named, stays = name_all(find_journeys(timeline, home, decided.said_trips), places, decided)
    journeys = tuple(found.journey for found in named)
    table = build_tag_table(looks, timeline)
    residences = _countries_of_residence(timeline, home, places)
    celebrations = tuple(
        found
        for found in _find_all_celebrations(looks, timeline, table, residences, journeys, decided)
        if not decided.is_not_so(celebration_node(found))
    )
    moments = find_moments(timeline, _number_events(timeline, journeys, celebrations))

    weaver = Weaver(snapshot, looks, timeline, decided)
    weaver.graph.graph["stays"] = stays
    weaver.graph.graph["last_day"] = date.fromordinal(int(timeline.day.max()) if len(timeline) else 1).isoformat()
    weaver.graph.graph["hidden_photos"] = _find_hidden(looks, decided)
    add_tags(weaver, table, tags)
    cities = add_places(weaver, table, places)
    seasons = add_times(weaver, table, _latitudes(timeline, home))
    _add_homes(weaver, home, places, cities)
    kept = earlier.pages if earlier and earlier.model == snapshot.model else {}
    pages = write_pages(weaver, moments, looks, table, places, tags, kept)
    add_moments(weaver, moments, list(pages.values()), cities)
    events = add_journeys(weaver, named, places, cities)
    events += add_celebrations(weaver, celebrations)
    link_events(weaver, events, table)
    add_people(weaver, table)
    away = _is_away(timeline, journeys)
    add_pets(weaver, find_pets(looks, timeline, table, snapshot.embeddings, tags, away), tags)
    add_routines(weaver, find_routines(timeline, table, tags, away))
    add_workplaces(weaver, home, find_workplace(timeline, home, away), places, cities)
    add_objects(weaver, events)
    add_cameras(weaver)
    add_interests(weaver, table, seasons)
    return PersonalGraph(weaver.graph, pages)


def _find_hidden(looks: Looks, decided: NodeDecisions) -> list[str]:
    """The photos that were taken, or may have been, on days that the person asked not to see."""
    if not decided.hides_days:
        return []
    ids = looks.photo_ids
    spans = zip(looks.first_day.tolist(), looks.last_day.tolist(), strict=True)
    hides = cache(lambda first, last: any(map(decided.hides_day, range(first, last + 1))))
    return [ids[row] for row, span in enumerate(spans) if hides(*span)]


def _find_all_celebrations(
    looks: Looks,
    timeline: Timeline,
    table: TagTable,
    residences: list[Residence],
    journeys: tuple[Journey, ...],
    decided: NodeDecisions,
) -> tuple[FoundCelebration, ...]:
    if not len(timeline):
        return ()
    is_trip = np.zeros(len(timeline), dtype=bool)
    for journey in journeys:
        is_trip[journey.at] |= journey.is_trip
    years = range(
        date.fromordinal(int(timeline.day.min())).year - 1, date.fromordinal(int(timeline.day.max())).year + 1
    )
    feasts = [
        feast
        for country, first, last in residences
        for feast in find_feasts(country, years)
        if first <= feast.first <= last
    ]
    birthdays = find_birthdays(looks, timeline, table, lambda name: decided.person(name)[1])
    found = find_celebrations(timeline, table, feasts, is_trip) + birthdays
    return tuple(sorted(found, key=lambda c: (c.day, c.slug, c.person or "")))


def _countries_of_residence(timeline: Timeline, home: HomeBase, places: list[Place | None]) -> list[Residence]:
    """(country, first day, last day) of each home; without a home nothing is known of the feasts that are kept."""
    residences = []
    for n, span in enumerate(home.spans):
        place = _place_of_home(timeline, home, n, places)
        first = date.min if n == 0 else span.start
        residences.append((place.country_code if place else None, first, span.end or date.max))
    return residences or [(None, date.min, date.max)]


def _place_of_home(timeline: Timeline, home: HomeBase, which: int, places: list[Place | None]) -> Place | None:
    """The city that most photos near a home are of."""
    span = home.spans[which]
    last = (span.end or date.max).toordinal()
    here = (home.distance_km(timeline) < 10) & (timeline.day >= span.start.toordinal()) & (timeline.day <= last)
    near = [place for n in np.flatnonzero(here).tolist() if (place := places[n])]
    counts = Counter(place.geoname_id for place in near)
    most = min(counts, key=lambda geoname_id: (-counts[geoname_id], geoname_id), default=None)
    return next((place for place in near if place.geoname_id == most), None)


def _number_events(
    timeline: Timeline, journeys: tuple[Journey, ...], celebrations: tuple[FoundCelebration, ...]
) -> IntVector:
    """One number for each combination of journey and celebration, -1 for neither."""
    journey_of = np.full(len(timeline), -1, dtype=np.int64)
    feast_of = np.full(len(timeline), -1, dtype=np.int64)
    for n, journey in enumerate(journeys):
        journey_of[journey.at] = n
    for n, celebration in enumerate(celebrations):
        feast_of[celebration.at] = n
    both = (journey_of + 1) * (len(celebrations) + 1) + feast_of + 1
    return both - 1


def _latitudes(timeline: Timeline, home: HomeBase) -> FloatVector:
    """Each photo's latitude, its home's where it has none, NaN where neither is known."""
    latitude = timeline.latitude.copy()
    for n, span in enumerate(home.spans):
        first = -1 if n == 0 else span.start.toordinal()
        latitude[np.isnan(latitude) & (timeline.day >= first)] = span.point.latitude
    return latitude


def _add_homes(weaver: Weaver, home: HomeBase, places: list[Place | None], cities: Mapping[int, str]) -> None:
    km = home.distance_km(weaver.timeline) if home.spans else np.zeros(0)
    day = weaver.timeline.day
    for n, span in enumerate(home.spans):
        last = (span.end or date.max).toordinal()
        at = np.flatnonzero((km < 10) & (day >= span.start.toordinal()) & (day <= last))
        place = _place_of_home(weaver.timeline, home, n, places)
        label = place.city if place else "Home"
        node = weaver.unused(f"home:{place.country_code}/{place.city}" if place else "home:unnamed")
        called = weaver.decided.name_of(node)
        text = f"Photos near {label} on {span.active_days} days since {span.start.isoformat()}."
        reasons = [Reason("active_days", span.confidence, text)]
        if span.is_told:
            reasons.insert(0, Reason("decided", 1.0, "You said that it is home."))
        weaver.add(
            node,
            "home",
            called or label,
            at,
            latitude=span.point.latitude,
            longitude=span.point.longitude,
            country_code=place.country_code if place else None,
            start=span.start.isoformat(),
            end=span.end.isoformat() if span.end else None,
            confidence=round(span.confidence, 3),
            reasons=as_triples(reasons),
        )
        if place and len(at):
            weaver.link(node, cities[place.geoname_id], "at", at=at, confidence=span.confidence, reason=text)


def _is_away(timeline: Timeline, journeys: tuple[Journey, ...]) -> BoolVector:
    away = np.zeros(len(timeline), dtype=bool)
    for journey in journeys:
        away[journey.at] = True
    return away
