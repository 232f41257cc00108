"""Facets: what the photos of an answer have in common, with counts, to narrow it by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from photos_engine.experiences.search.matches import Matches, rows_of
from photos_engine.experiences.search.names import years_of
from photos_engine.experiences.search.sources import SearchSources
from photos_engine.types import FacetCount

_MOST = 20
"""Values of a facet: more are no help to choose from."""


def count_facets(shown: Matches, sources: SearchSources) -> Mapping[str, tuple[FacetCount, ...]]:
    """How many of the photos are of each year, place, person and tag; years newest first, the others most first."""
    basis, names, taxonomy = sources.basis, sources.basis.names, sources.taxonomy
    roster = basis.roster
    rows = rows_of(shown.keys, roster.keys)
    years, per_year = np.unique(years_of(roster.taken_local[rows]), return_counts=True)
    places, per_place = np.unique(roster.place_ids[rows], return_counts=True)
    cities: dict[str, int] = {}
    for place_id, count in zip(places.tolist(), per_place.tolist(), strict=True):
        if place_id:
            city = names.city_of[place_id]
            cities[city] = cities.get(city, 0) + count
    tags = {
        taxonomy.tag(tag_id).label: count
        for tag_id, count in basis.columns.tags.counts(shown.keys).items()
        if tag_id in taxonomy and not taxonomy.tag(tag_id).is_hidden
    }
    by_year = zip(years.tolist()[::-1], per_year.tolist()[::-1], strict=True)
    return {
        "years": tuple(FacetCount(str(year), count) for year, count in by_year),
        "places": _most_first(cities.items()),
        "people": _most_first((basis.called.counts(shown.keys) | basis.columns.people.counts(shown.keys)).items()),
        "tags": _most_first(tags.items()),
    }


def _most_first(counts: Iterable[tuple[str, int]]) -> tuple[FacetCount, ...]:
    ranked = sorted(counts, key=lambda pair: (-pair[1], pair[0]))
    return tuple(FacetCount(value, count) for value, count in ranked[:_MOST])
