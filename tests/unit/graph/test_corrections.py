"""What a person puts right: names, homes, journeys and what was none; it holds through every rebuild."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from fakes.library import POINTS, TAGS, Life

from photos_engine.errors import UsageError
from photos_engine.experiences.memories import make_memories
from photos_engine.graph import PersonalGraph, build_graph, require_sense
from photos_engine.types import Decision, FloatArray, Memory

TRIP = "trip:2021-07-05-biarritz"
ON = date(2023, 3, 1)


def sample_life() -> Life:
    life = Life(home="Lyon")
    life.live(date(2021, 1, 1), date(2022, 1, 1))
    life.stay(date(2021, 7, 5), 5, "Biarritz", "beach", people=["Bob"])
    for n in range(10):
        life.shoot(datetime(2021, 12, 25, 12) + timedelta(minutes=15 * n), "christmas", people=["Robert"])
    return life


def graph_of(life: Life) -> PersonalGraph:
    return build_graph(life.snapshot(), TAGS)


def memories_of(life: Life) -> dict[str, Memory]:
    snapshot = life.snapshot()
    return {memory.id: memory for memory in make_memories(snapshot, build_graph(snapshot, TAGS), TAGS, on=ON)}


def see(life: Life, look: FloatArray, times: int, every_days: int, **facts: list[str]) -> list[str]:
    """Photos of one dog over months; gives their ids."""
    taken = (datetime(2021, 1, 2, 10, 5) + timedelta(days=n * every_days, minutes=n % 7) for n in range(times))
    return [life.shoot(t, tags=["dog"], vector=life.look("", look, 0.6), **facts).photo.id for t in taken]


class TestPets:
    def test_a_pet_is_called_by_its_name_in_graph_and_titles(self) -> None:
        life = sample_life()
        see(life, life.look("rex"), 20, 9)
        life.decide("pet:dog", Decision.NAME, words="Rex")
        (pet,) = graph_of(life).pets()
        assert (pet.node, pet.name, pet.label, pet.species) == ("pet:dog", "Rex", "Rex", "dog")
        assert memories_of(life)["memory:pet:dog"].title == "Life with Rex"

    def test_a_name_stays_with_its_pet_when_the_numbers_change(self) -> None:
        life = sample_life()
        rex, bella = life.look("rex"), life.look("bella")
        see(life, rex, 24, 9)
        see(life, bella, 16, 13)
        before = graph_of(life)
        first, second = before.pets()
        life.decide(second.node, Decision.NAME, words="Bella", about=before.evidence_of(second.node))
        of_bella = set(second.photo_ids)
        see(life, bella, 40, 7)  # a late import: now there is more of her than of the other one
        names = {pet.name: pet for pet in graph_of(life).pets()}
        assert names.keys() == {"Bella", None}
        assert names["Bella"].node == first.node == "pet:dog-1"
        assert len(of_bella & set(names["Bella"].photo_ids)) > 0.8 * len(of_bella)

    def test_keywords_filed_under_pets_name_it_where_they_agree(self) -> None:
        life = sample_life()
        look = life.look("rex")
        see(life, look, 16, 9, keywords=["Rex", "Animals/Dogs/Rex", "walk"])
        assert [pet.name for pet in graph_of(life).pets()] == ["Rex"]
        see(life, look, 8, 17, keywords=["Pets/Bella"])
        assert [pet.name for pet in graph_of(life).pets()] == [None]
        life.decide("pet:dog", Decision.NAME, words="Rex and Bella")
        assert [pet.name for pet in graph_of(life).pets()] == ["Rex and Bella"]

    @pytest.mark.parametrize("keywords", [["Rex"], ["Places/Rex"], ["Pets/Dogs"], ["Pets/dog"]])
    def test_other_keywords_are_no_names(self, keywords: list[str]) -> None:
        life = sample_life()
        see(life, life.look("rex"), 16, 9, keywords=keywords)
        assert [pet.name for pet in graph_of(life).pets()] == [None]

    def test_what_is_no_pet_is_none_any_more_but_its_photos_stay(self) -> None:
        life = sample_life()
        ids = see(life, life.look("rex"), 20, 9)
        life.decide("pet:dog", Decision.NOT_SO)
        assert graph_of(life).pets() == ()
        assert not graph_of(life).hidden_photo_ids() & set(ids)


class TestPeople:
    def test_somebody_goes_by_another_name(self) -> None:
        life = sample_life()
        life.decide("person:bob", Decision.NAME, words="Bobby Tables")
        people = {person.name: person.node for person in graph_of(life).people()}
        assert people == {"Bobby Tables": "person:bobby-tables", "Robert": "person:robert"}
        assert memories_of(life)["memory:person:bobby-tables"].title == "Bobby Tables"

    def test_two_names_of_one_person_become_one(self) -> None:
        life = sample_life()
        life.decide("person:bob", Decision.NAME, words="Robert")
        graph = graph_of(life)
        (robert,) = graph.people()
        assert (robert.node, robert.photos) == ("person:robert", 35)
        assert graph.person_node("Bob") == graph.person_node("Robert") == "person:robert"

    def test_who_was_hidden_by_the_one_name_stays_hidden_by_the_other(self) -> None:
        life = sample_life()
        life.decide("person:bob", Decision.HIDE)
        life.decide("person:bob", Decision.NAME, words="Robert")
        assert graph_of(life).people() == ()
        assert "memory:celebration:2021-12-25-christmas" not in memories_of(life)


class TestJourneys:
    def test_a_trip_is_called_as_the_person_calls_it(self) -> None:
        life = sample_life()
        life.decide(TRIP, Decision.NAME, words="Honeymoon")
        (trip,) = graph_of(life).trips()
        assert (trip.node, trip.title, trip.places) == (TRIP, "Honeymoon", ("Biarritz",))
        assert memories_of(life)[f"memory:{TRIP}"].title == "Honeymoon"

    def test_what_was_no_trip_is_none_also_after_a_late_import(self) -> None:
        life = sample_life()
        known = graph_of(life).stays()
        life.decide(TRIP, Decision.NOT_SO)
        life.stay(date(2021, 7, 4), 1, "Biarritz", "beach")
        graph = build_graph(life.snapshot(), TAGS, known=known)
        assert graph.trips() == ()
        assert build_graph(life.snapshot(), TAGS, known=graph.stays()).trips() == ()
        life.decide(TRIP, Decision.UNDO)
        assert len(build_graph(life.snapshot(), TAGS, known=graph.stays()).trips()) == 1

    def test_days_that_were_one_journey_are_one_without_any_position(self) -> None:
        life = Life(home=None)
        life.live(date(2021, 1, 1), date(2022, 1, 1), every_days=1)
        assert graph_of(life).trips() == ()
        life.decide("days:2021-03-02/2021-03-09", Decision.TRIP)
        (trip,) = graph_of(life).trips()
        assert (trip.start.date(), trip.end.date(), len(trip.photo_ids)) == (date(2021, 3, 2), date(2021, 3, 9), 8)
        assert trip.reasons[0].code == "decided"
        life.decide(trip.node, Decision.NAME, words="In hospital")
        assert [trip.title for trip in graph_of(life).trips()] == ["In hospital"]

    def test_two_stays_become_the_one_journey_that_they_were(self) -> None:
        life = sample_life()
        life.stay(date(2021, 7, 15), 4, "Lisbon", "city")
        assert len(graph_of(life).trips()) == 2
        life.decide("days:2021-07-05/2021-07-18", Decision.TRIP)
        (trip,) = graph_of(life).trips()
        assert (trip.start.date(), trip.end.date()) == (date(2021, 7, 5), date(2021, 7, 18))
        assert trip.title == "Biarritz and Lisbon"

    def test_what_was_not_celebrated_is_no_celebration(self) -> None:
        life = sample_life()
        assert [c.slug for c in graph_of(life).celebrations()] == ["christmas"]
        life.decide("celebration:2021-12-25-christmas", Decision.NOT_SO)
        assert graph_of(life).celebrations() == ()

    def test_a_celebration_is_called_as_the_person_calls_it(self) -> None:
        life = sample_life()
        life.decide("celebration:2021-12-25-christmas", Decision.NAME, words="Our first Christmas")
        assert memories_of(life)["memory:celebration:2021-12-25-christmas"].title == "Our first Christmas"


class TestHome:
    def test_home_is_where_the_person_says_it_is(self) -> None:
        life = sample_life()
        life.decide("city:FR/Biarritz", Decision.HOME)
        graph = graph_of(life)
        (home,) = graph.homes()
        assert (home.label, home.end, home.reasons[0].code) == ("Biarritz", None, "decided")
        assert home.point.latitude == pytest.approx(POINTS["Biarritz"][0], abs=0.05)
        assert not any("Biarritz" in trip.places for trip in graph.trips())

    def test_home_was_elsewhere_for_some_time(self) -> None:
        life = sample_life()
        life.decide("city:FR/Biarritz", Decision.HOME, words="2021-07-01/2021-07-10")
        homes = graph_of(life).homes()
        assert [(home.label, home.start, home.end) for home in homes] == [
            ("Lyon", date(2021, 1, 1), date(2021, 6, 30)),
            ("Biarritz", date(2021, 7, 1), date(2021, 7, 10)),
            ("Lyon", date(2021, 7, 11), None),
        ]
        assert graph_of(life).trips() == ()

    def test_what_is_no_home_is_none(self) -> None:
        life = sample_life()
        life.live(date(2019, 1, 1), date(2020, 12, 1), every_days=2, at="Annecy")
        assert {home.node for home in graph_of(life).homes()} == {"home:FR/Annecy", "home:FR/Lyon"}
        life.decide("home:FR/Annecy", Decision.NOT_SO)
        assert {home.node for home in graph_of(life).homes()} == {"home:FR/Lyon"}

    def test_a_home_has_a_name(self) -> None:
        life = sample_life()
        life.decide("home:FR/Lyon", Decision.NAME, words="Rue Mercière")
        assert [home.label for home in graph_of(life).homes()] == ["Rue Mercière"]


@pytest.mark.parametrize(
    ("subject", "decision", "words"),
    [
        ("tag:dog", Decision.NAME, "Rex"),
        ("pet:dog", Decision.NAME, ""),
        ("pet:dog", Decision.NAME, "x" * 101),
        ("pet:dog", Decision.NAME, "a\nb"),
        ("pet:dog", Decision.HOME, ""),
        ("city:FR/Lyon", Decision.HOME, "2021"),
        ("city:FR/Lyon", Decision.HOME, "2022-01-01/2021-01-01"),
        ("city:FR/Lyon", Decision.TRIP, ""),
        ("interest:dog", Decision.NOT_SO, ""),
        ("pet:dog", Decision.HIDE, "why"),
    ],
)
def test_what_makes_no_sense_is_refused(subject: str, decision: Decision, words: str) -> None:
    with pytest.raises(UsageError):
        require_sense(subject, decision, words)
