"""Feasts: what the calendar says, and what it takes for a feast to have been celebrated."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from fakes.library import TAGS, Life

from photos_engine.graph import Celebration, build_graph, season_of
from photos_engine.graph.calendar import find_feasts


def celebrations_of(life: Life) -> tuple[Celebration, ...]:
    return build_graph(life.snapshot(), TAGS).celebrations()


def at_home(home: str = "Lyon") -> Life:
    life = Life(home=home)
    life.live(date(2021, 1, 5), date(2022, 12, 1))
    return life


def party(life: Life, start: datetime, photos: int, theme: str, minutes: int = 20, at: str = "home") -> None:
    for n in range(photos):
        life.shoot(start + timedelta(minutes=minutes * n), theme, at=at)


class TestCalendar:
    @pytest.mark.parametrize(
        ("day", "latitude", "season", "began"),
        [
            (date(2023, 7, 1), 45.0, "summer", date(2023, 6, 1)),
            (date(2023, 7, 1), -33.9, "winter", date(2023, 6, 1)),
            (date(2024, 2, 29), 45.0, "winter", date(2023, 12, 1)),
            (date(2023, 12, 31), -33.9, "summer", date(2023, 12, 1)),
            (date.min, 45.0, "winter", date.min),
            (date.max, 45.0, "winter", date(9999, 12, 1)),
        ],
    )
    def test_seasons_are_those_of_the_hemisphere(self, day: date, latitude: float, season: str, began: date) -> None:
        assert season_of(day, latitude) == (season, began)

    @pytest.mark.parametrize("latitude", [None, float("nan"), 1.3])
    def test_no_season_is_claimed_where_none_is_known(self, latitude: float | None) -> None:
        assert season_of(date(2023, 7, 1), latitude) is None

    def test_feasts_of_a_country_are_named_in_english_once_each(self) -> None:
        feasts = find_feasts("FR", [2023])
        days = [day for feast in feasts for day in feast.days]
        assert len(days) == len(set(days))
        names = {feast.name: feast.first for feast in feasts}
        assert names["Easter"] == date(2023, 4, 9)
        assert names["National Day"] == date(2023, 7, 14)

    def test_an_unknown_country_has_the_shared_feasts_which_pictures_must_show(self) -> None:
        feasts = find_feasts(None, [2023])
        assert {feast.slug for feast in feasts} == {"christmas", "halloween", "new_year"}
        assert all(feast.liveliness is None for feast in feasts)

    @pytest.mark.parametrize("country", [None, "FR", "US"])
    def test_years_at_the_ends_of_the_calendar_and_beyond(self, country: str | None) -> None:
        feasts = find_feasts(country, [0, 1, 9999, 10_000])
        assert {feast.first.year for feast in feasts} == {1, 9999}
        assert all(feast.first <= feast.last for feast in feasts)


class TestEvidence:
    def test_pictures_that_show_it_make_a_celebration(self) -> None:
        life = at_home()
        party(life, datetime(2021, 12, 24, 18), 6, "christmas")
        (found,) = celebrations_of(life)
        assert found.node == "celebration:2021-12-25-christmas"
        assert (found.title, found.slug, found.day) == ("Christmas", "christmas", date(2021, 12, 24))
        assert found.confidence > 0.8

    def test_a_lively_christmas_counts_without_tags_where_it_is_kept(self) -> None:
        life = at_home()
        party(life, datetime(2021, 12, 25, 11), 12, "daily")
        assert [c.slug for c in celebrations_of(life)] == ["christmas"]

    def test_a_lively_31_october_in_france_is_no_halloween_without_pictures_of_it(self) -> None:
        life = at_home()
        party(life, datetime(2021, 10, 31, 15), 12, "daily")
        assert celebrations_of(life) == ()

    def test_lunch_on_christmas_day_is_no_celebration(self) -> None:
        life = at_home()
        party(life, datetime(2021, 12, 25, 12), 3, "dinner_table")
        assert celebrations_of(life) == ()

    def test_on_a_trip_every_day_is_lively_so_pictures_must_show_the_feast(self) -> None:
        life = at_home()
        life.stay(date(2021, 12, 22), 6, "Lisbon", photos_a_day=15)
        assert celebrations_of(life) == ()
        party(life, datetime(2021, 12, 25, 18), 8, "christmas", at="Lisbon")
        assert [c.slug for c in celebrations_of(life)] == ["christmas"]

    def test_a_day_that_nothing_is_known_around_is_not_lively(self) -> None:
        life = at_home()
        for n in range(30):  # a clock that fell back to where it began
            life.shoot(datetime(2000, 1, 1, 0, n), at=None)
        assert build_graph(life.snapshot(), TAGS).celebrations() == ()

    def test_new_years_party_past_midnight_is_one_celebration(self) -> None:
        life = at_home()
        party(life, datetime(2021, 12, 31, 20), 16, "daily")
        party_ids = {item.photo.id for item in life.items[-16:]}
        (found,) = celebrations_of(life)
        assert found.node == "celebration:2021-12-31-new-year"
        assert len([n for n in found.photo_ids if n in party_ids]) == 16

    def test_a_birthday_is_one_person_with_a_cake_on_one_date_in_two_years(self) -> None:
        life = at_home()
        for year in (2021, 2022):
            for n in range(5):
                life.shoot(datetime(year, 5, 14, 15, 10 * n), "birthday_cake", people=["Anna"])
        life.shoot(datetime(2021, 5, 14, 17), people=["Ben"])
        found = celebrations_of(life)
        assert [(c.title, c.day.year) for c in found] == [("Anna’s birthday", 2021), ("Anna’s birthday", 2022)]
