"""Home, trips and days out, in the situations where a simple rule goes wrong."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from fakes.library import POINTS, TAGS, Life

from photos_engine.graph import PersonalGraph, build_graph
from photos_engine.types import DateSource

LYON = POINTS["Lyon"]


def graph_of(life: Life) -> PersonalGraph:
    return build_graph(life.snapshot(), TAGS)


def settled(**facts: object) -> Life:
    """Two years of everyday life in Lyon."""
    life = Life(home="Lyon")
    life.live(date(2021, 1, 1), date(2023, 1, 1), **facts)  # type: ignore[arg-type]
    return life


def hop(life: Life, day: date, hour: int, at: object, **facts: object) -> None:
    life.shoot(datetime(day.year, day.month, day.day, hour), at=at, **facts)  # type: ignore[arg-type]


class TestHome:
    def test_home_is_where_everyday_life_is_and_not_where_most_photos_are(self) -> None:
        life = settled(every_days=7)
        life.stay(date(2021, 7, 1), 12, "Biarritz", "beach", photos_a_day=40)
        (home,) = graph_of(life).homes()
        assert home.label == "Lyon"
        assert home.country_code == "FR"
        assert home.end is None

    def test_a_holiday_alone_makes_no_home_and_so_no_trip(self) -> None:
        life = Life(home=None)
        life.stay(date(2021, 7, 1), 14, "Biarritz", "beach")
        graph = graph_of(life)
        assert graph.homes() == ()
        assert graph.trips() == ()

    def test_a_move_is_noticed_on_its_day_and_the_old_home_is_away_afterwards(self) -> None:
        life = Life(home="Lyon")
        life.live(date(2020, 1, 1), date(2021, 6, 1), every_days=2)
        life.live(date(2021, 6, 1), date(2022, 12, 1), every_days=2, at="Graz")
        life.stay(date(2022, 8, 1), 4, "Lyon")
        graph = graph_of(life)
        assert [home.label for home in graph.homes()] == ["Lyon", "Graz"]
        assert abs((graph.homes()[1].start - date(2021, 6, 1)).days) <= 2
        assert graph.homes()[0].end == graph.homes()[1].start - timedelta(1)
        assert [trip.title for trip in graph.trips()] == ["Lyon"]

    def test_a_long_summer_elsewhere_is_a_trip_and_no_move(self) -> None:
        life = settled()
        life.stay(date(2022, 7, 1), 20, "Biarritz", "beach", photos_a_day=3)
        graph = graph_of(life)
        assert len(graph.homes()) == 1
        assert [(t.title, t.start.date(), t.end.date()) for t in graph.trips()] == [
            ("Biarritz", date(2022, 7, 1), date(2022, 7, 20))
        ]

    def test_work_within_reach_on_many_single_days_is_neither_trip_nor_day_out(self) -> None:
        life = settled()
        work = (LYON[0] + 0.4, LYON[1])  # 44 km to the north
        for week in range(60):
            for n in range(4):
                hop(life, date(2021, 1, 5) + timedelta(7 * week), 10 + n, work)
        graph = graph_of(life)
        assert graph.days_out() == ()
        assert graph.trips() == ()


class TestTrips:
    def test_a_trip_lasts_from_leaving_until_return(self) -> None:
        life = settled()
        life.stay(date(2022, 5, 10), 5, "Lisbon")
        hop(life, date(2022, 5, 15), 20, "home")
        (trip,) = graph_of(life).trips()
        assert trip.node == "trip:2022-05-10-lisbon"
        assert trip.title == "Lisbon"
        assert (trip.start.date(), trip.end.date()) == (date(2022, 5, 10), date(2022, 5, 14))
        assert len(trip.photo_ids) == 25
        assert trip.country_codes == ("PT",)
        assert trip.confidence > 0.8
        assert all(reason.text for reason in trip.reasons)

    def test_photos_without_position_join_by_time_and_those_of_home_do_not(self) -> None:
        life = settled()
        life.stay(date(2022, 5, 10), 5, "Lisbon")
        hop(life, date(2022, 5, 12), 13, None)
        hop(life, date(2022, 5, 14), 21, None)
        hop(life, date(2022, 5, 16), 12, None)
        inside, evening, after = (item.photo.id for item in life.items[-3:])
        (trip,) = graph_of(life).trips()
        assert inside in trip.photo_ids
        assert evening in trip.photo_ids
        assert after not in trip.photo_ids

    def test_uncertain_dates_never_take_part(self) -> None:
        life = settled()
        life.stay(date(2022, 5, 10), 5, "Lisbon")
        for source in (DateSource.FOLDER, DateSource.FILE_TIME):
            hop(life, date(2022, 5, 12), 12, "Lisbon", source=source)
        received = "WhatsApp Images/IMG-20220512-WA0001.jpg"
        hop(life, date(2022, 5, 12), 12, "Lisbon", source=DateSource.FILE_NAME, path=received)
        graph = graph_of(life)
        guessed = {item.photo.id for item in life.items[-3:]}
        assert guessed.isdisjoint(graph.trips()[0].photo_ids)
        assert all(guessed.isdisjoint(moment.photo_ids) for moment in graph.moments())

    def test_the_day_in_a_name_that_a_camera_gave_counts(self) -> None:
        life = settled()
        life.stay(date(2022, 5, 10), 5, "Lisbon")
        name = "DCIM/20220512_120003.jpg"
        hop(life, date(2022, 5, 12), 12, None, source=DateSource.FILE_NAME, path=name, camera=False)
        (trip,) = graph_of(life).trips()
        assert life.items[-1].photo.id in trip.photo_ids

    def test_who_lives_at_two_places_by_turns_goes_home_and_not_on_a_trip(self) -> None:
        life = Life(home="Lyon")
        for month in range(24):
            first = date(2021 + month // 12, month % 12 + 1, 1)
            life.live(first, first + timedelta(14), every_days=1, at="Lyon")
            life.live(first + timedelta(14), first + timedelta(28), every_days=1, at="Amsterdam")
        life.stay(date(2022, 5, 10), 5, "Lisbon")
        graph = graph_of(life)
        assert [trip.title for trip in graph.trips()] == ["Lisbon"]
        assert [home.label for home in graph.homes()] == ["Amsterdam"]
        assert graph.node("anchor:lyon")["label"] == "Often in Lyon"

    def test_several_cities_and_an_open_jaw_are_one_trip(self) -> None:
        life = settled()
        life.stay(date(2022, 5, 10), 3, "Lisbon")
        life.stay(date(2022, 5, 13), 3, "Barcelona")
        (trip,) = graph_of(life).trips()
        assert trip.places == ("Lisbon", "Barcelona")
        assert trip.title == "Lisbon and Barcelona"
        assert set(trip.country_codes) == {"PT", "ES"}

    def test_two_weekends_at_one_place_are_two_trips_though_nothing_was_photographed_between(self) -> None:
        life = Life(home="Lyon")
        life.live(date(2021, 1, 1), date(2022, 5, 1))
        life.stay(date(2022, 5, 7), 2, "Annecy")
        life.stay(date(2022, 5, 14), 2, "Annecy")
        assert [t.start.date() for t in graph_of(life).trips()] == [date(2022, 5, 7), date(2022, 5, 14)]

    def test_a_trip_over_new_year_and_the_date_line_keeps_its_days_in_order(self) -> None:
        life = settled()
        auckland = timezone(timedelta(hours=13))
        honolulu = timezone(timedelta(hours=-10))
        # Leaves Auckland on 2 January and lands in Honolulu on 1 January, by the clocks.
        for n in range(6):
            life.shoot(datetime(2021, 12, 30 + n // 3, 10 + n % 3, tzinfo=auckland), at="Auckland")
        life.shoot(datetime(2022, 1, 2, 9, tzinfo=auckland), at="Auckland")
        for n in range(6):
            life.shoot(datetime(2022, 1, 1 + n // 3, 18 + n % 3, tzinfo=honolulu), at="Honolulu")
        (trip,) = graph_of(life).trips()
        assert len(trip.photo_ids) == 13
        assert trip.places == ("Auckland", "Honolulu")
        instants = {item.photo.id: item.photo.taken.astimezone(UTC) for item in life.items}
        assert [instants[i] for i in trip.photo_ids] == sorted(instants[i] for i in trip.photo_ids)

    def test_a_flight_over_the_date_line_that_lands_the_day_before_is_still_a_trip(self) -> None:
        life = Life(home="Lyon")
        life.live(date(2021, 1, 1), date(2022, 1, 1))
        for n in range(3):
            life.shoot(datetime(2022, 1, 2, 8 + n, tzinfo=timezone(timedelta(hours=13))), at="Auckland")
        for n in range(3):
            life.shoot(datetime(2022, 1, 1, 12 + n, tzinfo=timezone(timedelta(hours=-10))), at="Honolulu")
        (trip,) = graph_of(life).trips()
        assert trip.places == ("Auckland", "Honolulu")

    def test_one_stray_position_at_home_does_not_cut_a_trip_in_two(self) -> None:
        life = settled()
        life.stay(date(2022, 5, 10), 6, "Annecy")
        hop(life, date(2022, 5, 12), 15, "home")
        stray = life.items[-1].photo.id
        (trip,) = graph_of(life).trips()
        assert (trip.start.date(), trip.end.date()) == (date(2022, 5, 10), date(2022, 5, 15))
        assert stray not in trip.photo_ids

    def test_an_impossible_position_makes_no_journey(self) -> None:
        life = settled()
        day = date(2022, 5, 10)
        hop(life, day, 10, "home")
        for n in range(5):
            life.shoot(datetime(2022, 5, 10, 10, 30, n), at="Kyoto" if n == 2 else "home")
        hop(life, day, 11, "home")
        graph = graph_of(life)
        assert graph.trips() == graph.days_out() == ()

    @pytest.mark.parametrize("utility", ["receipt", "screenshot"])
    def test_utility_content_is_no_evidence(self, utility: str) -> None:
        life = settled()
        for n in range(4):
            hop(life, date(2022, 5, 10 + n), 10, "Lisbon", utility=utility, tags=(), camera=False)
        assert graph_of(life).trips() == ()


class TestDaysOut:
    def test_a_single_day_well_away_is_a_day_out(self) -> None:
        life = settled()
        for n in range(5):
            hop(life, date(2022, 6, 11), 10 + n, "Annecy")
        graph = graph_of(life)
        (out,) = graph.days_out()
        assert out.node == "day_out:2022-06-11-annecy"
        assert graph.trips() == ()

    def test_a_night_that_ends_after_midnight_stays_one_day(self) -> None:
        life = settled()
        for n in range(8):
            start = datetime(2022, 6, 11, 18) + timedelta(hours=n)
            life.shoot(start, at="Annecy")
        graph = graph_of(life)
        assert len(graph.days_out()) == 1
        assert len(graph.days_out()[0].photo_ids) == 8

    def test_a_weekend_of_two_days_nearby_is_two_days_out_unless_a_night_was_spent_there(self) -> None:
        life = settled()
        nearby = (LYON[0] + 0.4, LYON[1])  # 44 km
        for day in (date(2022, 6, 11), date(2022, 6, 12)):
            for n in range(5):
                hop(life, day, 10 + n, nearby)
        assert len(graph_of(life).days_out()) == 2
        hop(life, date(2022, 6, 11), 23, nearby)
        assert len(graph_of(life).trips()) == 1

    def test_two_outings_to_one_place_on_one_day_are_both_kept(self) -> None:
        life = settled()
        for hour, at in ((8, "Annecy"), (13, "home"), (18, "Annecy")):
            for n in range(4):
                life.shoot(datetime(2022, 6, 11, hour, 10 * n), at=at)
        found = graph_of(life).days_out()
        assert len({out.node for out in found}) == 2
        assert [len(out.photo_ids) for out in found] == [4, 4]
