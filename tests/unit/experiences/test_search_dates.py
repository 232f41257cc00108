from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photos_engine.experiences.search.dates import Almanac, read_when

ALMANAC = Almanac(date(2026, 3, 18), 2020, 2026, "FR")  # a Wednesday


def day(text: str) -> date:
    return date.fromisoformat(text)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2023", "2023-01-01", "2023-12-31"),
        ("2021-2022", "2021-01-01", "2022-12-31"),
        ("2021-07", "2021-07-01", "2021-07-31"),
        ("2023-05-14", "2023-05-14", "2023-05-14"),
        ("14.05.2023", "2023-05-14", "2023-05-14"),
        ("05/14/2023", "2023-05-14", "2023-05-14"),
        ("may 2022", "2022-05-01", "2022-05-31"),
        ("feb of 2024", "2024-02-01", "2024-02-29"),
        ("14 may 2022", "2022-05-14", "2022-05-14"),
        ("may 14th 2022", "2022-05-14", "2022-05-14"),
        ("summer 2022", "2022-06-01", "2022-08-31"),
        ("winter 2021/22", "2021-12-01", "2022-02-28"),
        ("winter 2021", "2021-12-01", "2022-02-28"),
        ("the 1990s", "1990-01-01", "1999-12-31"),
        ("90s", "1990-01-01", "1999-12-31"),
        ("today", "2026-03-18", "2026-03-18"),
        ("yesterday", "2026-03-17", "2026-03-17"),
        ("last week", "2026-03-09", "2026-03-15"),
        ("this week", "2026-03-16", "2026-03-22"),
        ("last month", "2026-02-01", "2026-02-28"),
        ("last year", "2025-01-01", "2025-12-31"),
        ("this year", "2026-01-01", "2026-12-31"),
        ("last summer", "2025-06-01", "2025-08-31"),
        ("last winter", "2025-12-01", "2026-02-28"),
        ("last may", "2025-05-01", "2025-05-31"),
        ("last tuesday", "2026-03-17", "2026-03-17"),
        ("last wednesday", "2026-03-11", "2026-03-11"),
        ("last weekend", "2026-03-14", "2026-03-15"),
        ("this weekend", "2026-03-21", "2026-03-22"),
        ("last christmas", "2025-12-24", "2025-12-26"),
        ("last 3 months", "2025-12-18", "2026-03-18"),
        ("three years ago", "2023-01-01", "2023-12-31"),
        ("a year ago", "2025-01-01", "2025-12-31"),
        ("2 weeks ago", "2026-03-02", "2026-03-08"),
        ("5 days ago", "2026-03-13", "2026-03-13"),
        ("a couple of years ago", "2024-01-01", "2024-12-31"),
        ("a few months ago", "2025-10-01", "2026-01-31"),
        ("several weeks ago", "2026-01-26", "2026-03-01"),
        ("this morning", "2026-03-18", "2026-03-18"),
        ("tonight", "2026-03-18", "2026-03-18"),
        ("early 2021", "2021-01-01", "2021-05-01"),
        ("mid-2021", "2021-05-02", "2021-08-31"),
        ("the end of june 2022", "2022-06-21", "2022-06-30"),
        ("late last summer", "2025-08-01", "2025-08-31"),
        ("q1 2022", "2022-01-01", "2022-03-31"),
        ("from early 2021 to q3 2021", "2021-01-01", "2021-09-30"),
        ("christmas 2022", "2022-12-24", "2022-12-26"),
        ("xmas 2022", "2022-12-24", "2022-12-26"),
        ("christmas eve 2022", "2022-12-24", "2022-12-24"),
        ("new year 2023", "2023-12-31", "2024-01-01"),
        ("halloween 2021", "2021-10-31", "2021-10-31"),
        ("easter 2023", "2023-04-09", "2023-04-10"),
        ("thanksgiving 2022", "2022-11-24", "2022-11-24"),
        ("from 2019 to 2021", "2019-01-01", "2021-12-31"),
        ("between may 2021 and june 2022", "2021-05-01", "2022-06-30"),
        ("2019 to 2021", "2019-01-01", "2021-12-31"),
        ("between june and august 2022", "2022-06-01", "2022-08-31"),
        ("june to august 2012", "2012-06-01", "2012-08-31"),
        ("june 2022 to august", "2022-06-01", "2022-08-31"),
        ("from christmas to march 2021", "2020-12-24", "2021-03-31"),
        ("12.03.2021 to 15.03.2021", "2021-03-12", "2021-03-15"),
        ("the nineties", "1990-01-01", "1999-12-31"),
        ("before 2020", "1826-01-01", "2019-12-31"),
        ("after summer 2022", "2022-09-01", "2100-12-31"),
        ("since 2022", "2022-01-01", "2100-12-31"),
        ("until last year", "1826-01-01", "2025-12-31"),
    ],
)
def test_reads(text: str, first: str, last: str) -> None:
    words = text.removeprefix("the ").split()
    found = read_when(words, ALMANAC)
    assert found is not None
    assert (found[0], found[1].spans) == (len(words), ((day(first), day(last)),))


@pytest.mark.parametrize(
    "text", ["dog", "may", "march", "12", "0000", "2101", "13.13.2023", "last", "three dogs", "feb 30 2023 x"]
)
def test_leaves_other_words(text: str) -> None:
    found = read_when(text.split(), ALMANAC)
    assert found is None or found[0] < len(text.split())


def test_without_a_year_every_year_of_the_library_counts() -> None:
    found = read_when(["july"], ALMANAC)
    assert found is not None
    assert [first.year for first, _ in found[1].spans] == list(range(2020, 2027))


def test_a_range_without_a_year_is_every_years() -> None:
    found = read_when(["december", "to", "february"], ALMANAC)
    assert found is not None
    assert [(first.year, last.year) for first, last in found[1].spans] == [(y, y + 1) for y in range(2020, 2026)]


def test_a_date_that_can_be_read_in_two_ways_is_both() -> None:
    found = read_when(["05/06/2022"], ALMANAC)
    assert found is not None
    assert {first for first, _ in found[1].spans} == {date(2022, 6, 5), date(2022, 5, 6)}


def test_seasons_turn_over_at_the_equator() -> None:
    south = Almanac(date(2026, 3, 18), 2020, 2026, "AU", is_southern=True)
    found = read_when(["summer", "2022"], south)
    assert found is not None
    assert found[1].spans == ((date(2022, 12, 1), date(2023, 2, 28)),)


WORDS = """last this from to before and between may 31 29th feb 2023 1900 2100 winter christmas easter of three 999
years months ago weekend 2023-02-31 1/2/3"""


@given(
    st.lists(st.sampled_from(WORDS.split()), min_size=1, max_size=6),
    st.dates(date(1990, 1, 1), date(2090, 12, 31)),
    st.integers(1, 9999),
)
def test_spans_are_in_order_whatever_is_said(words: list[str], today: date, year: int) -> None:
    found = read_when(words, Almanac(today, year, today.year))
    if found is not None:
        used, when = found
        assert 1 <= used <= len(words)
        assert all(first <= last for first, last in when.spans)
