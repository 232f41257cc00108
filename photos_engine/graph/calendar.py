"""What the calendar means where a person lives: seasons by hemisphere, public holidays, shared feasts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

IntVector = NDArray[np.int64]
FloatVector = NDArray[np.float64]

_SEASONS = ("winter", "spring", "summer", "autumn")
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_TROPICS_DEGREES = 12.0  # nearer to the equator "summer" says nothing


@dataclass(frozen=True, slots=True)
class Feast:
    """A day, or a few in a row, that people celebrate.

    `liveliness`: how many times busier than a busy ordinary day it must be to count as celebrated without
    pictures that show it; None where the pictures must show it. `evidence`: the tags that do.
    """

    slug: str
    name: str
    first: date
    last: date
    liveliness: float | None
    evidence: frozenset[str]

    @property
    def days(self) -> tuple[date, ...]:
        """Every day of it, in order."""
        return tuple(self.first + timedelta(n) for n in range((self.last - self.first).days + 1))

    @property
    def main_day(self) -> date:
        """The day that it is known by: Christmas Day, New Year's Eve, Easter Sunday."""
        return self.days[(len(self.days) - 1) // 2]


_CHRISTMAS = frozenset({"christmas", "christmas_tree", "christmas_lights", "christmas_market", "santa_claus"})
_HALLOWEEN = frozenset({"halloween", "jack_o_lantern", "pumpkin", "costume"})
_NEW_YEAR = frozenset({"new_year", "fireworks"})
_EASTER = frozenset({"easter"})
_PUBLIC = frozenset({"fireworks", "parade"})
_LIVELY, _VERY_LIVELY = 1.5, 2.5  # a feast that most people keep, and one of many days off
# Where Halloween is kept by nearly everybody, though it is no public holiday.
_HALLOWEEN_COUNTRIES = frozenset({"US", "CA", "GB", "IE"})


def season_of(day: date, latitude: float | None) -> tuple[str, date] | None:
    """The meteorological season of a day and the day on which it began; None near the equator or unknown."""
    if latitude is None or latitude != latitude or abs(latitude) < _TROPICS_DEGREES:
        return None
    return _season((12 * day.year + day.month) // 3, is_south=latitude < 0)


def _season(quarter: int, *, is_south: bool) -> tuple[str, date]:
    """The season of a quarter of a year, counted from the winter that year 0 began in."""
    year, month = divmod(3 * quarter - 1, 12)
    began = date(year, month + 1, 1) if year >= MINYEAR else date.min
    return _SEASONS[(quarter + (2 if is_south else 0)) % 4], began


def group_by_season(day: IntVector, latitude: FloatVector) -> dict[tuple[str, date], IntVector]:
    """Season and the day on which it began -> which of some photos are of it, in order; seasons by their first photo.

    day: (n,) proleptic ordinals; latitude: (n,) degrees, NaN where it isn't known. Others are left out.
    """
    at = np.flatnonzero(np.abs(latitude) >= _TROPICS_DEGREES)
    months = (day[at] - _EPOCH_ORDINAL).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    quarters = (months + 12 * 1970 + 1) // 3  # as `_season` counts them: January is the first month
    codes, first, number = np.unique(2 * quarters + (latitude[at] < 0), return_index=True, return_inverse=True)
    order = np.argsort(number, kind="stable")
    edges = np.searchsorted(number[order], np.arange(len(codes) + 1))
    found = {}
    for n in np.argsort(first).tolist():
        quarter, is_south = divmod(int(codes[n]), 2)
        found[_season(quarter, is_south=bool(is_south))] = at[order[edges[n] : edges[n + 1]]]
    return found


def find_feasts(country_code: str | None, years: Iterable[int]) -> tuple[Feast, ...]:
    """The public holidays of a country and the feasts shared by many cultures, in time order.

    An unknown country has the shared feasts alone, and photographs must show them. A year that `date`
    doesn't know has none.
    """
    years = sorted({year for year in years if MINYEAR <= year <= MAXYEAR})
    public = _public_holidays(country_code, tuple(years))
    names = {name for _, name in public}
    feasts = [feast for year in years for feast in _shared_feasts(year, names, country_code)]
    feasts += _easters(public)
    taken = {day for feast in feasts for day in feast.days}
    feasts += [
        Feast(_slug(name), name, day, day, _VERY_LIVELY, _PUBLIC | {_slug(name)})
        for day, name in public
        if day not in taken
    ]
    return tuple(sorted(feasts, key=lambda f: (f.first, f.slug)))


def _shared_feasts(year: int, public_names: set[str], country_code: str | None) -> Iterable[Feast]:
    def kept(name: str) -> float | None:
        return _LIVELY if any(name in public for public in public_names) else None

    yield Feast("christmas", "Christmas", date(year, 12, 24), date(year, 12, 26), kept("Christmas"), _CHRISTMAS)
    old_years_day = date(year, 12, 31)
    new_years_day = date(year + 1, 1, 1) if year < MAXYEAR else date.max
    yield Feast("new_year", "New Year", old_years_day, new_years_day, kept("New Year"), _NEW_YEAR)
    eve = date(year, 10, 31)
    yield Feast(
        "halloween", "Halloween", eve, eve, _LIVELY if country_code in _HALLOWEEN_COUNTRIES else None, _HALLOWEEN
    )


def _easters(public: tuple[tuple[date, str], ...]) -> Iterable[Feast]:
    """Easter by the public days around it: the Monday after, or the Friday before."""
    sundays = {day - timedelta(1) for day, name in public if name == "Easter Monday"}
    sundays |= {day + timedelta(2) for day, name in public if name == "Good Friday"}
    for sunday in sorted(sundays):
        yield Feast("easter", "Easter", sunday, sunday + timedelta(1), _LIVELY, _EASTER)


@lru_cache(maxsize=8)
def _public_holidays(country_code: str | None, years: tuple[int, ...]) -> tuple[tuple[date, str], ...]:
    """(day, English name) of the public holidays as the `holidays` package knows them."""
    import holidays  # for those who build a graph alone
    from holidays.registry import COUNTRIES  # asked for its list, the package would import all of them

    if country_code is None or not any(country_code in codes for codes in COUNTRIES.values()):
        return ()
    found = holidays.country_holidays(country_code, years=years, observed=False, language="en_US")
    return tuple((day, name) for day, names in sorted(found.items()) for name in names.split("; ")[:1] if name)


def _slug(name: str) -> str:
    words = "".join(c if c.isalnum() else " " for c in name.lower().replace("'", "")).split()
    return "_".join(words).removesuffix("_day")
