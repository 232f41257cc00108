"""Dates as people say them: years, months, seasons, feasts, ranges, "three years ago"."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache

from photos_engine.graph.calendar import find_feasts

Span = tuple[date, date]
"""First and last day, both included."""

_MONTHS = {name.lower(): n for n, name in enumerate(calendar.month_name) if name}
_MONTHS |= {name.lower(): n for n, name in enumerate(calendar.month_abbr) if name} | {"sept": 9}
_WEEKDAYS = {name.lower(): n for n, name in enumerate(calendar.day_name)}
_SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_VAGUE: Mapping[str, tuple[int, int]] = {"couple": (2, 2), "few": (2, 5), "several": (3, 7)}
"""Words for how many -> the least and the most that people mean."""
_THIRDS = {
    "early": 0, "beginning": 0, "start": 0, "mid": 1, "middle": 1, "late": 2, "end": 2,
}  # fmt: skip
_TODAY = ("morning", "afternoon", "evening")
_DECADES = {"forties": 40, "fifties": 50, "sixties": 60, "seventies": 70, "eighties": 80, "nineties": 90}
"""Of the last century. Twenties and thirties are ages more often."""
_UNITS = {"day": "day", "week": "week", "month": "month", "year": "year"}
_LAST = ("last", "previous", "past")
# Words that are more often something else: they need a number or a word of time beside them.
_SHY = frozenset({"may", "march", "mar", "dec", "jan", "fall", "spring"})
_FEAST_NAMES = {"xmas": "christmas", "new years": "new year", "new year's": "new year", "all hallows eve": "halloween"}
_FEAST_COUNTRIES = ("GB", "US")
"""Where the names of feasts come from that the library's own country doesn't keep (Easter, Thanksgiving)."""
WORDS = frozenset(
    {*_MONTHS, *_WEEKDAYS, *_SEASONS, *_NUMBERS, *_LAST, *_VAGUE, *_THIRDS, *_TODAY, *_DECADES}
    | {"before", "after", "couple", "today", "yesterday", "weekend"}
)
"""Single words of dates, for whoever corrects spelling; feasts are in the taxonomy too."""
_OLDEST, _NEWEST = 1826, 2100
"""The year of the oldest photograph that survives, and one past any camera's clock."""


@dataclass(frozen=True, slots=True)
class When:
    """A time that a query names. `feast` is the word for what was celebrated then, where that is what it is."""

    spans: tuple[Span, ...]
    feast: str | None = None


@dataclass(frozen=True, slots=True)
class Almanac:
    """What dates depend on: the day of asking, the years that the library has, where its people live."""

    today: date
    first_year: int
    last_year: int
    country_code: str | None = None
    is_southern: bool = False

    @property
    def years(self) -> range:
        """The years that a time without a year may mean."""
        first, last = (min(max(year, _OLDEST), _NEWEST) for year in (self.first_year, self.last_year))
        return range(first, max(first, last) + 1)


def read_when(words: Sequence[str], almanac: Almanac) -> tuple[int, When] | None:
    """Read a time at the start of `words` (lower case): how many words it takes, and when it was."""
    for reader in (_read_range, _read_bound, _read_third, _read_relative, _read_feast, _read_plain):
        if (found := reader(words, almanac)) is not None:
            return found
    return None


# --- composed ------------------------------------------------------------------------------------


def _read_range(words: Sequence[str], almanac: Almanac) -> tuple[int, When] | None:
    if match := re.fullmatch(r"(\d{4})[-–—/](\d{4}|\d\d)", words[0]):
        first, last = int(match[1]), int(match[2])
        if len(match[2]) == 2:
            if 1 <= last <= 12 and last != (first + 1) % 100:
                return None  # 2021-07 is a month, 2021/22 a winter
            last += first // 100 * 100
        if _is_year(first) and first <= last and _is_year(last):
            return 1, When(((date(first, 1, 1), date(last, 12, 31)),))
    lead = 1 if words[0] in ("from", "between") else 0
    start = _read_point(words[lead:], almanac)
    if start is None:
        return None
    used, since = start
    joint = lead + used
    if len(words) <= joint + 1 or words[joint] not in ("to", "until", "till", "through", "and", "-", "–"):
        return None
    if words[joint] == "and" and words[0] != "between":
        return None
    if (end := _read_point(words[joint + 1 :], almanac)) is None:
        return None
    until = end[1]
    if min(len(since.spans), len(until.spans)) == 1:  # whose year is the other's, whether the library has it or not
        years = [day.year for span in min(since.spans, until.spans, key=len) for day in span]
        wide = replace(almanac, first_year=min(years) - 1, last_year=max(years) + 1)
        since, until = (found[1] for part in (lead, joint + 1) if (found := _read_point(words[part:], wide)))
    spans = _join(since.spans, until.spans)
    return (joint + 1 + end[0], When(spans)) if spans else None


def _join(since: Sequence[Span], until: Sequence[Span]) -> tuple[Span, ...]:
    """From one time to another. Either may be without a year: it is the other's then, or both are every year's."""
    spans = []
    for _, last in until:
        starts = [first for first, _ in since if first <= last]
        if starts and (min(len(since), len(until)) == 1 or last - starts[-1] < timedelta(366)):
            spans.append((starts[-1], last))
    return tuple(spans[: len(until) if len(since) > 1 else 1])


def _read_bound(words: Sequence[str], almanac: Almanac) -> tuple[int, When] | None:
    if words[0] not in ("before", "until", "till", "after", "since") or len(words) < 2:
        return None
    if (found := _read_point(words[1:], almanac)) is None:
        return None
    used, when = found
    first, last = when.spans[0][0], when.spans[-1][1]
    start, end = date(_OLDEST, 1, 1), date(_NEWEST, 12, 31)
    span = {
        "before": (start, first - timedelta(1)),
        "until": (start, last),
        "till": (start, last),
        "after": (last + timedelta(1), end),
        "since": (first, end),
    }[words[0]]
    return (used + 1, When((span,))) if span[0] <= span[1] else None


def _read_point(words: Sequence[str], almanac: Almanac) -> tuple[int, When] | None:
    if not words:
        return None
    for reader in (_read_third, _read_relative, _read_feast, _read_plain):
        if (found := reader(words, almanac)) is not None:
            return found
    # Beside "before" or "to" a shy month is a month.
    return _read_month(words, almanac) or _read_season(words, almanac)


def _read_third(words: Sequence[str], almanac: Almanac) -> tuple[int, When] | None:
    """Read "early 2021", "the end of June", "mid-summer": a third of a year, a season or a month."""
    lead, dash, rest = words[0].partition("-")
    if (third := _THIRDS.get(lead)) is None:
        return None
    after = [*([rest] if dash else []), *words[1:]]
    skipped = next((n for n, word in enumerate(after) if word not in ("of", "the", "in")), len(after))
    found = _read_plain(after[skipped:], almanac) if skipped < len(after) else None
    found = found or (_read_relative(after[skipped:], almanac) if skipped < len(after) else None)
    if found is None or any(last - first < timedelta(2) for first, last in found[1].spans):
        return None
    spans = []
    for first, last in found[1].spans:
        days = (last - first).days + 1
        cuts = [first + timedelta(days * n // 3) for n in range(4)]
        spans.append((cuts[third], cuts[third + 1] - timedelta(1)))
    return len(words) - len(after) + skipped + found[0], When(tuple(spans))


# --- relative to today ---------------------------------------------------------------------------


def _read_relative(words: Sequence[str], almanac: Almanac) -> tuple[int, When] | None:
    today = almanac.today
    if words[0] in ("today", "yesterday"):
        day = today - timedelta(words[0] == "yesterday")
        return 1, When(((day, day),))
    if words[0] == "tonight" or (words[0] == "this" and len(words) > 1 and words[1] in _TODAY):
        return (1 if words[0] == "tonight" else 2), When(((today, today),))
    if tuple(words[:3]) == ("on", "this", "day") or tuple(words[:2]) == ("this", "day"):
        days = [_day(year, today.month, today.day) for year in almanac.years]
        return (3 if words[0] == "on" else 2), When(tuple((d, d) for d in days if d is not None))
    if (vague := _read_vaguely_ago(words, today)) is not None:
        return vague
    count = read_number(words[0])
    if count is not None and len(words) > 2 and words[2] == "ago" and (unit := _unit(words[1])):
        return 3, When((_unit_around(_back(today, unit, count), unit),))
    if words[0] in (*_LAST, "this") and len(words) > 1:
        return _read_last(words, almanac)
    return None


def _read_vaguely_ago(words: Sequence[str], today: date) -> tuple[int, When] | None:
    """Read "a couple of years ago", "few months ago"."""
    start = 1 if words[0] == "a" and len(words) > 1 else 0
    if (bounds := _VAGUE.get(words[start])) is None:
        return None
    used = start + 1
    used += len(words) > used and words[used] == "of"
    if len(words) < used + 2 or words[used + 1] != "ago" or (unit := _unit(words[used])) is None:
        return None
    least, most = (_unit_around(_back(today, unit, count), unit) for count in bounds)
    return used + 2, When(((most[0], least[1]),))


def _read_last(words: Sequence[str], almanac: Almanac) -> tuple[int, When] | None:
    today, is_last = almanac.today, words[0] in _LAST
    count = read_number(words[1])
    if is_last and count is not None and len(words) > 2 and (unit := _unit(words[2])):
        return 3, When(((_back(today, unit, count), today),))
    if unit := _unit(words[1]):
        return 2, When((_unit_around(_back(today, unit, int(is_last)), unit),))
    if words[1] == "weekend":
        saturday = today - timedelta((today.weekday() - 5) % 7 + (7 if is_last and today.weekday() >= 5 else 0))
        saturday += timedelta(7 if not is_last and today.weekday() < 5 else 0)
        return 2, When(((saturday, saturday + timedelta(1)),))
    if is_last and words[1] in _WEEKDAYS:
        day = today - timedelta((today.weekday() - _WEEKDAYS[words[1]] - 1) % 7 + 1)
        return 2, When(((day, day),))
    recent = Almanac(today, today.year - 2, today.year + 1, almanac.country_code, almanac.is_southern)
    found = _read_season(words[1:], recent) or _read_month(words[1:], recent) or _read_feast(words[1:], recent)
    if found is None:
        return None
    used, when = found
    # "last" is the latest that is over; "this" the one of now, or else of this year.
    over = [s for s in when.spans if s[1] < today] if is_last else [s for s in when.spans if s[1].year == today.year]
    return (used + 1, When((over[-1],), when.feast)) if over else None


def read_number(word: str) -> int | None:
    """A number of up to three digits, or a word for one up to twelve."""
    if word in ("a", "an"):
        return 1
    if word in _NUMBERS:
        return _NUMBERS.index(word)
    return int(word) if re.fullmatch(r"\d{1,3}", word, re.ASCII) else None


def _unit(word: str) -> str | None:
    return _UNITS.get(word.removesuffix("s"))


def _back(day: date, unit: str, count: int) -> date:
    if unit in ("day", "week"):
        return day - timedelta(count * (7 if unit == "week" else 1))
    months = day.year * 12 + day.month - 1 - count * (12 if unit == "year" else 1)
    year, month = max(months // 12, _OLDEST), months % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def _unit_around(day: date, unit: str) -> Span:
    if unit == "day":
        return day, day
    if unit == "week":
        monday = day - timedelta(day.weekday())
        return monday, monday + timedelta(6)
    return _month_of(day.year, day.month) if unit == "month" else (date(day.year, 1, 1), date(day.year, 12, 31))


# --- feasts --------------------------------------------------------------------------------------


def _read_feast(words: Sequence[str], almanac: Almanac) -> tuple[int, When] | None:
    names = _feasts(almanac.country_code, almanac.years.start, almanac.years.stop + 1)
    for length in range(min(4, len(words)), 0, -1):
        spoken = " ".join(words[:length])
        name = _FEAST_NAMES.get(spoken, spoken)
        if name not in names:
            continue
        used, year = length, _year_at(words, length)
        spans = names[name]
        if year is not None:
            used += year[0]
            spans = _feasts(almanac.country_code, year[1], year[1] + 1)[name]
        return (used, When(tuple(s for s in spans if year is None or s[0].year == year[1]), name)) if spans else None
    return None


@lru_cache(maxsize=32)
def _feasts(country_code: str | None, start: int, stop: int) -> dict[str, tuple[Span, ...]]:
    """Lower-case names of feasts, with and without "day", and when they were in the years [start, stop)."""
    found: dict[str, tuple[Span, ...]] = {}
    for country in dict.fromkeys((country_code, *_FEAST_COUNTRIES)):
        spans: dict[str, list[Span]] = {}
        for feast in find_feasts(country, range(start, stop)):
            name = feast.name.lower()
            # Without its "day", a feast may be a month, a sport or a city ("May Day", "Boxing Day").
            name = name.removesuffix(" day") if name == "thanksgiving day" else name
            spans.setdefault(name, []).append((feast.first, feast.last))
        for name, days in spans.items():
            found.setdefault(name, tuple(days))
    eves = {"christmas eve": (12, 24), "christmas day": (12, 25), "new year's eve": (12, 31), "new years eve": (12, 31)}
    eves |= {"new year's day": (1, 1), "valentine's day": (2, 14), "valentines day": (2, 14)}
    return found | {
        name: tuple((date(year, *day), date(year, *day)) for year in range(start, stop)) for name, day in eves.items()
    }


# --- calendar ------------------------------------------------------------------------------------


def _read_plain(words: Sequence[str], almanac: Almanac) -> tuple[int, When] | None:
    return (
        _read_numeric(words[0])
        or _read_day(words, almanac)
        or (_read_month(words, almanac) if not _is_shy(words) else None)
        or (_read_season(words, almanac) if not _is_shy(words) else None)
        or _read_preposed(words, almanac)
        or _read_quarter(words, almanac)
        or _read_year(words[0])
    )


def _read_quarter(words: Sequence[str], almanac: Almanac) -> tuple[int, When] | None:
    if not re.fullmatch(r"q[1-4]", words[0], re.ASCII):
        return None
    year, month = _year_at(words, 1), int(words[0][1]) * 3 - 2
    years: Iterable[int] = almanac.years if year is None else (year[1],)
    spans = tuple((date(y, month, 1), _month_of(y, month + 2)[1]) for y in years)
    return 1 + (year[0] if year else 0), When(spans)


def _is_shy(words: Sequence[str]) -> bool:
    return words[0] in _SHY and _year_at(words, 1) is None


def _read_preposed(words: Sequence[str], almanac: Almanac) -> tuple[int, When] | None:
    """Read "in May", "during spring", where the preposition tells that a time follows."""
    if words[0] not in ("in", "during") or len(words) < 2 or words[1] not in _SHY:
        return None
    found = _read_month(words[1:], almanac) or _read_season(words[1:], almanac)
    return None if found is None else (found[0] + 1, found[1])


def _read_year(word: str) -> tuple[int, When] | None:
    if re.fullmatch(r"\d{4}", word, re.ASCII) and _is_year(int(word)):
        return 1, When(((date(int(word), 1, 1), date(int(word), 12, 31)),))
    if decade := _DECADES.get(word):
        return 1, When(((date(1900 + decade, 1, 1), date(1909 + decade, 12, 31)),))
    if match := re.fullmatch(r"(?:(1[89]|20)?)'?(\d)0'?s", word, re.ASCII):
        century = int(match[1]) if match[1] else (19 if int(match[2]) >= 4 else 20)
        first = century * 100 + int(match[2]) * 10
        return (1, When(((date(first, 1, 1), date(first + 9, 12, 31)),))) if _is_year(first) else None
    return None


def _read_numeric(word: str) -> tuple[int, When] | None:
    if match := re.fullmatch(r"(\d{4})[-/.](\d{1,2})(?:[-/.](\d{1,2}))?", word, re.ASCII):
        year, month = int(match[1]), int(match[2])
        if not _is_year(year) or not 1 <= month <= 12:
            return None
        if match[3] is None:
            return 1, When((_month_of(year, month),))
        day = _day(year, month, int(match[3]))
        return None if day is None else (1, When(((day, day),)))
    if match := re.fullmatch(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})", word, re.ASCII):
        a, b, year = (int(part) for part in match.groups())
        # Half the world writes the day first, half the month: where both can be meant, both are.
        days = {_day(year, b, a), _day(year, a, b)} - {None} if _is_year(year) else set()
        return (1, When(tuple(sorted((d, d) for d in days if d is not None)))) if days else None
    return None


def _read_day(words: Sequence[str], almanac: Almanac) -> tuple[int, When] | None:
    """Read "14 May 2022", "14th of May", "May 14", "May 14th 2022"."""
    if len(words) < 2:
        return None
    second = 2 if words[1] == "of" and len(words) > 2 else 1
    if (number := _ordinal(words[0])) is not None and words[second] in _MONTHS:
        month, used = _MONTHS[words[second]], second + 1
    elif words[0] in _MONTHS and (number := _ordinal(words[1])) is not None:
        month, used = _MONTHS[words[0]], 2
    else:
        return None
    year = _year_at(words, used)
    years: Iterable[int] = almanac.years if year is None else (year[1],)
    days = [d for y in years if (d := _day(y, month, number)) is not None]
    return (used + (year[0] if year else 0), When(tuple((d, d) for d in days))) if days else None


def _read_month(words: Sequence[str], almanac: Almanac) -> tuple[int, When] | None:
    if not words or (month := _MONTHS.get(words[0])) is None:
        return None
    year = _year_at(words, 1)
    years: Iterable[int] = almanac.years if year is None else (year[1],)
    return 1 + (year[0] if year else 0), When(tuple(_month_of(y, month) for y in years))


def _read_season(words: Sequence[str], almanac: Almanac) -> tuple[int, When] | None:
    if not words or (month := _SEASONS.get(words[0])) is None:
        return None
    year = _year_at(words, 1)
    used = 1 + (year[0] if year else 0)
    if year is None and len(words) > 1 and (match := re.fullmatch(r"(\d{4})/\d\d(?:\d\d)?", words[1], re.ASCII)):
        year, used = (1, int(match[1])), 2
    if year is not None and not _is_year(year[1]):
        return None
    years: Iterable[int] = range(almanac.years.start - 1, almanac.years.stop) if year is None else (year[1],)
    start = (month + 5) % 12 + 1 if almanac.is_southern else month
    # A winter (in the south, a summer) belongs to the year in which it begins.
    return used, When(tuple((date(y, start, 1), _month_of(*_month_after(y, start, 2))[1]) for y in years))


def _month_after(year: int, month: int, count: int) -> tuple[int, int]:
    return year + (month - 1 + count) // 12, (month - 1 + count) % 12 + 1


def _month_of(year: int, month: int) -> Span:
    return date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])


def _year_at(words: Sequence[str], index: int) -> tuple[int, int] | None:
    """Read the year that may follow: how many words it takes, and which it is."""
    of = 1 if len(words) > index + 1 and words[index] in ("of", "in") else 0
    word = words[index + of] if len(words) > index + of else ""
    if re.fullmatch(r"\d{4}", word, re.ASCII) and _is_year(int(word)):
        return of + 1, int(word)
    return None


def _ordinal(word: str) -> int | None:
    match = re.fullmatch(r"(\d{1,2})(?:st|nd|rd|th)?", word, re.ASCII)
    return int(match[1]) if match else None


def _day(year: int, month: int, day: int) -> date | None:
    is_real = 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]
    return date(year, month, day) if is_real else None


def _is_year(number: int) -> bool:
    return _OLDEST <= number <= _NEWEST
