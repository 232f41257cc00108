"""Sixty composed queries with known answers: themes, places, dates and kinds of a scripted life.

What a photo shows is known by its theme, and by its captions where its source has some: two of five that name a
thing say that it is there, one leaves it open. Of a photo that has neither ("daily"), nothing is known of what it
shows; what is open doesn't count.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from scripted import Truth

from photos_engine import PhotosEngine
from photos_engine.analyzers.taxonomy import Taxonomy

QUERIES = 60
AT = 10
Facts = Mapping[str, Any]
Holds = Callable[[Facts], bool | None]
"""Whether a photo is right by its facts; None where they don't tell."""

# Word to ask with -> themes that show it.
THEMES: Mapping[str, frozenset[str]] = {
    "dog": frozenset({"pet"}),
    "mountain": frozenset({"mountain", "glacier"}),
    "beach": frozenset({"beach", "sea"}),
    "forest": frozenset({"forest"}),
    "sunset": frozenset({"sunset"}),
    "soccer": frozenset({"soccer"}),
    "bike": frozenset({"bike"}),
    "snow": frozenset({"snow", "glacier"}),
    "city": frozenset({"city"}),
    "lake": frozenset({"lake"}),
    "swimming pool": frozenset({"pool"}),
    "basketball": frozenset({"basketball"}),
}
UNKNOWN = frozenset({"daily", "park", "table", "baby", "christmas", "halloween"})
"""Themes whose pictures show much besides: without a caption they say nothing of other things."""
KINDS = {"receipts": "receipt", "screenshots": "screenshot", "memes": "meme", "barcodes": "barcode"}
SEASONS = {"spring": (3, 5), "summer": (6, 8), "autumn": (9, 11)}


@dataclass(frozen=True, slots=True)
class Question:
    """A query, and which photos answer it."""

    text: str
    holds: Holds


def ask_composed(engine: PhotosEngine, truth: Truth, captions: Mapping[str, Sequence[str]], *, verbose: bool) -> None:
    """Ask all of them, and print how many of the first ten are right."""
    scores, answered = [], 0
    for question in choose(truth, captions):
        answer = engine.search(question.text, limit=AT)
        verdicts = [question.holds(truth.of(hit.photo)) for hit in answer.results]
        known = [verdict for verdict in verdicts if verdict is not None]
        there = sum(question.holds(facts) is True for facts in truth.facts.values())
        # Too few is as wrong as too many: ten are wanted, or all that there are.
        wanted = max(min(AT - (len(verdicts) - len(known)), there), len(known), 1)
        scores.append(sum(known) / wanted)
        answered += bool(answer.results)
        if verbose:
            print(f"  {question.text:36} {answer.stage:10} right {sum(known):2} of {wanted:2}, there {there}")
    right = sum(score >= 0.9 for score in scores)
    print(
        f"composed queries: {len(scores)}, right at {AT} {statistics.mean(scores):.1%}, "
        f"nine of ten right {right}, without an answer {len(scores) - answered}"
    )


def choose(truth: Truth, captions: Mapping[str, Sequence[str]]) -> list[Question]:
    """Every other sort of question in turn, of those that at least three photos answer."""
    sorts = (_trips(truth), _feasts(truth), _kinds(truth), _themes(truth, captions), _themes_abroad(truth, captions))
    askable = [
        [q for q in sort if sum(q.holds(facts) is True for facts in truth.facts.values()) >= 3] for sort in sorts
    ]
    turns = max(map(len, askable))
    return [sort[turn] for turn in range(turns) for sort in askable if turn < len(sort)][:QUERIES]


def _day(facts: Facts) -> date:
    return datetime.fromisoformat(facts["taken"]).date()


def _trips(truth: Truth) -> Iterator[Question]:
    for trip in truth.trips:
        first, last = date.fromisoformat(trip["start"]), date.fromisoformat(trip["end"])

        def on_trip(facts: Facts, trip: Mapping[str, Any] = trip) -> bool:
            return bool(facts.get("event") == trip["id"])

        def in_country(facts: Facts, country: str = trip["country"]) -> bool:
            trips = {other["id"]: other["country"] for other in truth.trips}
            return trips.get(facts.get("event", "")) == country

        yield Question(f"{trip['place']} {first.year}", on_trip)
        yield Question(f"photos from {trip['country']}", in_country)
        days = f"{first.day} {first:%B} to {last.day} {last:%B %Y}"
        if first.month == last.month:
            yield Question(f"between {first} and {last}", lambda f, a=first, b=last: a <= _day(f) <= b)
        else:
            yield Question(days, lambda f, a=first, b=last: a <= _day(f) <= b)


def _feasts(truth: Truth) -> Iterator[Question]:
    for feast in truth.celebrations:
        day = date.fromisoformat(feast["date"])

        def at_feast(facts: Facts, day: date = day, kind: str = feast["kind"]) -> bool:
            return abs(_day(facts) - day) <= timedelta(1) or (facts["theme"] == kind and _day(facts).year == day.year)

        yield Question(f"{feast['kind']} {day.year}", at_feast)


def _kinds(truth: Truth) -> Iterator[Question]:
    for plural, kind in KINDS.items():
        for year in _years(truth):
            yield Question(f"{plural} from {year}", lambda f, k=kind, y=year: f["kind"] == k and _day(f).year == y)


def _themes(truth: Truth, captions: Mapping[str, Sequence[str]]) -> Iterator[Question]:
    for year, (season, (first, last)) in zip(_years(truth), list(SEASONS.items()) * 2, strict=False):
        for word in THEMES:
            shows = _shows(word, captions)
            yield Question(f"{word} {year}", _both(shows, lambda f, y=year: _day(f).year == y))
            yield Question(f"{word} in {season}", _both(shows, lambda f, a=first, b=last: a <= _day(f).month <= b))


def _themes_abroad(truth: Truth, captions: Mapping[str, Sequence[str]]) -> Iterator[Question]:
    trips = {trip["id"]: trip["country"] for trip in truth.trips}
    for country in dict.fromkeys(trips.values()):
        for word in THEMES:
            shows = _shows(word, captions)
            yield Question(f"{word} in {country}", _both(shows, lambda f, c=country: trips.get(f.get("event")) == c))
            yield Question(
                f"{word} not in {country}", _both(shows, lambda f, c=country: trips.get(f.get("event")) != c)
            )


def _years(truth: Truth) -> list[int]:
    return sorted({_day(facts).year for facts in truth.facts.values()})


def _both(shows: Holds, fact: Callable[[Facts], bool]) -> Holds:
    return lambda facts: shows(facts) if fact(facts) else False


def _shows(word: str, captions: Mapping[str, Sequence[str]]) -> Holds:
    taxonomy = Taxonomy.load()
    wanted = {match.tag.id for match in taxonomy.find(word)}

    def shows(facts: Facts) -> bool | None:
        if facts["theme"] in THEMES[word]:
            return True
        texts = captions.get(Path(facts["source"]).stem)
        if texts is not None:
            named = sum(bool(wanted & taxonomy.in_caption(text)) for text in texts)
            return None if named == 1 else named > 1
        return None if facts["theme"] in UNKNOWN or facts["kind"] != "photo" else False

    return shows
