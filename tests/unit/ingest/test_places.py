from __future__ import annotations

import random

import pytest

from photos_engine.ingest import Gazetteer
from photos_engine.ingest.places import large_cities
from photos_engine.ingest.regions import REGIONS
from photos_engine.types import GeoPoint

CITIES = {
    "Lyon": (45.7640, 4.8357, "FR"),
    "Chamonix-Mont-Blanc": (45.9237, 6.8694, "FR"),
    "Biarritz": (43.4832, -1.5586, "FR"),
    "Lisbon": (38.7223, -9.1393, "PT"),
    "Zermatt": (46.0207, 7.7491, "CH"),
    "Annecy": (45.8992, 6.1294, "FR"),
    "Barcelona": (41.3874, 2.1686, "ES"),
    "Reykjavík": (64.1466, -21.9426, "IS"),
    "Kyoto": (35.0116, 135.7681, "JP"),
    "Cape Town": (-33.9249, 18.4241, "ZA"),
    "Amsterdam": (52.3676, 4.9041, "NL"),
    "Jasper": (52.8737, -118.0814, "CA"),
    "Honolulu": (21.3069, -157.8583, "US"),
    "Paris": (48.8566, 2.3522, "FR"),
    "Tokyo": (35.6762, 139.6503, "JP"),
    "Leeds": (53.8008, -1.5491, "GB"),
    "Portland": (45.5152, -122.6784, "US"),
    "Graz": (47.0707, 15.4395, "AT"),
}


@pytest.fixture(scope="module")
def gazetteer() -> Gazetteer:
    return Gazetteer()


@pytest.mark.parametrize("city", CITIES)
def test_cities_are_named_for_themselves_and_not_for_their_quarters(gazetteer: Gazetteer, city: str) -> None:
    latitude, longitude, country = CITIES[city]
    place = gazetteer.locate(GeoPoint(latitude, longitude))
    assert place is not None
    assert (place.city, place.country_code) == (city, country)


@pytest.mark.parametrize(
    ("city", "latitude", "longitude", "region"),
    [
        ("Florence", 43.7696, 11.2558, "Tuscany"),
        ("Munich", 48.1374, 11.5755, "Bavaria"),
        ("Sevilla", 37.3891, -5.9845, "Andalusia"),
        ("Ajaccio", 41.9192, 8.7386, "Corsica"),
        ("Zermatt", 46.0207, 7.7491, "Valais"),
        ("Graz", 47.0707, 15.4395, "Styria"),
        ("Edinburgh", 55.9533, -3.1883, "Scotland"),
        ("Jasper", 52.8737, -118.0814, "Alberta"),
        ("Cape Town", -33.9249, 18.4241, "Western Cape"),
        ("Queenstown", -45.0312, 168.6626, "Otago"),
        ("Kyoto", 35.0116, 135.7681, "Kyoto Prefecture"),
        ("Irákleion", 35.3387, 25.1442, "Crete"),
        ("Funchal", 32.6669, -16.9241, "Madeira"),
        ("Ísafjörður", 66.0749, -23.1350, "Westfjords"),
        ("Honolulu", 21.3069, -157.8583, "Hawaii"),
    ],
)
def test_regions_have_their_english_names(
    gazetteer: Gazetteer, city: str, latitude: float, longitude: float, region: str
) -> None:
    place = gazetteer.locate(GeoPoint(latitude, longitude))
    assert place is not None
    assert (place.city, place.region) == (city, region)
    assert gazetteer.find_all([place.geoname_id, -1]) == {place.geoname_id: place}


def test_every_named_region_has_places_and_no_two_of_a_country_share_a_name(gazetteer: Gazetteer) -> None:
    tables = gazetteer._loaded()
    known = set(zip(tables.country_codes, tables.regions, strict=True))
    assert {(country, name) for (country, _), name in REGIONS.items()} <= known
    names = [(country, name) for (country, _), name in REGIONS.items()]
    assert len(names) == len(set(names))


def test_within_a_few_kilometres_it_is_still_the_city(gazetteer: Gazetteer) -> None:
    """Up to 6 km away, half of the towns around Biarritz have their own names: 9 of 10 in all."""
    chance = random.Random(1)
    points, expected = [], []
    for city, (latitude, longitude, country) in CITIES.items():
        for _ in range(40):
            points.append(GeoPoint(latitude + chance.uniform(-6, 6) / 111, longitude + chance.uniform(-6, 6) / 80))
            expected.append((city, country))
    places = gazetteer.locate_all(points)
    found = [place and (place.city, place.country_code) for place in places]
    assert sum(one == other for one, other in zip(found, expected, strict=True)) / len(found) > 0.93
    assert [place and place.country_code for place in places] == [country for _, country in expected]


@pytest.mark.parametrize(
    ("latitude", "longitude", "city"),
    [
        (48.8036, 2.1342, "Versailles"),
        (53.7939, -1.752, "Bradford"),
        (43.4932, -1.473, "Bayonne"),
        (38.80, -9.38, "Sintra"),
    ],
)
def test_towns_near_large_cities_keep_their_names(
    gazetteer: Gazetteer, latitude: float, longitude: float, city: str
) -> None:
    place = gazetteer.locate(GeoPoint(latitude, longitude))
    assert place is not None
    assert place.city == city


@pytest.mark.parametrize("point", [GeoPoint(30.0, -40.0), GeoPoint(-80.0, 10.0), GeoPoint(23.5, 12.0)])
def test_far_from_everywhere_there_is_no_place(gazetteer: Gazetteer, point: GeoPoint) -> None:
    assert gazetteer.locate(point) is None


def test_at_the_edges_of_the_map(gazetteer: Gazetteer) -> None:
    place = gazetteer.locate(GeoPoint(-16.45, 179.45))
    assert place is not None
    assert place.city == "Labasa"
    assert gazetteer.locate_all([GeoPoint(90.0, 0.0), GeoPoint(-16.45, -179.0)]) == [None, None]
    assert gazetteer.locate_all([]) == []


def test_states_are_named_in_words(gazetteer: Gazetteer) -> None:
    place = gazetteer.locate(GeoPoint(45.5152, -122.6784))
    assert place is not None
    assert (place.region, place.country) == ("Oregon", "United States")


def test_large_cities_lie_in_the_country_of_the_largest_of_their_name() -> None:
    cities = large_cities(100_000)
    assert (cities["Paris"], cities["Birmingham"], cities["Kyoto"]) == ("France", "United Kingdom", "Japan")
    assert "Zermatt" not in cities
    assert len(large_cities(1_000_000)) < len(cities)
