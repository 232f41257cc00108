"""What the library knows without looking at pixels: dates, places, people, files, decisions, words."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from photos_engine.curation import assess_quality, assess_utility, describe_kind
from photos_engine.experiences.search.dates import Span, When
from photos_engine.experiences.search.matches import NOTHING, Matches, either, match_alike
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
from photos_engine.store.lookups import DATE_SOURCES, Roster, Trait
from photos_engine.types import AnalysedPhoto, DateSource, Reason

_GUESSES = {
    DateSource.FILE_NAME: (0.6, "Its file name says that it is from then; no camera recorded a date."),
    DateSource.FOLDER: (0.5, "Its folder says that it is from then; no camera recorded a date."),
    DateSource.FILE_TIME: (0.25, "Its file is from then; no camera recorded a date."),
}
_TRUST_IN_DATES = np.array([_GUESSES.get(source, (1.0, ""))[0] for source in DATE_SOURCES], np.float32)
_TAKEN_AT_FEAST = 0.6
"""Of the photos of a feast's days, about how many show it; a tag that shows it adds to that."""
_FEAST_SEASON = timedelta(30)
"""How far from its days a feast's trees, costumes and eggs are seen."""
_UTILITY_FLOOR = 0.002
"""What the utility head gives at random: facts about the file can't raise less to a verdict."""
_BLUR_CEILING = 0.2
_PERSON = "person"
"""What the detector calls a person."""
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
_KEYS_AT_ONCE = 5_000  # below SQLite's limit on the variables of one statement
_IN_WORDS = 0.9


def match_fact(fact: Fact, text: str, sources: SearchSources) -> Matches:
    """The photos that a fact holds for; `text` is how the query named it."""
    lookups = sources.unit.lookups
    match fact:
        case When():
            return _match_when(fact, text, sources)
        case Where():
            roster = sources.basis.roster
            there = roster.keys[np.isin(roster.place_ids, fact.geoname_ids)]
            return match_alike(there, "place", f"It was taken in {fact.name}.")
        case Who():
            names = " or ".join(fact.names)
            return match_alike(lookups.of_people(fact.names), "person", f"Its metadata name {names}.")
        case Utility():
            return _keep(f"utility {fact.kind}", lambda: _match_utility(fact.kind, sources), sources)
        case Formats():
            return match_alike(lookups.of_formats(fact.names), "format", f"Its format is {', '.join(fact.names)}.")
        case Cameras():
            return match_alike(lookups.by_cameras(fact.names), "camera", f"It was taken with {text}.")
        case Lenses():
            return match_alike(
                lookups.by_lenses(fact.names), "lens", f"It was taken through {' or '.join(fact.names)}."
            )
        case HeadCount():
            return _match_head_count(fact, sources)
        case Stars():
            return match_alike(lookups.rated_from(fact.least), "rating", f"It has {fact.least} stars or more.")
        case Blurred():
            return _keep("blurred", lambda: _match_blurred(sources), sources)
        case Trait():
            return match_alike(lookups.with_trait(fact), fact.value, _TRAIT_TEXTS[fact])
    assert_never(fact)


def _keep(name: str, make: Callable[[], Matches], sources: SearchSources) -> Matches:
    """What takes a look at many photos, one by one: done once for each state of the library."""
    if name not in sources.basis.kept:
        sources.basis.kept[name] = make()
    return sources.basis.kept[name]


# --- dates ---------------------------------------------------------------------------------------


def _match_when(when: When, text: str, sources: SearchSources) -> Matches:
    dated = _match_dates(when.spans, text, sources)
    if when.feast is None:
        return dated
    return either(dated.scaled(_TAKEN_AT_FEAST), _match_feast_tag(when, sources))


def _match_dates(spans: Sequence[Span], text: str, sources: SearchSources) -> Matches:
    roster = sources.basis.roster
    taken_then = _within(spans, roster)
    keys, codes = roster.keys[taken_then], roster.date_sources[taken_then]
    certain = Reason("date", 1.0, f"It was taken then: {text}.")

    def why(key: int, _: float) -> tuple[Reason, ...]:
        guess = _GUESSES.get(DATE_SOURCES[codes[np.searchsorted(keys, key)]])
        return (certain,) if guess is None else (Reason("date_guessed", *guess),)

    return Matches(keys, _TRUST_IN_DATES[codes], why)


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
    counts = sources.unit.lookups.head_counts(sources.model, _PERSON)
    fitting = {key: count for key, count in counts.items() if wanted.least <= count <= wanted.most}
    return Matches.of(
        fitting, 1.0, lambda key, _: (Reason("people", 1.0, f"People found in it or named: {fitting[key]}."),)
    )


# --- files and pictures --------------------------------------------------------------------------


def _analysed(keys: Sequence[int], sources: SearchSources) -> dict[int, AnalysedPhoto]:
    found: dict[int, AnalysedPhoto] = {}
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        chunk = keys[start : start + _KEYS_AT_ONCE]
        photos = sources.unit.photos.by_keys(chunk)
        signals = sources.unit.analyses.signals(sources.model, chunk)
        for key in photos.keys() & signals.keys():
            found[key] = signals[key].of(photos[key])
    return found


def _match_utility(kind: str, sources: SearchSources) -> Matches:
    lookups = sources.unit.lookups
    candidates = lookups.seen_as_utility(sources.model, kind, _UTILITY_FLOOR)
    if kind == "screenshot":
        # Names, folders and sizes tell a screenshot even where the head saw only the photo in it.
        candidates |= lookups.without_camera()
    verdicts = {key: assess_utility(item) for key, item in _analysed(sorted(candidates), sources).items()}
    found = {key: verdict for key, verdict in verdicts.items() if verdict.kind == kind}

    def why(key: int, p: float) -> tuple[Reason, ...]:
        more = next((reason.text for reason in found[key].reasons if reason.weight > 0), "")
        return (Reason(f"utility_{kind}", p, f"It is {describe_kind(kind)} ({p:.0%}). {more}".strip()),)

    return Matches.of(found, (verdict.probability for verdict in found.values()), why)


def _match_blurred(sources: SearchSources) -> Matches:
    blurred = sources.unit.lookups.less_sharp_than(sources.model, _BLUR_CEILING)
    softness = {
        key: 1.0 - item.quality.sharpness
        for key, item in _analysed(sorted(blurred), sources).items()
        if any(reason.code == "blurred" for reason in assess_quality(item).reasons)
    }
    return Matches.of(softness, softness.values(), lambda _, p: (Reason("blurred", p, "It is blurred."),))


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
    photos = sources.unit.photos

    def why(key: int, _: float) -> tuple[Reason, ...]:
        return (Reason("words", _IN_WORDS, f"Its own words have “{text}”: {photos.quote_words(query, key)}"),)

    return Matches.of(photos.search_words(query), _IN_WORDS, why)


def _quoted(text: str) -> str:
    """The text as one FTS5 string, in which nothing is an operator."""
    return '"' + text.replace('"', '""') + '"'


def _numbers(word: str) -> tuple[str, ...]:
    if not word.isalpha():
        return (word,)
    return (word, word[:-1]) if word.endswith("s") and len(word) > 3 else (word, word + "s")
