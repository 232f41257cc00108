"""The graph as a whole: what it holds, answers, exports, and how decisions and files treat it."""

from __future__ import annotations

import gzip
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import networkx as nx
import pytest
from fakes.library import MODEL, TAGS, Life
from hypothesis import given, settings
from hypothesis import strategies as st

from photos_engine.errors import NotFound
from photos_engine.graph import PersonalGraph, build_graph
from photos_engine.graph.looks import is_placed
from photos_engine.types import EMBEDDING_DIMENSIONS, DateSource, Decision


def sample_life() -> Life:
    life = Life(home="Lyon")
    life.live(date(2021, 1, 1), date(2023, 1, 1), theme="daily")
    life.live(date(2021, 1, 2), date(2023, 1, 1), every_days=6, theme="pet")
    life.stay(date(2021, 7, 5), 5, "Biarritz", "beach", people=["Anna"])
    life.stay(date(2022, 2, 5), 5, "Chamonix", "snow", people=["Anna", "Ben"])
    for n in range(8):
        life.shoot(datetime(2022, 12, 25, 12) + timedelta(minutes=15 * n), "christmas")
    return life


@pytest.fixture(scope="module")
def graph() -> PersonalGraph:
    return build_graph(sample_life().snapshot(), TAGS)


def test_every_node_and_edge_says_what_it_is_and_why(graph: PersonalGraph) -> None:
    for _, data in graph.view.nodes(data=True):
        assert data["kind"]
        assert data["label"]
    for _, _, data in graph.view.edges(data=True):
        assert data["relation"]
        assert data["reason"]
        assert 0 <= data["weight"] <= 1
        assert 0 <= data["confidence"] <= 1
        assert data["provenance"]["model"] == MODEL
        assert len(data["provenance"]["photos"]) <= 5


def test_photos_are_no_nodes_and_each_is_in_one_moment_at_most(graph: PersonalGraph) -> None:
    ids = [photo for moment in graph.moments() for photo in moment.photo_ids]
    assert len(ids) == len(set(ids))
    assert not any(photo in graph for photo in ids)


def test_two_builds_are_equal() -> None:
    snapshot = sample_life().snapshot()
    assert build_graph(snapshot, TAGS).as_json() == build_graph(snapshot, TAGS).as_json()


def test_the_view_is_read_only(graph: PersonalGraph) -> None:
    with pytest.raises(nx.NetworkXError):
        graph.view.add_node("tag:intruder")


def test_a_trip_is_tied_to_what_stands_out_in_it_and_not_to_what_is_everywhere(graph: PersonalGraph) -> None:
    trip = graph.trips()[0]
    assert trip.title == "Biarritz"
    assert graph.view.has_edge(trip.node, "tag:beach")
    assert not graph.view.has_edge(trip.node, "tag:person")
    assert graph.view.has_edge(trip.node, "city:FR/Biarritz")
    assert graph.view.has_edge("city:FR/Biarritz", "region:FR/Nouvelle-Aquitaine")
    assert graph.view.has_edge(trip.node, "year:2021")
    assert graph.view.has_edge(trip.node, "season:summer")
    assert "Beach is on 25 of 25 photos" in graph.why((trip.node, "tag:beach"))[0].text


def test_tags_know_their_hierarchy(graph: PersonalGraph) -> None:
    assert graph.view.has_edge("tag:dog", "tag:pet")
    assert graph.node("tag:animal")["count"] == graph.node("tag:dog")["count"]


def test_people_and_places_are_counted(graph: PersonalGraph) -> None:
    assert [(p.node, p.photos) for p in graph.people()] == [("person:anna", 50), ("person:ben", 25)]
    assert graph.view.has_edge("person:anna", "person:ben")
    cities = {p.label: p for p in graph.places() if p.kind == "city"}
    assert cities["Biarritz"].years == (2021,)
    assert cities["Biarritz"].days == 5
    assert cities["Lyon"].photos > 100


def test_interests_fade_and_come_back_with_their_season(graph: PersonalGraph) -> None:
    def strength(tag: str, on: date) -> float:
        return next((i.strength for i in graph.interests(on) if i.node == f"tag:{tag}"), 0.0)

    assert strength("dog", date(2023, 1, 1)) > strength("snow", date(2023, 1, 1))
    assert strength("snow", date(2022, 2, 10)) > strength("snow", date(2021, 2, 10))
    assert strength("beach", date(2021, 7, 10)) > strength("beach", date(2022, 12, 10))


def test_interests_are_nodes_tied_to_their_tag_years_and_seasons(graph: PersonalGraph) -> None:
    known = {node for node, d in graph.view.nodes(data=True) if d["kind"] == "interest"}
    assert {"interest:dog", "interest:beach", "interest:snow"} <= known
    assert "interest:person" not in known  # on every photo
    dog = graph.node("interest:dog")
    assert dog["strength"] == next(i.strength for i in graph.interests() if i.node == "tag:dog")
    assert set(graph.view["interest:snow"]) == {"tag:snow", "year:2022", "season:winter"}
    beach = {year: graph.view["interest:beach"][f"year:{year}"][0] for year in (2021,)}
    assert "On 25 photos of 2021" in beach[2021]["reason"]
    assert (beach[2021]["start"], beach[2021]["end"]) == ("2021-07-05", "2021-07-09")
    winter = graph.why(("interest:snow", "season:winter"))[0].text
    assert winter == "25 of its 25 photos are of winter, 3.4 times its share."


def test_every_edge_that_photos_speak_for_says_when_that_was(graph: PersonalGraph) -> None:
    for a, b, data in graph.view.edges(data=True):
        if data["provenance"]["count"]:
            assert data["start"] <= data["end"]
            assert data["provenance"]["photos"]
        else:
            assert data["relation"] == "is_a", (a, b)
        assert graph.why((a, b))


def test_related_nodes_come_with_reasons(graph: PersonalGraph) -> None:
    near = graph.related("trip:2022-02-05-chamonix", limit=20)
    assert {"tag:snow", "person:ben"} <= {r.node for r in near}
    assert all(0 < r.strength <= 1 and r.reasons for r in near)
    assert [r.strength for r in near] == sorted((r.strength for r in near), reverse=True)


def test_about_is_a_neighbourhood_that_answers_too(graph: PersonalGraph) -> None:
    around = graph.about("city:FR/Biarritz")
    assert [trip.title for trip in around.trips()] == ["Biarritz"]
    assert len(around) < len(graph)


def test_nodes_of_a_photo_are_its_moment_and_events(graph: PersonalGraph) -> None:
    trip = graph.trips()[0]
    moment, *events = graph.nodes_of(trip.photo_ids[0])
    assert moment.startswith("moment:2021-07-05")
    assert events == [trip.node]
    assert graph.nodes_of("unknown") == ()


@pytest.mark.parametrize("ask", [lambda g: g.about("x"), lambda g: g.related("x"), lambda g: g.why(("x", "y"))])
def test_unknown_nodes_are_not_found(graph: PersonalGraph, ask: object) -> None:
    with pytest.raises(NotFound):
        ask(graph)  # type: ignore[operator]


def test_exports_hold_the_whole_graph(graph: PersonalGraph) -> None:
    content = graph.as_json()
    assert len(content["nodes"]) == len(graph)
    parsed = nx.parse_graphml(graph.as_graphml(), force_multigraph=True)
    assert set(parsed) == set(graph.view)
    assert parsed.number_of_edges() == graph.view.number_of_edges()


class TestDecisions:
    def test_a_hidden_node_is_in_no_answer(self) -> None:
        life = sample_life()
        life.decide("trip:2021-07-05-biarritz", Decision.HIDE)
        life.decide("person:ben", Decision.HIDE)
        graph = build_graph(life.snapshot(), TAGS)
        assert [t.title for t in graph.trips()] == ["Chamonix"]
        assert [p.name for p in graph.people()] == ["Anna"]
        assert "person:ben" not in {r.node for r in graph.related("person:anna", limit=50)}
        assert "person:ben" not in graph.about("person:anna")
        assert "person:ben" not in {n["id"] for n in graph.as_json()["nodes"]}
        biarritz = {i.photo.id for i in life.items if i.photo.place and i.photo.place.city == "Biarritz"}
        assert graph.hidden_photo_ids() == biarritz

    def test_undo_takes_back_what_came_before_it(self) -> None:
        life = sample_life()
        life.decide("person:ben", Decision.HIDE)
        life.decide("person:ben", Decision.UNDO)
        assert len(build_graph(life.snapshot(), TAGS).people()) == 2

    def test_featured_less_is_weaker(self) -> None:
        life = sample_life()
        plain = {i.node: i.strength for i in build_graph(life.snapshot(), TAGS).interests()}
        life.decide("tag:dog", Decision.FEATURE_LESS)
        less = {i.node: i.strength for i in build_graph(life.snapshot(), TAGS).interests()}
        assert less["tag:dog"] < plain["tag:dog"] / 2
        assert less["tag:pet"] == plain["tag:pet"]

    def test_an_interest_goes_with_its_tag_and_can_be_hidden_by_itself(self) -> None:
        life = sample_life()
        life.decide("tag:dog", Decision.HIDE)
        life.decide("interest:beach", Decision.HIDE)
        graph = build_graph(life.snapshot(), TAGS)
        assert {"interest:dog", "interest:beach"} <= graph.hidden()
        assert {"tag:dog", "tag:beach"}.isdisjoint(i.node for i in graph.interests())

    def test_an_interest_can_be_featured_less(self) -> None:
        life = sample_life()
        plain = {i.node: i.strength for i in build_graph(life.snapshot(), TAGS).interests()}
        life.decide("interest:snow", Decision.FEATURE_LESS)
        less = {i.node: i.strength for i in build_graph(life.snapshot(), TAGS).interests()}
        assert less["tag:snow"] < plain["tag:snow"] / 2
        assert less["tag:dog"] == plain["tag:dog"]


class TestFile:
    def test_a_saved_graph_answers_alike(self, graph: PersonalGraph, tmp_path: Path) -> None:
        path = tmp_path / "derived" / "graph.json.gz"
        graph.save(path)
        again = PersonalGraph.load(path, model=MODEL, revision=1)
        assert again is not None
        assert again.as_json() == graph.as_json()
        assert again.trips() == graph.trips()
        assert again.celebrations() == graph.celebrations()
        assert again.homes() == graph.homes()
        assert again.moments() == graph.moments()
        assert again.interests() == graph.interests()
        assert [p.name for p in path.parent.iterdir()] == ["graph.json.gz"]

    @pytest.mark.parametrize("stamp", [{"model": "other", "revision": 1}, {"model": MODEL, "revision": 2}])
    def test_a_stale_one_is_not_used(self, graph: PersonalGraph, tmp_path: Path, stamp: dict[str, object]) -> None:
        graph.save(tmp_path / "g")
        assert PersonalGraph.load(tmp_path / "g", **stamp) is None  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        "content", [b"", b"junk", gzip.compress(b"{}"), gzip.compress(b"[1]"), gzip.compress(b"{" * 99)]
    )
    def test_a_broken_or_missing_one_is_not_used(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "g"
        assert PersonalGraph.load(path, model=MODEL, revision=1) is None
        path.write_bytes(content)
        assert PersonalGraph.load(path, model=MODEL, revision=1) is None

    def test_a_cut_off_one_is_not_used(self, graph: PersonalGraph, tmp_path: Path) -> None:
        path = tmp_path / "g"
        graph.save(path)
        path.write_bytes(path.read_bytes()[:-100])
        assert PersonalGraph.load(path, model=MODEL, revision=1) is None


def test_what_was_known_of_moments_changes_nothing() -> None:
    life = sample_life()
    before = build_graph(life.snapshot(), TAGS)
    for n in range(4):
        life.shoot(datetime(2021, 7, 6, 9, 5 + 9 * n), "sea", at="Biarritz")
    life.items[0] = replace(life.items[0], tags={"sunset": 0.9})
    life.decide(f"moment:{life.items[8].photo.taken:%Y-%m-%d}T18:00:00", Decision.HIDE)
    after = build_graph(life.snapshot(), TAGS, earlier=before)
    assert after.as_json() == build_graph(life.snapshot(), TAGS).as_json()
    kept = sum(page is before.pages.get(key) for key, page in after.pages.items())
    assert 0 < len(after.pages) - kept <= 4


def test_an_empty_library_has_an_empty_graph() -> None:
    graph = build_graph(Life().snapshot(), TAGS)
    assert len(graph) == 0
    assert graph.interests() == ()
    assert graph.places() == graph.people() == graph.trips() == ()


cities = st.sampled_from(["home", "Lisbon", "Kyoto", "Auckland", None, (0.0, 180.0), (90.0, -180.0)])
times = st.datetimes(datetime(1990, 1, 1), datetime(2035, 12, 31))
shots = st.tuples(times, cities, st.sampled_from([*TAGS, "daily"]), st.sampled_from(list(DateSource)))


@settings(max_examples=40, deadline=None)
@given(st.lists(shots, max_size=40))
def test_any_library_has_a_graph_in_which_only_certain_dates_count(shots: list[tuple]) -> None:  # type: ignore[type-arg]
    life = Life()
    vector = life.look("daily")
    assert vector.shape == (EMBEDDING_DIMENSIONS,)
    for taken, at, theme, source in shots:
        life.shoot(taken, theme, at=at, source=source, vector=vector)
    graph = build_graph(life.snapshot(), TAGS)
    certain = {item.photo.id for item in life.items if is_placed(item.photo)}
    assert {photo for moment in graph.moments() for photo in moment.photo_ids} <= certain
    nx.parse_graphml(graph.as_graphml(), force_multigraph=True)
