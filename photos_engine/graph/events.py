"""Journeys and celebrations: what they are called, what the person said of them, and how the graph writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from photos_engine.graph.calendar import season_of
from photos_engine.graph.celebrations import FoundCelebration
from photos_engine.graph.decided import KnownStay, NodeDecisions, name_journeys
from photos_engine.graph.journeys import Journey
from photos_engine.graph.naming import JourneyName, as_slug, name_journey
from photos_engine.graph.themes import TagTable, standing_out
from photos_engine.graph.timeline import IntVector
from photos_engine.graph.weave import Weaver, as_triples
from photos_engine.types import Place, Reason

_TAGS_AN_EVENT = 8


@dataclass(frozen=True, slots=True)
class NamedJourney:
    """A journey with what its places say that it is called, its ids (its own first, without the kind), its days."""

    journey: Journey
    name: JourneyName
    ids: tuple[str, ...]
    span: tuple[date, date]
    places: tuple[Place, ...]  # of its photos that have one


Stays = list[list[str]]


def name_all(
    journeys: Sequence[Journey], places: Sequence[Place | None], decided: NodeDecisions
) -> tuple[list[NamedJourney], Stays]:
    """Every journey by name, without those that the person said were none, and all stays that are known now."""
    known = [tuple(place for n in journey.at.tolist() if (place := places[n])) for journey in journeys]
    names = [name_journey(of) for of in known]
    spans = [(date.fromordinal(j.first_day), date.fromordinal(j.last_day)) for j in journeys]
    ids = name_journeys(spans, [as_slug(name.title) for name in names], decided.stays)
    named = [NamedJourney(*parts) for parts in zip(journeys, names, ids, spans, known, strict=True)]
    told = [n for n in named if not decided.denies_journey(n.ids, *n.span)]
    return told, _stays(decided.stays, ids, spans)


def _stays(known: Sequence[KnownStay], names: Sequence[tuple[str, ...]], spans: Sequence[tuple[date, date]]) -> Stays:
    """(name, first day, last day) of every journey that is or was known; one that has shrunk keeps all its days."""
    stays = {stay.name: (stay.first, stay.last) for stay in known}
    for (name, *_), (first, last) in zip(names, spans, strict=True):
        before = stays.get(name, (first, last))
        stays[name] = (min(first, before[0]), max(last, before[1]))
    return [[name, first.isoformat(), last.isoformat()] for name, (first, last) in sorted(stays.items())]


def add_journeys(
    weaver: Weaver, journeys: Sequence[NamedJourney], places: Sequence[Place | None], cities: Mapping[int, str]
) -> list[tuple[str, IntVector]]:
    """Write the journeys, tied to the cities that they visit; gives their nodes and photos."""
    events = []
    for found in journeys:
        journey, name, known = found.journey, found.name, found.places
        kind = "trip" if journey.is_trip else "day_out"
        called = weaver.decided.name_of_journey(found.ids)
        node = weaver.add(
            f"{kind}:{found.ids[0]}",
            kind,
            called or name.title,
            journey.at,
            decided=weaver.decided.of_journey(found.ids, *found.span),
            called=called,
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


def _reasons_of(journey: Journey, name: JourneyName) -> list[Reason]:
    days = f"{journey.days} days" if journey.is_trip else "one day"
    km = journey.farthest_km
    away = Reason("away", 0.6, f"Up to {km:.0f} km from home over {days}.") if km is not None else None
    return [
        *([Reason("decided", 1.0, "You said that it was a journey.")] if journey.is_told else []),
        *([away] if away else []),
        Reason("photos", 0.2, f"{len(journey.at)} photos were taken there."),
        Reason("places", 0.2, f"Most of them in {name.title}." if name.scope else "No place is known by name."),
    ]


def celebration_node(found: FoundCelebration) -> str:
    """The id of a celebration: its day and what was celebrated."""
    return f"celebration:{found.named_day.isoformat()}-{_subject_of(found)}"


def _subject_of(found: FoundCelebration) -> str:
    return f"birthday-{as_slug(found.person)}" if found.person else found.slug.replace("_", "-")


def add_celebrations(weaver: Weaver, celebrations: Sequence[FoundCelebration]) -> list[tuple[str, IntVector]]:
    """Write the celebrations, tied to their holiday; gives their nodes and photos."""
    events = []
    for found in celebrations:
        celebration = celebration_node(found)
        called = weaver.decided.name_of(celebration)
        node = weaver.add(
            celebration,
            "celebration",
            called or found.name,
            found.at,
            decided=weaver.decided.of_day(celebration, found.day),
            called=called,
            slug=found.slug,
            day=found.day.isoformat(),
            person=found.person,
            moments=[node for node, _ in weaver.by_moment(found.at)],
            confidence=found.confidence,
            reasons=as_triples(found.reasons),
        )
        holiday = f"holiday:{_subject_of(found)}"
        if holiday not in weaver.graph:
            weaver.add(holiday, "holiday", found.name, found.at)
        text = " ".join(reason.text for reason in found.reasons)
        weaver.link(node, holiday, "celebrates", at=found.at, confidence=found.confidence, reason=text)
        events.append((node, found.at))
    return events


def link_events(weaver: Weaver, events: list[tuple[str, IntVector]], table: TagTable) -> None:
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
