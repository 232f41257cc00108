"""Names: the words for facts that every library shares, and those that one library alone knows."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cached_property

from babel import Locale

from photos_engine.experiences.search.query import Blurred, Cameras, Formats, Meaning, Stars, Utility, Where, Who
from photos_engine.store.lookups import LookupRepository, Trait

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
    countries = {code: name for code, name in Locale("en").territories.items() if len(code) == 2 and code.isalpha()}
    return {split(name): Where(name, ()) for code, name in countries.items() if code not in _GARMENTS}


def _put(named: dict[Words, Meaning], phrases: Iterable[str], meaning: Meaning) -> None:
    for phrase in phrases:
        named[split(phrase)] = meaning
        named[split(phrase + "s")] = meaning


class LibraryNames:
    """The names that one library knows; each sort is read when it is first asked for."""

    def __init__(self, lookups: LookupRepository) -> None:
        self._lookups = lookups

    @cached_property
    def years(self) -> tuple[int, int] | None:
        """The first and the last year of the photos' dates."""
        return self._lookups.years()

    @cached_property
    def home_country(self) -> tuple[str | None, bool]:
        """The country code that most photos have, and whether most of them are south of the equator."""
        by_country: dict[str, int] = {}
        south = 0
        for place, count in self._lookups.places():
            by_country[place.country_code] = by_country.get(place.country_code, 0) + count
            south += count if place.latitude < 0 else -count
        return max(by_country, key=by_country.__getitem__, default=None), south > 0

    @cached_property
    def places(self) -> Mapping[Words, Meaning]:
        """City, region, country -> the places of that name."""
        spellings: dict[Words, str] = {}
        ids: dict[Words, list[int]] = {}
        for place, _ in self._lookups.places():
            for name in dict.fromkeys((place.city, place.region, place.country)):
                if words := split(name):
                    spellings.setdefault(words, name)
                    ids.setdefault(words, []).append(place.geoname_id)
        return {words: Where(name, tuple(dict.fromkeys(ids[words]))) for words, name in spellings.items()}

    @cached_property
    def people(self) -> Mapping[Words, Meaning]:
        """Full names, and each part of a name -> everybody who has it."""
        found: dict[Words, list[str]] = {}
        for name in self._lookups.people():
            words = split(name)
            for form in dict.fromkeys((words, *((word,) for word in words if len(word) > 1))):
                found.setdefault(form, []).append(name)
        return {words: Who(tuple(names)) for words, names in found.items() if words}

    @cached_property
    def cameras(self) -> Mapping[Words, Meaning]:
        """The beginnings of makes and models -> the cameras that they fit."""
        found: dict[Words, list[tuple[str, str]]] = {}
        for make, model in self._lookups.cameras():
            makers, models = split(make), split(model)
            bare = models[len(makers[:1]) :] if models[:1] == makers[:1] else models
            names = {words[:n] for words in (makers, models, bare) for n in range(1, len(words) + 1)}
            for name in names:
                if _says_camera(name):
                    found.setdefault(name, []).append((make, model))
        return {words: Cameras(tuple(dict.fromkeys(names))) for words, names in found.items()}


def _says_camera(name: Sequence[str]) -> bool:
    # "d" or "100" alone would make cameras of ordinary words and numbers.
    joined = "".join(name)
    return len(joined) >= 3 and not joined.isdigit() and not _EMPTY_IN_CAMERAS.issuperset(name)
