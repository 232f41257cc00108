"""From a snapshot to the graph: the inferences in the order in which each needs the one before.

A pure function of its arguments: the same snapshot gives the same graph. What was known before decides only by
which names journeys go.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import numpy as np

from photos_engine.graph.calendar import find_feasts, season_of
from photos_engine.graph.celebrations import FoundCelebration, find_birthdays, find_celebrations
from photos_engine.graph.context import add_cameras, add_people, add_places, add_tags, add_times, places_of
from photos_engine.graph.decided import KnownStay, NodeDecisions, name_journeys
from photos_engine.graph.everyday import add_objects, add_pets, add_routines, add_workplaces
from photos_engine.graph.habits import find_routines, find_workplace
from photos_engine.graph.home import HomeBase, find_home
from photos_engine.graph.interests import add_interests
from photos_engine.graph.journeys import Journey, find_journeys
from photos_engine.graph.looks import Look, look_at
from photos_engine.graph.moments import find_moments
from photos_engine.graph.naming import JourneyName, name_journey
from photos_engine.graph.pages import add_moments, write_pages
from photos_engine.graph.pets import find_pets
from photos_engine.graph.query import PersonalGraph
from photos_engine.graph.themes import TagTable, build_tag_table, standing_out
from photos_engine.graph.timeline import BoolVector, FloatVector, IntVector, Timeline, build_timeline
from photos_engine.graph.weave import Weaver, as_slug, as_triples
from photos_engine.types import Place, Reason, Snapshot, Tag

_TAGS_AN_EVENT = 8


def build_graph(
    snapshot: Snapshot,
    tags: Mapping[str, Tag],
    *,
    looks: Sequence[Look] | None = None,
    known: Iterable[KnownStay] = (),
    earlier: PersonalGraph | None = None,
) -> PersonalGraph:
    """Infer the personal knowledge graph of a library.

    Only photos whose date was recorded take part; hidden ones and utility content tell nothing about a
    life and don't. looks: one for each photo of the snapshot, in its order, if they are at hand. known: the
    journeys as they were found before, whose names they keep. earlier: a graph of the library as it was, built by
    this process with the same tags: what it says of moments that are as they were is taken over. It saves time and
    decides nothing.
    """
    looks = look_at(snapshot, tags) if looks is None else looks
    timeline = build_timeline(looks)
    places = places_of(snapshot, timeline)
    home = find_home(timeline)
    journeys = find_journeys(timeline, home)
    table = build_tag_table(looks, timeline)
    celebrations = _find_all_celebrations(snapshot, timeline, table, home, journeys, places)
    moments = find_moments(timeline, _number_events(timeline, journeys, celebrations))

    weaver = Weaver(snapshot, timeline, NodeDecisions(snapshot.decisions, known))
    weaver.graph.graph["last_day"] = date.fromordinal(int(timeline.day.max()) if len(timeline) else 1).isoformat()
    weaver.graph.graph["hidden_photos"] = [
        look.item.photo.id
        for look in (looks if weaver.decided.hides_days else ())
        if look.item.photo.is_dated and weaver.decided.hides_day(look.day)
    ]
    add_tags(weaver, table, tags)
    cities = add_places(weaver, table, places)
    seasons = add_times(weaver, table, _latitudes(timeline, home))
    _add_homes(weaver, home, places, cities)
    kept = earlier.pages if earlier and earlier.model == snapshot.model else {}
    pages = write_pages(weaver, moments, looks, table, places, tags, kept)
    add_moments(weaver, moments, list(pages.values()), cities)
    events = _add_journeys(weaver, journeys, places, cities)
    events += _add_celebrations(weaver, celebrations)
    _link_events(weaver, events, table)
    add_people(weaver, table)
    away = _is_away(timeline, journeys)
    add_pets(weaver, find_pets(looks, timeline, snapshot.embeddings, tags, away))
    add_routines(weaver, find_routines(timeline, table, tags, away))
    add_workplaces(weaver, home, find_workplace(timeline, home, away), places, cities)
    add_objects(weaver, events)
    add_cameras(weaver)
    add_interests(weaver, table, seasons)
    return PersonalGraph(weaver.graph, pages)


def _find_all_celebrations(
    snapshot: Snapshot,
    timeline: Timeline,
    table: TagTable,
    home: HomeBase,
    journeys: tuple[Journey, ...],
    places: list[Place | None],
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
        for country, first, last in _countries_of_residence(timeline, home, places)
        for feast in find_feasts(country, years)
        if first <= feast.first <= last
    ]
    found = find_celebrations(timeline, table, feasts, is_trip) + find_birthdays(snapshot, timeline, table)
    return tuple(sorted(found, key=lambda c: (c.day, c.slug, c.person or "")))


def _countries_of_residence(
    timeline: Timeline, home: HomeBase, places: list[Place | None]
) -> list[tuple[str | None, date, date]]:
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
        text = f"Photos near {label} on {span.active_days} days since {span.start.isoformat()}."
        node = weaver.add(
            f"home:{n + 1}",
            "home",
            label,
            at,
            latitude=span.point.latitude,
            longitude=span.point.longitude,
            country_code=place.country_code if place else None,
            start=span.start.isoformat(),
            end=span.end.isoformat() if span.end else None,
            confidence=round(span.confidence, 3),
            reasons=as_triples([Reason("active_days", span.confidence, text)]),
        )
        if place and len(at):
            weaver.link(node, cities[place.geoname_id], "at", at=at, confidence=span.confidence, reason=text)


def _add_journeys(
    weaver: Weaver,
    journeys: tuple[Journey, ...],
    places: list[Place | None],
    cities: Mapping[int, str],
) -> list[tuple[str, IntVector]]:
    events = []
    known_places = [[place for n in journey.at.tolist() if (place := places[n])] for journey in journeys]
    titles = [name_journey(known) for known in known_places]
    spans = [(date.fromordinal(j.first_day), date.fromordinal(j.last_day)) for j in journeys]
    names = name_journeys(spans, [as_slug(title.title) for title in titles], weaver.decided.stays)
    weaver.graph.graph["stays"] = _stays(weaver.decided.stays, names, spans)
    for journey, known, name, ids, span in zip(journeys, known_places, titles, names, spans, strict=True):
        kind = "trip" if journey.is_trip else "day_out"
        node = weaver.add(
            f"{kind}:{ids[0]}",
            kind,
            name.title,
            journey.at,
            decided=weaver.decided.of_journey(ids, *span),
            start=weaver.time(journey.at[0]).isoformat(),
            end=weaver.time(journey.at[-1]).isoformat(),
            places=list(name.cities),
            country_codes=list(name.country_codes),
            scope=name.scope,
            country=name.country,
            moments=[node for node, _ in weaver.by_moment(journey.at)],
            confidence=journey.confidence,
            reasons=as_triples(_reasons_of(journey, name)),
        )
        for geoname_id in dict.fromkeys(place.geoname_id for place in known):
            here = np.array([n for n in journey.at.tolist() if (p := places[n]) and p.geoname_id == geoname_id])
            city = weaver.graph.nodes[cities[geoname_id]]["label"]
            weaver.link(
                node,
                cities[geoname_id],
                "visits",
                at=here,
                weight=len(here) / len(known),
                confidence=journey.confidence,
                reason=f"{len(here)} of {len(known)} located photos are of {city}.",
            )
        events.append((node, journey.at))
    return events


def _stays(
    known: Sequence[KnownStay], names: Sequence[tuple[str, ...]], spans: Sequence[tuple[date, date]]
) -> list[list[str]]:
    """(name, first day, last day) of every journey that is or was known; one that has shrunk keeps all its days."""
    stays = {stay.name: (stay.first, stay.last) for stay in known}
    for (name, *_), (first, last) in zip(names, spans, strict=True):
        before = stays.get(name, (first, last))
        stays[name] = (min(first, before[0]), max(last, before[1]))
    return [[name, first.isoformat(), last.isoformat()] for name, (first, last) in sorted(stays.items())]


def _reasons_of(journey: Journey, name: JourneyName) -> list[Reason]:
    days = f"{journey.days} days" if journey.is_trip else "one day"
    return [
        Reason("away", 0.6, f"Up to {journey.farthest_km:.0f} km from home over {days}."),
        Reason("photos", 0.2, f"{len(journey.at)} photos were taken there."),
        Reason("places", 0.2, f"Most of them in {name.title}." if name.scope else "No place is known by name."),
    ]


def _add_celebrations(weaver: Weaver, celebrations: tuple[FoundCelebration, ...]) -> list[tuple[str, IntVector]]:
    events = []
    for found in celebrations:
        subject = f"birthday-{as_slug(found.person)}" if found.person else found.slug.replace("_", "-")
        celebration = f"celebration:{found.named_day.isoformat()}-{subject}"
        node = weaver.add(
            celebration,
            "celebration",
            found.name,
            found.at,
            decided=weaver.decided.of_day(celebration, found.day),
            slug=found.slug,
            day=found.day.isoformat(),
            person=found.person,
            moments=[node for node, _ in weaver.by_moment(found.at)],
            confidence=found.confidence,
            reasons=as_triples(found.reasons),
        )
        holiday = f"holiday:{subject}"
        if holiday not in weaver.graph:
            weaver.add(holiday, "holiday", found.name, found.at)
        text = " ".join(reason.text for reason in found.reasons)
        weaver.link(node, holiday, "celebrates", at=found.at, confidence=found.confidence, reason=text)
        events.append((node, found.at))
    return events


def _is_away(timeline: Timeline, journeys: tuple[Journey, ...]) -> BoolVector:
    away = np.zeros(len(timeline), dtype=bool)
    for journey in journeys:
        away[journey.at] = True
    return away


def _link_events(weaver: Weaver, events: list[tuple[str, IntVector]], table: TagTable) -> None:
    """Tie every event to its moments, its year and season, and to the tags that stand out in it."""
    stand_out = standing_out(table, weaver.timeline, [at for _, at in events], _TAGS_AN_EVENT)
    for (node, at), found in zip(events, stand_out, strict=True):
        label = weaver.graph.nodes[node]["label"]
        for moment, _ in weaver.by_moment(at):  # whole moments, as they were found
            weaver.link_moment(moment, node, "part_of", reason=f"It belongs to {label} by its time and place.")
        first = date.fromordinal(int(weaver.timeline.day[at[0]]))
        weaver.link(node, f"year:{first.year}", "in", at=at, reason=f"It began on {first.isoformat()}.")
        latitudes = weaver.timeline.latitude[at]
        known = latitudes[~np.isnan(latitudes)]
        season = season_of(first, float(np.median(known))) if len(known) else None
        if season and f"season:{season[0]}" in weaver.graph:
            weaver.link(node, f"season:{season[0]}", "in", at=at, reason=f"It was {season[0]} there.")
        weaver.link_tags(node, found, at, max(1, int(weaver.timeline.keeper[at].sum())), "shows")
