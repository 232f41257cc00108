"""What the library knows without looking at pixels: dates, places, people, files, decisions, words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import assert_never

from photos_engine.curation import assess_quality, assess_utility, describe_kind
from photos_engine.experiences.search.dates import Span, When
from photos_engine.experiences.search.matches import NOTHING, Match, Matches, either, match_alike
from photos_engine.experiences.search.query import Blurred, Cameras, Formats, Stars, Utility, Where, Who
from photos_engine.experiences.search.sources import SearchSources
from photos_engine.store.lookups import Trait
from photos_engine.types import AnalysedPhoto, DateSource, Reason

Fact = When | Where | Who | Utility | Formats | Cameras | Stars | Blurred | Trait

_GUESSES = {
    DateSource.FILE_NAME: (0.6, "Its file name says that it is from then; no camera recorded a date."),
    DateSource.FOLDER: (0.5, "Its folder says that it is from then; no camera recorded a date."),
    DateSource.FILE_TIME: (0.25, "Its file is from then; no camera recorded a date."),
}
_TAKEN_AT_FEAST = 0.6
"""Of the photos of a feast's days, about how many show it; a tag that shows it adds to that."""
_FEAST_SEASON = timedelta(30)
"""How far from its days a feast's trees, costumes and eggs are seen."""
_UTILITY_FLOOR = 0.002
"""What the utility head gives at random: facts about the file can't raise less to a verdict."""
_BLUR_CEILING = 0.2
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
_MOST_WORD_HITS = 10_000
_IN_WORDS = 0.9


def match_fact(fact: Fact, text: str, sources: SearchSources) -> Matches:
    """The photos that a fact holds for; `text` is how the query named it."""
    lookups = sources.unit.lookups
    match fact:
        case When():
            return _match_when(fact, text, sources)
        case Where():
            return match_alike(lookups.at_places(fact.geoname_ids), "place", f"It was taken in {fact.name}.")
        case Who():
            names = " or ".join(fact.names)
            return match_alike(lookups.of_people(fact.names), "person", f"Its metadata name {names}.")
        case Utility():
            return _match_utility(fact.kind, sources)
        case Formats():
            return match_alike(lookups.of_formats(fact.names), "format", f"Its format is {', '.join(fact.names)}.")
        case Cameras():
            return match_alike(lookups.by_cameras(fact.names), "camera", f"It was taken with {text}.")
        case Stars():
            return match_alike(lookups.rated_from(fact.least), "rating", f"It has {fact.least} stars or more.")
        case Blurred():
            return _match_blurred(sources)
        case Trait():
            return match_alike(lookups.with_trait(fact), fact.value, _TRAIT_TEXTS[fact])
    assert_never(fact)


# --- dates ---------------------------------------------------------------------------------------


def _match_when(when: When, text: str, sources: SearchSources) -> Matches:
    dated = _match_dates(when.spans, text, sources)
    if when.feast is None:
        return dated
    at_feast = {key: Match(m.strength * _TAKEN_AT_FEAST, m.reasons) for key, m in dated.items()}
    return either(at_feast, _match_feast_tag(when, sources))


def _match_dates(spans: Sequence[Span], text: str, sources: SearchSources) -> Matches:
    certain = Match(1.0, (Reason("date", 1.0, f"It was taken then: {text}."),))
    guessed = {
        source: Match(strength, (Reason("date_guessed", strength, why),))
        for source, (strength, why) in _GUESSES.items()
    }
    found = sources.unit.lookups.taken_within(spans)
    return {key: guessed.get(source, certain) for key, source in found.items()}


def _match_feast_tag(when: When, sources: SearchSources) -> Matches:
    tags = [match.tag for match in sources.taxonomy.find(when.feast or "")]
    if not tags:
        return NOTHING
    tagged = sources.unit.analyses.tagged(sources.model, [tag.id for tag in tags])
    if len(when.spans) == 1:
        (first, last) = when.spans[0]
        season = (max(first, date.min + _FEAST_SEASON) - _FEAST_SEASON, last + _FEAST_SEASON)
        near = sources.unit.lookups.taken_within([season])
        tagged = {key: p for key, p in tagged.items() if key in near}
    label = tags[0].label
    return {key: Match(p, (Reason("tag", p, f"It shows {label} ({p:.0%})."),)) for key, p in tagged.items()}


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
    found: dict[int, Match] = {}
    for key, item in _analysed(sorted(candidates), sources).items():
        verdict = assess_utility(item)
        if verdict.kind == kind:
            why = next((reason.text for reason in verdict.reasons if reason.weight > 0), "")
            text = f"It is {describe_kind(kind)} ({verdict.probability:.0%}). {why}".strip()
            found[key] = Match(verdict.probability, (Reason(f"utility_{kind}", verdict.probability, text),))
    return found


def _match_blurred(sources: SearchSources) -> Matches:
    blurred = sources.unit.lookups.less_sharp_than(sources.model, _BLUR_CEILING)
    return {
        key: Match(1.0 - item.quality.sharpness, (Reason("blurred", 1.0 - item.quality.sharpness, "It is blurred."),))
        for key, item in _analysed(sorted(blurred), sources).items()
        if any(reason.code == "blurred" for reason in assess_quality(item).reasons)
    }


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
    found = sources.unit.photos.search_words(query, _MOST_WORD_HITS)
    return {
        key: Match(_IN_WORDS, (Reason("words", _IN_WORDS, f"Its own words have “{text}”: {snippet}"),))
        for key, _, snippet in found
    }


def _quoted(text: str) -> str:
    """The text as one FTS5 string, in which nothing is an operator."""
    return '"' + text.replace('"', '""') + '"'


def _numbers(word: str) -> tuple[str, ...]:
    if not word.isalpha():
        return (word,)
    return (word, word[:-1]) if word.endswith("s") and len(word) > 3 else (word, word + "s")
