"""Everyday life in the graph: pets, routines, the place of work, and the things around."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from photos_engine.graph.habits import WEEKDAYS, Routine, Workplace
from photos_engine.graph.home import HomeBase
from photos_engine.graph.naming import as_slug
from photos_engine.graph.pets import FoundPet
from photos_engine.graph.themes import MIN_PHOTOS
from photos_engine.graph.timeline import IntVector, distance_km
from photos_engine.graph.weave import Weaver, as_triples
from photos_engine.types import Place, Reason, Tag

MIN_NAMED, SURE_NAME = 3, 0.8
"""Photos on which a pet must be named, and the share that one name must have of all names on its photos."""


def add_pets(weaver: Weaver, pets: tuple[FoundPet, ...], tags: Mapping[str, Tag]) -> None:
    """Write the animals that keep coming back, tied to their species and the moments that they are in.

    A pet goes by the name that the person gave it, or else by the one that the photos' keywords do.
    """
    photos = [frozenset(weaver.photo_ids(pet.at)) for pet in pets]
    about = [(pet.node, pet.species, of) for pet, of in zip(pets, photos, strict=True)]
    for pet, subjects in zip(pets, weaver.decided.subjects_of_pets(about), strict=True):
        species = f"tag:{pet.species}"
        if species not in weaver.graph or any(map(weaver.decided.is_not_so, subjects)):
            continue
        label, name = weaver.graph.nodes[species]["label"], pet.node
        called = weaver.decided.name_of(*subjects) or name_in_keywords(weaver, pet, tags)
        text = f"A {label} is on {len(pet.at)} photos of {pet.months} months."
        reasons = [Reason("recurring", pet.confidence, text)]
        if pet.number is not None:
            reasons.append(Reason("likeness", 0.5, "Its photos look like one another, and unlike those of the others."))
        node = weaver.add(
            name,
            "pet",
            called or label,
            pet.at,
            decided=weaver.decided.of(species).union(*map(weaver.decided.of, subjects)),
            called=called,
            species=pet.species,
            number=pet.number,
            photos=weaver.photo_ids(pet.at),
            months=pet.months,
            confidence=pet.confidence,
            reasons=as_triples(reasons),
        )
        weaver.link(node, species, "is_a", at=pet.at, confidence=pet.confidence, reason=text)
        for moment, here in weaver.by_moment(pet.at):
            share = len(here) / weaver.graph.nodes[moment]["count"]
            weaver.link(node, moment, "in", at=here, weight=share, reason=f"It is on {len(here)} photos.")


def name_in_keywords(weaver: Weaver, pet: FoundPet, tags: Mapping[str, Tag]) -> str | None:
    """What keywords call a pet: a name filed under pets or under its species ("Pets/Dogs/Bella"), on enough photos.

    Nothing where a good part of what is so filed has another name: then it isn't certain which one this is.
    """
    kinds = {word for tag in ("pet", pet.species) if tag in tags for word in words_of(tags[tag])}
    names: Counter[str] = Counter()
    written: dict[str, str] = {}
    for row in weaver.timeline.rows[pet.at].tolist():
        for keyword in weaver.looks.keywords[row]:
            *above, name = keyword.split("/")
            if name.casefold() not in kinds and not kinds.isdisjoint(word.casefold() for word in above):
                names[name.casefold()] += 1
                written.setdefault(name.casefold(), name)
    best = min(names, key=lambda name: (-names[name], name), default=None)
    if best is None or names[best] < MIN_NAMED or names[best] < SURE_NAME * names.total():
        return None
    return written[best]


def words_of(tag: Tag) -> frozenset[str]:
    """What a thing is called in a keyword, one of it or many."""
    singular = (tag.id, tag.label, *tag.synonyms)
    return frozenset(f"{word}{end}".casefold() for word in singular for end in ("", "s"))


def add_routines(weaver: Weaver, routines: Sequence[Routine]) -> None:
    """Write what belongs to a weekday, tied to its theme."""
    for routine in routines:
        tag = f"tag:{routine.tag}"
        if tag not in weaver.graph:
            continue
        label, weekday = weaver.graph.nodes[tag]["label"], WEEKDAYS[routine.weekday]
        confidence = round(1 - 1 / routine.lift, 3)
        text = (
            f"{label.capitalize()} was on a {weekday} on {routine.times} of {routine.days} days,"
            f" {routine.lift:.1f} times as often as chance has it."
        )
        activity = f"activity:{routine.tag.replace('_', '-')}-{weekday.lower()}"
        if weaver.decided.is_not_so(activity):
            continue
        node = weaver.add(
            activity,
            "activity",
            f"{label.capitalize()} on {weekday}s",
            routine.at,
            weekday=routine.weekday,
            times=routine.times,
            confidence=confidence,
            reasons=as_triples([Reason("weekday", confidence, text)]),
        )
        weaver.link(node, tag, "is_a", at=routine.at, weight=confidence, confidence=confidence, reason=text)


def add_workplaces(
    weaver: Weaver,
    home: HomeBase,
    workplace: Workplace | None,
    places: Sequence[Place | None],
    cities: Mapping[int, str],
) -> None:
    """Write where working days are spent, and the places around home that are visited as a matter of course."""
    timeline = weaver.timeline
    if workplace:
        text = (
            f"Photos of one site on {workplace.days} days of {workplace.weeks} weeks, on working days in the daytime."
        )
        _add_anchor(weaver, "anchor:work", "Work or school", workplace.at, text, (places, cities))
    for anchor in home.routines:
        km = distance_km(timeline.latitude, timeline.longitude, anchor.point.latitude, anchor.point.longitude)
        at = np.flatnonzero((km <= 15.0) & np.isin(timeline.day, anchor.days))
        text = f"Photos of visits on {len(anchor.days)} days, {len(anchor.visits)} times."
        near = next((place for n in at.tolist() if (place := places[n])), None)
        if near:
            node = weaver.unused(f"anchor:{as_slug(near.city)}")
            _add_anchor(weaver, node, f"Often in {near.city}", at, text, (places, cities))


def _add_anchor(
    weaver: Weaver,
    node: str,
    label: str,
    at: IntVector,
    text: str,
    where: tuple[Sequence[Place | None], Mapping[int, str]],
) -> None:
    if weaver.decided.is_not_so(node):
        return
    confidence = round(len(at) / (len(at) + 10), 3)
    reasons = as_triples([Reason("visits", confidence, text)])
    weaver.add(node, "anchor", weaver.decided.name_of(node) or label, at, confidence=confidence, reasons=reasons)
    places, cities = where
    city = next((cities[place.geoname_id] for n in at.tolist() if (place := places[n])), None)
    if city:
        weaver.link(node, city, "at", at=at, confidence=confidence, reason=text)


def add_objects(weaver: Weaver, events: Sequence[tuple[str, IntVector]]) -> None:
    """Write the things that a detector found on some photos, tied to the events that they were seen in."""
    seen = weaver.looks.objects.take(weaver.timeline.rows).rows_by_value()
    is_on = np.zeros(len(weaver.timeline), dtype=bool)
    for label in sorted(seen):
        at = seen[label]
        if len(at) < MIN_PHOTOS:
            continue
        node = weaver.add(f"object:{as_slug(label)}", "object", label, at, days=len(np.unique(weaver.timeline.day[at])))
        is_on[:] = False
        is_on[at] = True
        for event, of_event in events:
            here = of_event[is_on[of_event]]
            if len(here) >= MIN_PHOTOS:
                text = f"{label.capitalize()} is on {len(here)} of its {len(of_event)} photos."
                weaver.link(event, node, "has", at=here, weight=len(here) / len(of_event), reason=text)
