"""What to call things: a stay by the smallest place that most of its photos agree on, an id by plain letters."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from photos_engine.graph.timeline import distance_km
from photos_engine.types import Place

_MAJORITY = 0.5
_BOTH, _EACH = 0.8, 0.25  # two places name a stay together when hardly any photo is of a third
_MENTIONED = 0.1
_SUBURB = 0.5  # of a town's photos, at most, next to it: a place with more of them has a name of its own
_ONE_PLACE_KM = 12.0  # towns grown together: who stays in Biarritz also takes photos in Anglet


@dataclass(frozen=True, slots=True)
class JourneyName:
    """A title, with `scope` saying what it names: "city", "cities", "region", "country", "countries" or ""."""

    title: str
    scope: str
    cities: tuple[str, ...]  # in the order in which they were reached
    country_codes: tuple[str, ...]
    country: str | None  # where all of it is in one


def name_journey(places: Sequence[Place]) -> JourneyName:
    """Name a stay by the places of its photos, one entry a photo; "Away from home" where none is known."""
    if not places:
        return JourneyName("Away from home", "", (), (), None)
    codes = tuple(dict.fromkeys(place.country_code for place in places))
    places = join_suburbs(places)
    cities = Counter(place.city for place in places)
    countries = Counter(place.country for place in places)
    mentioned = tuple(
        city for city in dict.fromkeys(p.city for p in places) if cities[city] >= _MENTIONED * len(places)
    )
    title, scope = _title(places, cities, countries)
    return JourneyName(title, scope, mentioned, codes, next(iter(countries)) if len(countries) == 1 else None)


def join_suburbs(places: Sequence[Place]) -> list[Place]:
    """Each photo's place, or the much more photographed one of the same country that is next to it."""
    counts = Counter(place.geoname_id for place in places)
    known = {place.geoname_id: place for place in places}
    stands_for: dict[int, Place] = {}
    # Jasper before Jasper Park Lodge, wherever most photos are of.
    heads = {" ".join(words[:n]) for words in (p.city.split(" ") for p in known.values()) for n in range(1, len(words))}
    for place in sorted(known.values(), key=lambda p: (p.city not in heads, -counts[p.geoname_id], p.geoname_id)):
        near = (
            other
            for other in stands_for.values()
            if other.country_code == place.country_code
            and (counts[place.geoname_id] <= _SUBURB * counts[other.geoname_id] or _is_part(place, other))
            and distance_km(other.latitude, other.longitude, place.latitude, place.longitude) <= _ONE_PLACE_KM
        )
        stands_for[place.geoname_id] = next(near, place)
    return [stands_for[place.geoname_id] for place in places]


def city_node(place: Place) -> str:
    """The id of a place's city; of two with one name in one country, that of the one photographed more."""
    return f"city:{place.country_code}/{place.city}"


def as_slug(text: str) -> str:
    """Lower-case ASCII words joined by hyphens, for ids; other scripts keep their letters."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c))
    return "-".join("".join(c if c.isalnum() else " " for c in plain).split()) or "unnamed"


def _is_part(place: Place, of: Place) -> bool:
    """Whether a place is called after another one, as Jasper Park Lodge is after Jasper."""
    return place.city.startswith(f"{of.city} ")


def _title(places: Sequence[Place], cities: Counter[str], countries: Counter[str]) -> tuple[str, str]:
    n = len(places)
    (city, most), *rest = cities.most_common(2)
    if most >= _MAJORITY * n and (not rest or rest[0][1] < _EACH * n):
        return city, "city"
    if rest and most + rest[0][1] >= _BOTH * n and rest[0][1] >= _EACH * n:
        in_order = sorted((city, rest[0][0]), key=list(cities).index)
        return " and ".join(in_order), "cities"
    if most >= _MAJORITY * n:
        return city, "city"
    region, share = Counter(place.region for place in places).most_common(1)[0]
    if region and share >= _BOTH * n and len(countries) == 1:
        return region, "region"
    country, share = countries.most_common(1)[0]
    if share >= _BOTH * n:
        return country, "country"
    listed = [name for name, count in countries.items() if count >= _MENTIONED * n]
    return (" and ".join([", ".join(listed[:-1]), listed[-1]]) if len(listed) > 1 else country), "countries"
