"""Finders of subjects over the years: people, pets, places and themes that keep coming back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from photos_engine.experiences.memories.candidates import Candidate, Sources, is_told
from photos_engine.experiences.memories.shelf import (
    MIN_MEMORABLE,
    VERY_SURE_TAG,
    BoolVector,
    FloatVector,
    IntVector,
    Shelf,
)
from photos_engine.graph import ancestors_of, join_suburbs
from photos_engine.types import Interest, Place, Reason, Tag

MAX_THEMES = 12
_THEME_RICHNESS = 2  # times as many sure photos as a memory needs: of a few unsure ones all may be wrong
_MIN_THEME_DAYS = 3
_MIN_PLACE_YEARS = 2
_CERTAINTY_BONUS = 0.3
_OUTLIER_DEVIATIONS = 2.5  # median absolute deviations below the median likeness to the surest photos
ENOUGH_PHOTOS = 12
_TO_SPARE = 60  # photos of a theme from which on the surer half is enough to choose from


def find_people(s: Sources) -> Iterator[Candidate]:
    """Everybody whom metadata name often enough."""
    of: dict[str, IntVector] = {}
    for name, named in s.shelf.looks.people.rows_by_value().items():
        node = s.graph.person_node(name)
        of[node] = np.union1d(of[node], named) if node in of else np.unique(named)
    most = max((len(members) for members in of.values()), default=1)
    for person in s.graph.people():
        if person.node in of:
            at = of[person.node]
            reason = Reason("named", 1.0, f"{person.name} is named on {len(at)} photos.")
            subject = person.node.partition(":")[2]
            interest = 0.4 + 0.6 * len(at) / most
            yield Candidate("person", subject, person.name, None, at, interest, (reason,), person.node)


def find_pets(s: Sources) -> Iterator[Candidate]:
    """Animals that keep coming back."""
    hidden = s.graph.hidden()
    for pet in s.graph.pets():
        at = s.shelf.positions(pet.photo_ids)
        if f"tag:{pet.species}" in hidden or not len(at):
            continue
        certain = dict(zip(s.shelf.by_tag.get(pet.species, ()), s.shelf.certainty.get(pet.species, ()), strict=True))
        surer, certainty = _surer_half(at, np.array([certain.get(n, 0.0) for n in at.tolist()]))
        if pet.name:
            title = s.phrases.say("named_pet", name=pet.name)
        else:
            many = s.phrases.many(pet.label)
            title = s.phrases.say("pet" if pet.number is None else "one_of_the_pets", plural=many)
        yield Candidate(
            "pet",
            pet.node.partition(":")[2],
            title,
            None,
            surer,
            min(1.0, 0.5 + pet.months / 24),
            pet.reasons,
            pet.node,
            bonus=_CERTAINTY_BONUS * certainty,
            whole=at,
        )


def _sure_photos_of(shelf: Shelf, tag: str) -> tuple[IntVector, FloatVector]:
    """The photos that show a thing, and how certain each is; where enough are very sure, only those."""
    at, certainty = shelf.by_tag.get(tag, np.zeros(0, dtype=np.int64)), shelf.certainty.get(tag, np.zeros(0))
    sure = certainty >= VERY_SURE_TAG
    return (at[sure], certainty[sure]) if np.count_nonzero(sure) >= ENOUGH_PHOTOS else (at, certainty)


def _surer_half(at: IntVector, certainty: FloatVector) -> tuple[IntVector, FloatVector]:
    """Of photos that there are plenty of, those that show their thing more surely than the others do."""
    if len(at) < _TO_SPARE:
        return at, certainty
    sure = certainty >= np.median(certainty)
    return at[sure], certainty[sure]


def _is_typical(shelf: Shelf, at: IntVector, certainty: FloatVector) -> BoolVector:
    """Which photos look like the surest ones: a theme has photos to spare, and one stranger spoils it."""
    if len(at) < ENOUGH_PHOTOS:
        return np.ones(len(at), dtype=bool)
    vectors = shelf.embeddings[at]
    surest = np.argsort(-certainty, kind="stable")[: max(ENOUGH_PHOTOS, len(at) // 4)]
    likeness = vectors @ vectors[surest].mean(axis=0)
    middle = float(np.median(likeness))
    deviation = float(np.median(np.abs(likeness - middle)))
    return np.asarray(likeness >= middle - _OUTLIER_DEVIATIONS * deviation)


def find_places(s: Sources) -> Iterator[Candidate]:
    """Places away from home to which the person came back in another year, each with the suburbs around it."""
    journeys = (*s.graph.trips(), *s.graph.days_out())
    away = [n for journey in journeys for n in s.shelf.positions(journey.photo_ids).tolist()]
    at_all = np.array(sorted(away), dtype=np.int64)
    located = [(n, place) for n, place in zip(at_all.tolist(), s.shelf.places(at_all), strict=True) if place]
    of: dict[int, tuple[Place, list[int]]] = {}
    for (n, _), place in zip(located, join_suburbs([place for _, place in located]), strict=True):
        of.setdefault(place.geoname_id, (place, []))[1].append(n)
    for place, members in of.values():
        at = np.array(members, dtype=np.int64)
        years = s.shelf.years(at)
        if len(years) >= _MIN_PLACE_YEARS:
            subject = f"{place.country_code}/{place.city}"
            yield Candidate(
                "place_over_years",
                subject,
                s.phrases.say("place_over_years", place=place.city),
                None,
                at,
                min(1.0, 0.3 + len(years) / 5),
                (Reason("came_back", 1.0, f"Photos of {place.city} in {len(years)} years."),),
                f"city:{subject}",
            )


def find_themes(s: Sources, told: Iterable[Candidate]) -> Iterator[Candidate]:
    """What the person photographs more than most things; not what one of the `told` tells already.

    A wide theme (sport) gives way to its narrower ones (football, cycling) where these tell most of it.
    """
    taken = [c.at if c.whole is None else c.whole for c in told]
    worthy = {w.tag.id: w for w in _worthy_tags(s)}
    narrower: dict[str, list[IntVector]] = {}
    for child, ancestors in ancestors_of(s.tags).items():
        for ancestor in ancestors if child in worthy else ():
            narrower.setdefault(ancestor, []).append(worthy[child].at)
    found = 0
    for w in worthy.values():
        children = narrower.get(w.tag.id)
        if is_told(w.at, taken) or (children and is_told(w.at, [np.unique(np.concatenate(children))])):
            continue
        typical = _is_typical(s.shelf, w.at, w.certainty)
        at, certainty = _surer_half(w.at[typical], w.certainty[typical])
        if not _has_enough(s.shelf, at, certainty):
            continue
        taken.append(w.at)
        yield Candidate(
            "theme",
            w.tag.id,
            s.phrases.theme(w.tag),
            None,
            at,
            w.interest.strength,
            w.interest.reasons,
            w.interest.node,
            bonus=_CERTAINTY_BONUS * certainty,
        )
        found += 1
        if found == MAX_THEMES:
            return


@dataclass(frozen=True, slots=True)
class _Worthy:
    """A tag that can make a memory, with the photos that show it."""

    tag: Tag
    interest: Interest
    at: IntVector
    certainty: FloatVector


def _worthy_tags(s: Sources) -> Iterator[_Worthy]:
    """The tags that can make a memory, strongest interest first."""
    for interest in s.graph.interests(s.on):
        tag = s.tags.get(interest.node.partition(":")[2])
        if tag and tag.memorable >= MIN_MEMORABLE:
            at, certainty = _sure_photos_of(s.shelf, tag.id)
            if _has_enough(s.shelf, at, certainty):
                yield _Worthy(tag, interest, at, certainty)


def _has_enough(shelf: Shelf, at: IntVector, certainty: FloatVector) -> bool:
    """Whether a theme has as many very sure photos, of as many days, as it needs."""
    sure = int(np.count_nonzero(certainty >= VERY_SURE_TAG))
    return sure >= _THEME_RICHNESS * shelf.min_photos and len(shelf.days(at)) >= _MIN_THEME_DAYS
