"""What memories are called: phrases over what the graph knows, dates by Babel.

A phrase says only what follows from the photos' own dates and places. Every language has one catalogue of
phrases; English is complete, and a language that lacks a phrase falls back to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time

from babel import Locale
from babel.dates import format_date, format_interval
from babel.lists import format_list

from photos_engine.types import Tag

_ENGLISH: Mapping[str, str] = {
    "years_ago_today": "{n} years ago today",
    "year_ago_today": "1 year ago today",
    "years_ago_around": "{n} years ago, around this day",
    "year_ago_around": "A year ago, around this day",
    "on_this_day": "On this day",
    "weekend_in": "A weekend in {place}",
    "week_in": "A week in {place}",
    "day_in": "A day in {place}",
    "stay_in": "{place}",
    "away": "Away from home",
    "day_out": "A day out",
    "feast": "{feast} {year}",
    "feast_over_years": "{feast} over the years",
    "place_over_years": "{place} over the years",
    "pet": "Life with {plural}",
    "named_pet": "Life with {name}",
    "one_of_the_pets": "One of the {plural}",
    "season": "{season} {year}",
    "year_in_review": "{year} in review",
    "recent_highlights": "Recent highlights",
    "winter": "Winter",
    "spring": "Spring",
    "summer": "Summer",
    "autumn": "Autumn",
}

# Names of themes that sound better than the tag's own label; all of them say no more than the label does.
_ENGLISH_THEMES: Mapping[str, str] = {
    "autumn_leaves": "Autumn leaves",
    "baby": "Little ones",
    "beach": "At the beach",
    "cake": "Cakes",
    "camping": "Out camping",
    "city": "In the city",
    "cricket": "Cricket",
    "coast": "Along the coast",
    "concert": "Live on stage",
    "bicycle": "On two wheels",
    "cycling": "On two wheels",
    "dancing": "Dancing",
    "dinner_table": "Around the table",
    "fireworks": "Fireworks",
    "flower": "Flowers",
    "food": "Good food",
    "forest": "In the forest",
    "garden": "In the garden",
    "hiking": "On the trail",
    "lake": "By the lake",
    "landscape": "Landscapes",
    "mountain": "In the mountains",
    "park": "In the park",
    "playground": "At the playground",
    "restaurant": "Eating out",
    "river": "By the river",
    "sea": "By the sea",
    "skiing": "On skis",
    "snow": "In the snow",
    "soccer": "On the pitch",
    "sport": "Sports",
    "starry_sky": "Under the stars",
    "street": "Out on the street",
    "sunrise": "When the sun is low",
    "sunset": "When the sun is low",
    "swimming_pool": "At the pool",
    "team_sport": "Team sports",
    "water_sport": "Water sports",
    "waterfall": "Waterfalls",
    "winter_sport": "Winter sports",
    "zoo": "At the zoo",
}

# Categories of the taxonomy whose labels name things that can be counted.
_COUNTABLE = frozenset({"animal", "building", "vehicle", "person"})
_PLURALS: Mapping[str, str] = {
    "aircraft": "aircraft",
    "child": "children",
    "deer": "deer",
    "elderly person": "elderly people",
    "fish": "fish",
    "friends": "friends",
    "graffiti": "graffiti",
    "group of people": "groups of people",
    "jellyfish": "jellyfish",
    "man": "men",
    "person": "people",
    "police": "police",
    "pregnant woman": "pregnant women",
    "sheep": "sheep",
    "spacecraft": "spacecraft",
    "starfish": "starfish",
    "tropical fish": "tropical fish",
    "wolf": "wolves",
    "woman": "women",
}

_CATALOGUES: Mapping[str, Mapping[str, str]] = {"en": _ENGLISH}
_THEMES: Mapping[str, Mapping[str, str]] = {"en": _ENGLISH_THEMES}


class Phrases:
    """Titles and dates in one language, given as Babel names it ("en", "en_GB")."""

    def __init__(self, locale: str = "en") -> None:
        self._locale = Locale.parse(locale)
        self._phrases = {**_ENGLISH, **_CATALOGUES.get(self._locale.language, {})}
        self._themes = _THEMES.get(self._locale.language, {})

    def say(self, key: str, **values: object) -> str:
        """A phrase with its gaps filled."""
        return self._phrases[key].format(**values)

    def theme(self, tag: Tag) -> str:
        """The title of a theme."""
        label = self.many(tag.label) if tag.category in _COUNTABLE else tag.label
        return self._themes.get(tag.id, label[:1].upper() + label[1:])

    def concept(self, concept: str, english: str) -> str:
        """The title of a concept, whose English one lies beside its prompts."""
        return self._phrases.get(f"concept_{concept}", english)

    def many(self, label: str) -> str:
        """The plural of an English word."""
        if label in _PLURALS:
            return _PLURALS[label]
        if label.endswith("y") and label[-2:-1] not in "aeiou":
            return f"{label[:-1]}ies"
        return f"{label}es" if label.endswith(("s", "x", "z", "ch", "sh")) else f"{label}s"

    def day(self, day: date) -> str:
        """One day in full."""
        return format_date(day, "long", locale=self._locale)

    def days(self, first: date, last: date) -> str:
        """A span of days, as short as it can be said."""
        if first == last:
            return self.day(first)
        # Babel formats the dates of two moments; noon keeps them apart from any midnight.
        noon = time(12)
        start, end = datetime.combine(first, noon), datetime.combine(last, noon)
        return format_interval(start, end, "yMMMd", locale=self._locale)

    def years(self, years: Sequence[int]) -> str:
        """Years that were counted one by one: "2019, 2021, and 2022", or a span where there are many."""
        distinct = sorted(set(years))
        if len(distinct) > 3:
            return f"{distinct[0]}\u2013{distinct[-1]}"
        return format_list([str(year) for year in distinct], locale=self._locale)

    def join(self, *parts: str | None) -> str:
        """Facts of a subtitle side by side; missing ones are left out."""
        return " · ".join(part for part in parts if part)

    def stay(self, first: date, last: date, place: str, *, is_one_place: bool) -> str:
        """The title of a trip: a weekend, a week, or the place alone."""
        days = (last - first).days + 1
        is_weekend = days in (2, 3) and last.weekday() in (6, 0) and first.weekday() in (4, 5)
        if is_one_place and is_weekend:
            return self.say("weekend_in", place=place)
        if is_one_place and 6 <= days <= 8:
            return self.say("week_in", place=place)
        return self.say("stay_in", place=place)

    def season(self, season: str, began: date) -> str:
        """A season with its year, or with both years that it lies in."""
        year = f"{began.year}\u2013{(began.year + 1) % 100:02d}" if began.month == 12 else str(began.year)
        return self.say("season", season=self._phrases[season], year=year)
