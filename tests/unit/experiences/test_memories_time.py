"""Time as a photo's own clock tells it: zones, leap days, nights over New Year, southern seasons, the date line."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone

import pytest
from fakes.library import TAGS, Life
from hypothesis import given, settings
from hypothesis import strategies as st

from photos_engine.experiences.memories import make_memories
from photos_engine.graph import build_graph
from photos_engine.types import Memory

THIN = "\u2009"  # as Babel sets it around a dash


def memories_of(life: Life, on: date) -> Mapping[str, Memory]:
    snapshot = life.snapshot()
    return {memory.id: memory for memory in make_memories(snapshot, build_graph(snapshot, TAGS), TAGS, on=on)}


def hours(offset: float) -> timezone:
    return timezone(timedelta(hours=offset))


zones = st.sampled_from([-11.0, -9.5, -3.5, 0.0, 5.75, 8.75, 12.75, 13.0, 14.0]).map(hours)


@settings(max_examples=12, deadline=None)
@given(zones, st.integers(2019, 2021))
def test_new_years_eve_is_of_its_evening_wherever_it_was(zone: timezone, year: int) -> None:
    life = Life()
    for n in range(10):  # until half past one
        life.shoot(datetime(year, 12, 31, 22, 30, tzinfo=zone) + timedelta(minutes=20 * n), at=None)
    eve = memories_of(life, date(year + 1, 12, 31))
    assert eve[f"memory:on_this_day:12-31:{year}"].title == "1 year ago today"
    days_around = memories_of(life, date(year + 2, 1, 1))
    assert days_around[f"memory:on_this_day:01-01:{year + 1}"].title == "A year ago, around this day"


@settings(max_examples=12, deadline=None)
@given(zones, st.sampled_from([date(2020, 2, 29), date(2021, 2, 28), date(2021, 3, 1)]))
def test_today_is_the_day_on_the_photos_own_clock(zone: timezone, day: date) -> None:
    life = Life()
    for n in range(8):
        life.shoot(datetime(day.year, day.month, day.day, 4, 1, tzinfo=zone) + timedelta(hours=3 * n), at=None)
    for on in (date(2023, 2, 28), date(2023, 3, 1), date(2024, 2, 29)):
        told = {m.title for m in memories_of(life, on).values() if m.kind == "on_this_day"}
        is_today = (on.month, on.day) == (day.month, day.day)
        assert told == {
            f"{on.year - day.year} years ago {'today' if is_today else ', around this day'}".replace(" ,", ",")
        }


def test_a_year_ends_with_the_night_that_it_ends_with() -> None:
    life = Life(home="Auckland")
    zone = hours(13)
    for month in range(1, 13):
        for n in range(3):
            life.shoot(datetime(2021, month, 5 + 7 * n, 15, tzinfo=zone))
    late = life.shoot(datetime(2022, 1, 1, 0, 40, tzinfo=zone))  # in UTC still 2021, as its evening was
    after = life.shoot(datetime(2022, 1, 1, 10, tzinfo=zone))  # in UTC 2021 as well, but no evening of that year's
    review = memories_of(life, date(2022, 6, 1))["memory:year_in_review:2021"]
    told = {photo.id for photo in review.photos} | {one.photo_id for one in review.rejected}
    assert late.photo.id in told
    assert after.photo.id not in told


@pytest.mark.parametrize(("home", "zone", "summer"), [("Auckland", 13, "2020-12"), ("Lyon", 1, "2021-06")])
def test_summer_is_that_of_home(home: str, zone: int, summer: str) -> None:
    life = Life(home=home)
    day = date(2020, 9, 1)
    while day < date(2022, 3, 1):
        life.shoot(datetime(day.year, day.month, day.day, 12, tzinfo=hours(zone)))
        day += timedelta(4)
    found = memories_of(life, date(2022, 3, 20))
    seasons = {name.rpartition(":")[2] for name, memory in found.items() if memory.kind == "season"}
    assert f"summer-{summer}" in seasons
    assert "summer-2021-06" in seasons if home == "Lyon" else "winter-2021-06" in seasons


def test_a_trip_over_the_date_line_is_told_in_the_order_in_which_it_happened() -> None:
    life = Life(home="Lyon")
    life.live(date(2021, 1, 1), date(2022, 1, 1))
    for n in range(6):
        life.shoot(datetime(2021, 12, 30 + n // 3, 10 + n % 3, tzinfo=hours(13)), "beach", at="Auckland")
    life.shoot(datetime(2022, 1, 2, 9, tzinfo=hours(13)), "city", at="Auckland")
    for n in range(6):  # lands the day before it left
        life.shoot(datetime(2022, 1, 1 + n // 3, 18 + n % 3, tzinfo=hours(-10)), "sea", at="Honolulu")
    (memory,) = [m for m in memories_of(life, date(2023, 1, 1)).values() if m.kind == "trip"]
    instants = [photo.taken.timestamp() for photo in memory.photos]
    assert instants == sorted(instants)
    assert memory.start.utcoffset() == timedelta(hours=13)
    assert memory.end.utcoffset() == timedelta(hours=-10)
    assert memory.subtitle.startswith(f"Dec 30, 2021{THIN}–{THIN}Jan 2, 2022")


def test_a_trip_over_a_leap_day_counts_it() -> None:
    life = Life(home="Lyon")
    life.live(date(2023, 3, 1), date(2024, 3, 20), every_days=3)
    life.stay(date(2024, 2, 27), 4, "Biarritz", "beach")
    (memory,) = [m for m in memories_of(life, date(2024, 4, 1)).values() if m.kind == "trip"]
    assert memory.subtitle == f"Feb 27{THIN}–{THIN}Mar 1, 2024 · France"
    assert any((photo.taken.month, photo.taken.day) == (2, 29) for photo in memory.photos)
