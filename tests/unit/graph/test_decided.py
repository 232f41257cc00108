"""Names and decisions that outlive late imports: what was hidden stays hidden, what had a name keeps it."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from fakes.library import TAGS, Life
from hypothesis import given
from hypothesis import strategies as st

from photos_engine.graph import KnownStay, build_graph, read_days
from photos_engine.graph.decided import name_journeys
from photos_engine.types import Decision

TRIP = "trip:2021-07-05-biarritz"


def sample_life() -> Life:
    life = Life(home="Lyon")
    life.live(date(2021, 1, 1), date(2022, 1, 1))
    life.stay(date(2021, 7, 5), 5, "Biarritz", "beach")
    return life


class TestNames:
    def test_a_trip_keeps_its_id_when_an_earlier_day_turns_up(self) -> None:
        life = sample_life()
        known = build_graph(life.snapshot(), TAGS).stays()
        life.stay(date(2021, 7, 4), 1, "Biarritz", "beach")
        (trip,) = build_graph(life.snapshot(), TAGS, known=known).trips()
        assert (trip.node, trip.start.date()) == (TRIP, date(2021, 7, 4))
        (fresh,) = build_graph(life.snapshot(), TAGS).trips()
        assert fresh.node == "trip:2021-07-04-biarritz"

    def test_a_day_out_that_becomes_a_trip_keeps_its_name(self) -> None:
        life = Life(home="Lyon")
        life.live(date(2021, 1, 1), date(2022, 1, 1))
        life.stay(date(2021, 7, 5), 1, "Biarritz", "beach")
        graph = build_graph(life.snapshot(), TAGS)
        assert [day.node for day in graph.days_out()] == ["day_out:2021-07-05-biarritz"]
        life.stay(date(2021, 7, 6), 2, "Biarritz", "beach")
        assert [trip.node for trip in build_graph(life.snapshot(), TAGS, known=graph.stays()).trips()] == [TRIP]

    def test_building_again_with_what_is_known_changes_nothing(self) -> None:
        snapshot = sample_life().snapshot()
        graph = build_graph(snapshot, TAGS)
        again = build_graph(snapshot, TAGS, known=graph.stays())
        assert again.as_json() == graph.as_json()
        assert again.stays() == graph.stays()

    @given(
        st.lists(st.tuples(st.integers(0, 300), st.integers(0, 9)), max_size=8),
        st.lists(st.tuples(st.integers(0, 300), st.integers(0, 9)), max_size=8),
    )
    def test_every_journey_has_one_name_of_its_own(
        self, now: list[tuple[int, int]], before: list[tuple[int, int]]
    ) -> None:
        def days(start: int, length: int) -> tuple[date, date]:
            first = date(2021, 1, 1) + timedelta(start)
            return first, first + timedelta(length)

        spans = [days(*span) for span in sorted(now)]
        known = name_journeys([days(*span) for span in sorted(before)], ["a"] * len(before), ())
        stays = [KnownStay(n[0], *days(*span)) for n, span in zip(known, sorted(before), strict=True)]
        names = name_journeys(spans, ["a"] * len(spans), stays)
        flat = [name for of_one in names for name in of_one]
        assert len(flat) == len(set(flat))
        assert all(names)


class TestDecisions:
    def test_a_hidden_trip_stays_hidden_when_it_grows_and_when_it_falls_apart(self) -> None:
        life = sample_life()
        known = build_graph(life.snapshot(), TAGS).stays()
        life.decide(TRIP, Decision.HIDE)
        life.stay(date(2021, 7, 3), 2, "Biarritz", "beach")
        assert build_graph(life.snapshot(), TAGS, known=known).trips() == ()
        for n in range(8):  # photos from home in the middle of it, from another camera
            life.shoot(datetime(2021, 7, 7, 9 + n))
        graph = build_graph(life.snapshot(), TAGS, known=known)
        assert graph.trips() == ()
        biarritz = {i.photo.id for i in life.items if i.photo.place and i.photo.place.city == "Biarritz"}
        assert len(biarritz - graph.hidden_photo_ids()) <= 5  # of the day that is shared with home

    def test_a_decision_from_another_library_finds_its_trip(self) -> None:
        life = sample_life()
        life.decide("trip:2021-07-07-somewhere", Decision.HIDE)
        assert build_graph(life.snapshot(), TAGS).trips() == ()

    def test_a_hidden_moment_stays_hidden_when_it_begins_earlier(self) -> None:
        life = Life(home="Lyon")
        for n in range(5):
            life.shoot(datetime(2021, 3, 1, 12, 10 * n))
        life.decide("moment:2021-03-01T12:00:00", Decision.HIDE)
        life.shoot(datetime(2021, 3, 1, 11, 50))
        assert build_graph(life.snapshot(), TAGS).hidden_photo_ids() == {item.photo.id for item in life.items}

    def test_hidden_days_are_in_no_answer(self) -> None:
        life = sample_life()
        life.decide("days:2021-07-01/2021-07-31", Decision.HIDE)
        graph = build_graph(life.snapshot(), TAGS)
        assert graph.trips() == ()
        july = {i.photo.id for i in life.snapshot().photos if i.photo.taken.month == 7}
        assert july <= graph.hidden_photo_ids()
        assert not july & {photo for moment in graph.moments() for photo in moment.photo_ids}

    def test_what_is_hidden_is_not_told_by_an_export(self) -> None:
        life = sample_life()
        known = build_graph(life.snapshot(), TAGS).stays()
        life.decide(TRIP, Decision.HIDE)
        assert "2021-07-05-biarritz" not in str(build_graph(life.snapshot(), TAGS, known=known).as_json())

    def test_undo_brings_it_back(self) -> None:
        life = sample_life()
        life.decide(TRIP, Decision.HIDE)
        life.decide(TRIP, Decision.UNDO)
        assert len(build_graph(life.snapshot(), TAGS).trips()) == 1


@pytest.mark.parametrize(
    ("name", "days"),
    [
        ("days:2021-07-01/2021-07-31", (date(2021, 7, 1), date(2021, 7, 31))),
        ("days:2021-07-31/2021-07-01", None),
        ("days:2021-02-30/2021-07-01", None),
        ("days:2021-07-01", None),
        ("trip:2021-07-01-lyon", None),
    ],
)
def test_days_are_read_from_their_name(name: str, days: tuple[date, date] | None) -> None:
    assert read_days(name) == days
