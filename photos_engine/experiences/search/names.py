"""Names: the words for facts that every library shares, and those that one library alone knows."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from photos_engine.experiences.search import countries
from photos_engine.experiences.search.query import (
    Blurred,
    Cameras,
    Formats,
    Lenses,
    Meaning,
    Stars,
    Utility,
    Where,
    Who,
)
from photos_engine.store.lookups import BESIDE, Roster, Trait
from photos_engine.types import DateSource, Place

Words = tuple[str, ...]

_UTILITY: Mapping[str, tuple[str, ...]] = {
    "screenshot": ("screenshot", "screen shot", "screen capture", "screencap"),
    "receipt": ("receipt",),
    "document": ("document",),
    "handwriting": ("handwriting", "handwritten note"),
    "barcode": ("barcode", "bar code", "qr code", "qrcode"),
    "meme": ("meme",),
    "product": ("product", "product photo"),
    "whiteboard": ("whiteboard",),
    "repair_reference": ("repair reference",),
}
_TRAITS: Mapping[Trait, tuple[str, ...]] = {
    Trait.UPRIGHT: ("portrait orientation", "portrait format", "vertical photo", "upright photo"),
    Trait.WIDE: ("landscape orientation", "landscape format", "horizontal photo"),
    Trait.SQUARE: ("square photo", "square format"),
    Trait.PANORAMA: ("panorama", "pano", "panoramic photo"),
    Trait.MOVING: ("live photo", "motion photo", "live picture", "moving photo", "video"),
    Trait.LOCATED: ("gps", "location", "geotag", "geotagged", "coordinates"),
    Trait.FAVOURITE: ("favourite", "favorite", "fave", "my favourites", "my favorites"),
    Trait.HIDDEN: ("hidden", "hidden photo"),
}
_FORMATS: Mapping[str, tuple[str, ...]] = {
    "RAW": ("raw", "raw file", "raw photo", "dng"),
    "JPEG": ("jpeg", "jpg"),
    "HEIF": ("heic", "heif"),
    "AVIF": ("avif",),
    "PNG": ("png",),
    "GIF": ("gif",),
    "TIFF": ("tiff", "tif"),
    "WEBP": ("webp",),
    "BMP": ("bmp",),
}
_BLURRED = ("blurry", "blurred", "blur", "unsharp", "out of focus", "blurry photo", "blurred photo")
# Words that also name what is in the picture: the taxonomy comes first where it knows them.
_SHAPES_TOO: Mapping[str, Trait] = {"portrait": Trait.UPRIGHT, "landscape": Trait.WIDE, "square": Trait.SQUARE}
# In a camera's name these say nothing.
_EMPTY_IN_CAMERAS = frozenset({"camera", "digital", "corporation", "corp", "co", "ltd", "inc", "the", "company"})
_GARMENTS = frozenset({"JE", "GG"})
"""Jersey and Guernsey: who has not been there means what people wear."""


def fold(text: str) -> str:
    """The text in lower case without accents: what two spellings of a name have in common."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().replace("’", "'"))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def split(name: str) -> Words:
    """The folded words of a name."""
    return tuple(re.findall(r"[^\W_]+(?:'[^\W_]+)?", fold(name)))


@cache
def fact_names() -> Mapping[Words, Meaning]:
    """The words for facts about files and pictures, singular and plural."""
    named: dict[Words, Meaning] = {}
    for kind, phrases in _UTILITY.items():
        _put(named, phrases, Utility(kind))
    for trait, phrases in _TRAITS.items():
        _put(named, phrases, trait)
    for name, phrases in _FORMATS.items():
        _put(named, phrases, Formats((name,)))
    _put(named, _BLURRED, Blurred())
    for stars in range(1, 6):
        _put(named, (f"{stars} star", f"{stars} stars"), Stars(stars))
    return named


@cache
def shape_names() -> Mapping[Words, Meaning]:
    """Words for shapes that give way to the taxonomy."""
    return {(word + plural,): trait for word, trait in _SHAPES_TOO.items() for plural in ("", "s")}


@cache
def country_names() -> Mapping[Words, Meaning]:
    """Countries of the world, for those that the library has no photo of."""
    english = countries.country_names()
    named = ((split(name), code) for name, code in countries.spoken_names() if code not in _GARMENTS)
    return {words: Where(english[code], ()) for words, code in reversed(list(named))}


def _put(named: dict[Words, Meaning], phrases: Iterable[str], meaning: Meaning) -> None:
    for phrase in phrases:
        named[split(phrase)] = meaning
        named[split(phrase + "s")] = meaning


@dataclass(frozen=True, slots=True)
class LibraryNames:
    """The names that one library knows.

    years: the first and the last year of the photos' dates, None for an empty library; by_year: how many
    photos have a date of each that is more than their file's time, most first; country_code: that of most
    photos; is_southern: whether most of them are from south of the equator; cities: those with most photos first.
    """

    years: tuple[int, int] | None
    by_year: Mapping[int, int]
    country_code: str | None
    is_southern: bool
    cities: tuple[str, ...]
    city_of: Mapping[int, str]  # by a place's number
    place_counts: Mapping[str, int]  # of each city, region and country: how many photos
    people_names: tuple[str, ...]
    places: Mapping[Words, Meaning]
    people: Mapping[Words, Meaning]
    cameras: Mapping[Words, Meaning]
    lenses: Mapping[Words, Meaning]
    words: frozenset[str]  # the single words of all names

    @classmethod
    def of(cls, roster: Roster, places: Sequence[tuple[Place, int]], people: Iterable[str]) -> LibraryNames:
        """The names of a library; places: each with how many photos it has, most first."""
        by_country: dict[str, int] = {}
        south = 0
        for place, count in places:
            by_country[place.country_code] = by_country.get(place.country_code, 0) + count
            south += count if place.latitude < 0 else -count
        own = (
            _people_names(sorted(people)),
            _place_names([place for place, _ in places]),
            _camera_names(roster.cameras.values),
            _lens_names(roster.lenses.values),
        )
        return cls(
            years=_years(roster),
            by_year=_count_by_year(roster),
            country_code=max(by_country, key=by_country.__getitem__, default=None),
            is_southern=south > 0,
            cities=tuple(dict.fromkeys(place.city for place, _ in places)),
            city_of={place.geoname_id: place.city for place, _ in places},
            place_counts=_count_by_name(places),
            people_names=tuple(sorted(people)),
            people=own[0],
            places=own[1],
            cameras=own[2],
            lenses=own[3],
            words=frozenset(word for names in own for name in names for word in name),
        )

    @property
    def vocabularies(self) -> tuple[Mapping[Words, Meaning], ...]:
        """Every sort of name, in the order in which they are tried."""
        return self.people, self.places, fact_names(), self.cameras, self.lenses


def _years(roster: Roster) -> tuple[int, int] | None:
    if not len(roster.keys):
        return None
    first, last = years_of(np.array([roster.taken_utc.min(), roster.taken_utc.max()])).tolist()
    return first, last


def _count_by_year(roster: Roster) -> Mapping[int, int]:
    trusted = np.array([value != DateSource.FILE_TIME for value in roster.date_sources.values], np.bool_)
    taken = roster.taken_local[trusted[roster.date_sources.codes]] if len(trusted) else roster.taken_local
    years, counts = np.unique(years_of(taken), return_counts=True)
    most_first = np.argsort(-counts, kind="stable")
    return dict(zip(years[most_first].tolist(), counts[most_first].tolist(), strict=True))


def years_of(seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    """The years of moments, in seconds since 1970."""
    return np.floor(seconds).astype("datetime64[s]").astype("datetime64[Y]").astype(np.int64) + 1970


def _count_by_name(places: Iterable[tuple[Place, int]]) -> Mapping[str, int]:
    counts: dict[str, int] = {}
    for place, count in places:
        for name in filter(None, dict.fromkeys((place.city, place.region, place.country))):
            counts[name] = counts.get(name, 0) + count
    return counts


def _place_names(places: Sequence[Place]) -> Mapping[Words, Meaning]:
    """City, region, country by all its names -> the places of that name."""
    spellings: dict[Words, str] = {}
    ids: dict[Words, list[int]] = {}
    for place in places:
        for name in dict.fromkeys((place.city, place.region, place.country)):
            words = split(name)
            for form in dict.fromkeys((words, words[words[:1] == ("the",) :])):  # "The Netherlands"
                if form:
                    spellings.setdefault(form, name)
                    ids.setdefault(form, []).append(place.geoname_id)
    by_code: dict[str, list[Place]] = {}
    for place in places:
        by_code.setdefault(place.country_code, []).append(place)
    for name, code in countries.spoken_names():
        form = split(name)
        if code in by_code and form not in spellings:
            spellings[form] = by_code[code][0].country
            ids[form] = [place.geoname_id for place in by_code[code]]
    return {words: Where(name, tuple(dict.fromkeys(ids[words]))) for words, name in spellings.items()}


def _people_names(people: Iterable[str]) -> Mapping[Words, Meaning]:
    """Full names, and each part of a name -> everybody who has it."""
    found: dict[Words, list[str]] = {}
    for name in people:
        words = split(name)
        for form in dict.fromkeys((words, *((word,) for word in words if len(word) > 1))):
            found.setdefault(form, []).append(name)
    return {words: Who(tuple(names)) for words, names in found.items() if words}


def _camera_names(cameras: Iterable[str]) -> Mapping[Words, Meaning]:
    """The beginnings of makes and models -> the cameras that they fit."""
    found: dict[Words, list[str]] = {}
    for camera in cameras:
        make, _, model = camera.partition(BESIDE)
        makers, models = split(make), split(model)
        bare = models[len(makers[:1]) :] if models[:1] == makers[:1] else models
        names = {words[:n] for words in (makers, models, bare) for n in range(1, len(words) + 1)}
        for name in names:
            if _says_camera(name):
                found.setdefault(name, []).append(camera)
    return {words: Cameras(tuple(dict.fromkeys(names))) for words, names in found.items()}


def _lens_names(lenses: Iterable[str]) -> Mapping[Words, Meaning]:
    """Every run of words of a lens' name that says "mm", also with "lens" beside it -> the lenses that have it."""
    found: dict[Words, list[str]] = {}
    for lens in filter(None, lenses):
        words = split(lens)
        ends = range(1, len(words) + 1)
        runs = {words[start:end] for end in ends for start in range(end)}
        runs = {run for run in runs if run == words or any(word.endswith("mm") for word in run)}
        for run in runs | {(*run, "lens") for run in runs} | {("lens", *run) for run in runs}:
            found.setdefault(run, []).append(lens)
    return {words: Lenses(tuple(names)) for words, names in found.items()}


def _says_camera(name: Sequence[str]) -> bool:
    # "d" or "100" alone would make cameras of ordinary words and numbers.
    joined = "".join(name)
    return len(joined) >= 3 and not joined.isdigit() and not _EMPTY_IN_CAMERAS.issuperset(name)
