"""Photos that only their folder dates: in memories that claim no more than the folder says, and in no others."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

import pytest
from fakes.library import TAGS, Life
from hypothesis import given, settings
from hypothesis import strategies as st

from photos_engine.experiences.memories import make_memories
from photos_engine.graph import build_graph, season_of
from photos_engine.graph.looks import known_days
from photos_engine.types import AnalysedPhoto, DateSource, Decision, Memory, Photo

ON = date(2023, 3, 1)
OF_THE_YEARS = {"concept", "person", "pet", "place_over_years", "theme"}  # which name years alone


TRIPS = {
    "memory:trip:2021-07-05-biarritz": (date(2021, 7, 5), date(2021, 7, 10)),
    "memory:trip:2022-08-01-annecy": (date(2022, 8, 1), date(2022, 8, 3)),
}


def sample_life() -> Life:
    life = Life(home="Lyon")
    life.live(date(2021, 1, 1), date(2023, 1, 1), every_days=4)
    life.stay(date(2021, 7, 5), 6, "Biarritz", "beach")
    life.stay(date(2022, 8, 1), 3, "Annecy", "beach")
    for n in range(10):
        life.shoot(datetime(2022, 12, 25, 12) + timedelta(minutes=15 * n), "christmas")
    return life


def file_away(life: Life, folder: str, taken: datetime, theme: str = "beach") -> AnalysedPhoto:
    """A photo without a recorded date: what `taken` says beyond its folder is a guess."""
    path = f"{folder}/picture {len(life.items)}.jpg"
    return life.shoot(taken, theme, at=None, path=path, source=DateSource.FOLDER, camera=False)


def memories_of(life: Life) -> Mapping[str, Memory]:
    snapshot = life.snapshot()
    return {m.id: m for m in make_memories(snapshot, build_graph(snapshot, TAGS), TAGS, on=ON)}


def kinds_with(item: AnalysedPhoto, memories: Mapping[str, Memory]) -> set[str]:
    return {m.kind for m in memories.values() if item.photo.id in {photo.id for photo in m.photos}}


@pytest.mark.parametrize(
    ("folder", "first", "last"),
    [
        ("2009/08 Norway", date(2009, 8, 1), date(2009, 8, 31)),
        ("2009-08", date(2009, 8, 1), date(2009, 8, 31)),
        ("2009-08-12 Oslo", date(2009, 8, 12), date(2009, 8, 12)),
        ("2009", None, None),
        ("Canon 2009 best", None, None),
        ("WhatsApp Images/2009-08", None, None),
        ("Backup/2009-08", None, None),
        ("Norway", None, None),
    ],
)
def test_what_a_folder_says(folder: str, first: date | None, last: date | None) -> None:
    item = file_away(Life(), folder, datetime(2009, 8, 12, 12))
    days = (first.toordinal(), last.toordinal()) if first and last else (0, -1)
    assert known_days(item.photo) == days


def test_a_file_time_that_its_folder_does_not_bear_out_says_nothing() -> None:
    assert known_days(file_away(Life(), "2009/08 Norway", datetime(2019, 5, 1)).photo) == (0, -1)


def test_a_month_is_enough_for_a_year_and_a_season_and_a_theme() -> None:
    life = sample_life()
    filed = [file_away(life, "2021/08 Coast", datetime(2021, 8, 2, 12) + timedelta(days=n)) for n in range(12)]
    found = memories_of(life)
    kinds = set[str]().union(*(kinds_with(item, found) for item in filed))
    assert {"year_in_review", "season", "theme"} <= kinds
    assert kinds <= {"year_in_review", "season", *OF_THE_YEARS}


def test_a_day_within_a_trip_is_of_the_trip_but_not_that_of_leaving_or_coming_home() -> None:
    life = sample_life()
    within = [file_away(life, "2021-07-07 Sea", datetime(2021, 7, 7, 12)) for _ in range(3)]
    leaving = [file_away(life, "2021-07-05 Sea", datetime(2021, 7, 5, 12)) for _ in range(3)]
    trip = memories_of(life)["memory:trip:2021-07-05-biarritz"]
    shown = {photo.id for photo in trip.photos} | {one.photo_id for one in trip.rejected}
    assert {item.photo.id for item in within} <= shown
    assert shown.isdisjoint(item.photo.id for item in leaving)


def test_a_span_that_must_not_be_shown_hides_what_may_be_of_it() -> None:
    life = sample_life()
    filed = [file_away(life, "2021/08 Coast", datetime(2021, 8, 2, 12)) for _ in range(12)]
    life.decide("days:2021-08-30/2021-09-02", Decision.HIDE)
    found = memories_of(life)
    assert not any(kinds_with(item, found) for item in filed)


folders = st.tuples(
    st.dates(date(2021, 1, 1), date(2022, 12, 31)),
    st.sampled_from(["{:%Y/%m Trip}", "{:%Y-%m}", "{:%Y-%m-%d}", "{:%Y}"]),
)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(folders, st.sampled_from(["beach", "christmas", "daily"]), st.integers(1, 6)), max_size=10))
def test_no_memory_claims_more_than_is_known(filed: list[tuple[tuple[date, str], str, int]]) -> None:
    life = sample_life()
    for (day, written), theme, photos in filed:
        for _ in range(photos):
            file_away(life, written.format(day), datetime(day.year, day.month, day.day, 12), theme)
    for memory in memories_of(life).values():
        dated = [photo for photo in memory.photos if photo.is_dated]
        assert (memory.start, memory.end) == (dated[0].taken, dated[-1].taken)
        for photo in memory.photos:
            assert photo.is_dated or holds_for(memory, photo), (memory.id, photo.path)


def holds_for(memory: Memory, photo: Photo) -> bool:
    """Whether what a memory says of time holds for a photo, whichever of the days it may be from."""
    first, last = (date.fromordinal(day) for day in known_days(photo))
    if memory.kind == "year_in_review":
        return memory.id.endswith(f":{first.year}") and first.year == last.year
    if memory.kind == "season":
        return season_of(first, 45.0) == season_of(last, 45.0) and season_of(first, 45.0)[0] in memory.id
    if memory.kind == "trip":
        left, returned = TRIPS[memory.id]
        return left < first and last < returned
    if memory.kind not in OF_THE_YEARS:
        return False
    years = [int(word.strip(",")) for word in memory.subtitle.replace("\u2013", " ").split() if word[0].isdigit()]
    return first.year in years or ("\u2013" in memory.subtitle and years[0] <= first.year <= years[1])
