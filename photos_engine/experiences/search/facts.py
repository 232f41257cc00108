"""What the library knows without looking at pixels: dates, places, people, files, decisions, words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from photos_engine.curation import describe_kind
from photos_engine.experiences.search.dates import Span, When
from photos_engine.experiences.search.matches import NOTHING, Matches, either, match_alike, merged, rows_of
from photos_engine.experiences.search.names import split
from photos_engine.experiences.search.query import (
    Blurred,
    Cameras,
    Fact,
    Formats,
    HeadCount,
    Lenses,
    Stars,
    Utility,
    Where,
    Who,
)
from photos_engine.experiences.search.sources import SearchSources
from photos_engine.index.protocol import Keys
from photos_engine.store.lookups import Roster, Trait
from photos_engine.types import DateSource, Decision, Reason

_GUESSES = {
    DateSource.FILE_NAME: (0.6, "Its file name says that it is from then; no camera recorded a date."),
    DateSource.FOLDER: (0.5, "Its folder says that it is from then; no camera recorded a date."),
    DateSource.FILE_TIME: (0.25, "Its file is from then; no camera recorded a date."),
}
_TAKEN_AT_FEAST = 0.6
"""Of the photos of a feast's days, about how many show it; a tag that shows it adds to that."""
_FEAST_SEASON = timedelta(30)
"""How far from its days a feast's trees, costumes and eggs are seen."""
_EPOCH, _DAY_S = date(1970, 1, 1), 86_400.0
_TRAIT_TEXTS = {
    Trait.UPRIGHT: "It is higher than wide.",
    Trait.WIDE: "It is wider than high.",
    Trait.SQUARE: "It is square.",
    Trait.PANORAMA: "It has the shape of a panorama.",
    Trait.MOVING: "It has a moving part.",
    Trait.LOCATED: "Its metadata say where it was taken.",
    Trait.FAVOURITE: "It is one of your favourites.",
    Trait.HIDDEN: "You hid it.",
}
_IMAGE_EXTENSION = re.compile(r"\.(jpe?g|png|heic|heif|avif|webp|gif|bmp|tiff?|dng|cr[23]|nef|arw|orf|rw2|raf)$", re.I)
_IN_WORDS = 0.9
_IN_PICTURE = 0.7
"""Of what stands in a picture: a page has many words, and says less of what it is than its name does."""


def match_fact(fact: Fact, text: str, sources: SearchSources) -> Matches:
    """The photos that a fact holds for; `text` is how the query named it."""
    roster = sources.basis.roster
    match fact:
        case When():
            return _match_when(fact, text, sources)
        case Where(geoname_ids=()):
            return match_words(split(text), sources)  # nobody took a position there, yet a folder may be called so
        case Where():
            return _match_rows(
                np.isin(roster.place_ids, fact.geoname_ids), "place", f"It was taken in {fact.name}.", roster
            )
        case Who():
            who = " or ".join(fact.names)
            named, called = (each.find(fact.names)[0] for each in (sources.basis.columns.people, sources.basis.called))
            others = match_alike(called, "person", f"It is of {who}, as you or your keywords say.").without(named)
            return either(match_alike(named, "person", f"Its metadata name {who}."), others)
        case Utility():
            return _match_utility(fact.kind, sources)
        case Formats():
            why = f"Its format is {', '.join(fact.names)}."
            return _match_rows(roster.formats.is_one_of(fact.names), "format", why, roster)
        case Cameras():
            return _match_rows(roster.cameras.is_one_of(fact.names), "camera", f"It was taken with {text}.", roster)
        case Lenses():
            why = f"It was taken through {' or '.join(fact.names)}."
            return _match_rows(roster.lenses.is_one_of(fact.names), "lens", why, roster)
        case HeadCount():
            return _match_head_count(fact, sources)
        case Stars():
            return _match_rows(roster.ratings >= fact.least, "rating", f"It has {fact.least} stars or more.", roster)
        case Blurred():
            return _match_blurred(sources)
        case Trait():
            return match_alike(_with_trait(fact, sources), fact.value, _TRAIT_TEXTS[fact])
    assert_never(fact)


def _match_rows(mask: NDArray[np.bool_], code: str, text: str, roster: Roster) -> Matches:
    """The same match for the photos of a roster that a mask names."""
    return match_alike(roster.keys[mask], code, text)


def _with_trait(trait: Trait, sources: SearchSources) -> Keys:
    roster = sources.basis.roster
    width, height = roster.widths_px, roster.heights_px
    match trait:
        case Trait.UPRIGHT:
            mask = height > width
        case Trait.WIDE:
            mask = width > height
        case Trait.SQUARE:
            mask = width == height
        case Trait.PANORAMA:
            mask = (width >= 2 * height) | (height >= 2.5 * width)
        case Trait.MOVING:
            mask = roster.is_moving
        case Trait.LOCATED:
            mask = roster.is_located
        case Trait.FAVOURITE:
            return sources.basis.of(Decision.FAVOURITE)
        case Trait.HIDDEN:
            return sources.basis.of(Decision.HIDE)
    return roster.keys[mask]


# --- dates ---------------------------------------------------------------------------------------


def _match_when(when: When, text: str, sources: SearchSources) -> Matches:
    dated = _match_dates(when.spans, text, sources)
    if when.feast is None:
        return dated
    return either(dated.scaled(_TAKEN_AT_FEAST), _match_feast_tag(when, sources))


def _match_dates(spans: Sequence[Span], text: str, sources: SearchSources) -> Matches:
    roster = sources.basis.roster
    taken_then = _within(spans, roster)
    keys, codes = roster.keys[taken_then], roster.date_sources.codes[taken_then]
    guesses = [_GUESSES.get(DateSource(value)) for value in roster.date_sources.values]
    trust = np.array([1.0 if guess is None else guess[0] for guess in guesses], np.float32)
    certain = Reason("date", 1.0, f"It was taken then: {text}.")

    def why(key: int, _: float) -> tuple[Reason, ...]:
        guess = guesses[codes[np.searchsorted(keys, key)]]
        return (certain,) if guess is None else (Reason("date_guessed", *guess),)

    return Matches(keys, trust[codes], why)


def _within(spans: Sequence[Span], roster: Roster) -> NDArray[np.bool_]:
    """Photos whose date, by their own clock, lies in one of the spans (both ends included)."""
    found = np.zeros(len(roster.keys), np.bool_)
    for first, last in spans:
        start, end = (first - _EPOCH).days * _DAY_S, ((last - _EPOCH).days + 1) * _DAY_S
        found |= (roster.taken_local >= start) & (roster.taken_local < end)
    return found


def _match_feast_tag(when: When, sources: SearchSources) -> Matches:
    tags = [match.tag for match in sources.taxonomy.find(when.feast or "")]
    if not tags:
        return NOTHING
    label = tags[0].label
    keys, chances = sources.tagged([tag.id for tag in tags])
    tagged = Matches(keys, chances, lambda _, p: (Reason("tag", p, f"It shows {label} ({p:.0%})."),))
    if len(when.spans) != 1:
        return tagged
    (first, last) = when.spans[0]
    season = (max(first, date.min + _FEAST_SEASON) - _FEAST_SEASON, last + _FEAST_SEASON)
    roster = sources.basis.roster
    return tagged.within(roster.keys[_within([season], roster)])


# --- people --------------------------------------------------------------------------------------


def _match_head_count(wanted: HeadCount, sources: SearchSources) -> Matches:
    """As many people as were found in a photo or are named in it, whichever are more."""
    columns = sources.basis.columns
    named, times = np.unique(columns.people.keys, return_counts=True)
    keys = merged(columns.heads.keys, named)
    counts = np.zeros(len(keys), np.int64)
    counts[rows_of(columns.heads.keys, keys)] = columns.heads.chances.astype(np.int64)
    rows = rows_of(named, keys)
    counts[rows] = np.maximum(counts[rows], times)
    fits = (counts >= wanted.least) & (counts <= wanted.most)
    keys, counts = keys[fits], counts[fits]

    def why(key: int, _: float) -> tuple[Reason, ...]:
        return (Reason("people", 1.0, f"People found in it or named: {counts[np.searchsorted(keys, key)]}."),)

    return Matches(keys, np.ones(len(keys), np.float32), why)


# --- files and pictures --------------------------------------------------------------------------


def _match_utility(kind: str, sources: SearchSources) -> Matches:
    verdicts = sources.basis.columns.verdicts
    rows = np.flatnonzero(verdicts.kinds.is_one_of([kind]))
    keys = verdicts.keys[rows]

    def why(key: int, p: float) -> tuple[Reason, ...]:
        more = verdicts.whys.values[verdicts.whys.codes[rows[np.searchsorted(keys, key)]]]
        return (Reason(f"utility_{kind}", p, f"It is {describe_kind(kind)} ({p:.0%}). {more}".strip()),)

    return Matches(keys, verdicts.chances[rows], why).without(sources.basis.of(Decision.NOT_UTILITY))


def _match_blurred(sources: SearchSources) -> Matches:
    verdicts = sources.basis.columns.verdicts
    rows = np.flatnonzero(verdicts.softness)
    found = Matches(
        verdicts.keys[rows], verdicts.softness[rows], lambda _, p: (Reason("blurred", p, "It is blurred."),)
    )
    return found.without(sources.basis.of(Decision.FAVOURITE))


# --- words ---------------------------------------------------------------------------------------


def match_exact(text: str, sources: SearchSources) -> Matches:
    """The photos in whose file name, title, caption, keywords, people or place the words stand in this order."""
    return _match_words(_quoted(text), text, sources)


def match_words(words: Sequence[str], sources: SearchSources) -> Matches:
    """The photos in whose own words all of these stand, in singular or plural."""
    clauses = ["(" + " OR ".join(map(_quoted, _numbers(_IMAGE_EXTENSION.sub("", word)))) + ")" for word in words]
    return _match_words(" AND ".join(clauses), " ".join(words), sources)


def _match_words(query: str, text: str, sources: SearchSources) -> Matches:
    if not any(c.isalnum() for c in text):
        return NOTHING
    photos, texts = sources.unit.photos, sources.unit.texts

    def why_around(key: int, _: float) -> tuple[Reason, ...]:
        return (Reason("words", _IN_WORDS, f"Its own words have “{text}”: {photos.quote_words(query, key)}"),)

    def why_inside(key: int, _: float) -> tuple[Reason, ...]:
        quote = " ".join(texts.quote(query, key).split())
        return (Reason("words_in_picture", _IN_PICTURE, f"“{text}” stands in the picture: {quote}"),)

    around = Matches.of(photos.search_words(query), _IN_WORDS, why_around)
    return either(around, Matches.of(texts.search(query), _IN_PICTURE, why_inside))


def _quoted(text: str) -> str:
    """The text as one FTS5 string, in which nothing is an operator."""
    return '"' + text.replace('"', '""') + '"'


def _numbers(word: str) -> tuple[str, ...]:
    if not word.isalpha():
        return (word,)
    return (word, word[:-1]) if word.endswith("s") and len(word) > 3 else (word, word + "s")
