"""Names of stays: the smallest place that most photos agree on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes.library import PLACES

from photos_engine.graph.naming import name_journey
from photos_engine.types import Place

ANGLET = Place("Anglet", "Nouvelle-Aquitaine", "France", "FR", 43.4816, -1.5180, 900)
BIARRITZ, LISBON, ANNECY, CHAMONIX = (PLACES[name] for name in ("Biarritz", "Lisbon", "Annecy", "Chamonix"))
JASPER, LODGE = PLACES["Jasper"], replace(PLACES["Jasper"], city="Jasper Park Lodge", geoname_id=901)
LYON, KYOTO, BARCELONA = (PLACES[name] for name in ("Lyon", "Kyoto", "Barcelona"))


@pytest.mark.parametrize(
    ("places", "title", "scope"),
    [
        ([BIARRITZ] * 10, "Biarritz", "city"),
        ([BIARRITZ] * 7 + [ANGLET] * 3, "Biarritz", "city"),
        ([BIARRITZ] * 5 + [ANGLET] * 6, "Biarritz and Anglet", "cities"),
        ([LODGE] * 6 + [JASPER] * 4, "Jasper", "city"),
        ([LISBON] * 8 + [BARCELONA] * 2, "Lisbon", "city"),
        ([LISBON] * 5 + [BARCELONA] * 5, "Lisbon and Barcelona", "cities"),
        ([ANNECY] * 4 + [CHAMONIX] * 3 + [LYON] * 3, "Auvergne-Rhône-Alpes", "region"),
        ([ANNECY] * 4 + [BIARRITZ] * 3 + [LYON] * 3, "France", "country"),
        ([ANNECY] * 3 + [BARCELONA] * 3 + [KYOTO] * 3, "France, Spain and Japan", "countries"),
        ([], "Away from home", ""),
    ],
)
def test_a_stay_is_named_by_what_most_of_its_photos_agree_on(places: list[Place], title: str, scope: str) -> None:
    name = name_journey(places)
    assert (name.title, name.scope) == (title, scope)


def test_cities_are_in_the_order_in_which_they_were_reached_and_a_stop_is_not_mentioned() -> None:
    name = name_journey([LISBON] * 10 + [ANNECY] + [BARCELONA] * 10)
    assert name.cities == ("Lisbon", "Barcelona")
    assert name.country_codes == ("PT", "FR", "ES")
    assert name.country is None
