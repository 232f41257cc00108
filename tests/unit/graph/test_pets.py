"""Pets: animals that recur at home, told apart by their looks where these are clear."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
from fakes.library import TAGS, Life
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from photos_engine.graph import PersonalGraph, build_graph
from photos_engine.graph.pets import cut_tree, link_by_average
from photos_engine.types import Decision, FloatArray, Tag

WITH_CATS = {**TAGS, "cat": Tag("cat", "cat", "animal", ("pet",), (), "cosy", 0.8)}


def see(life: Life, look: FloatArray, times: int, every_days: int = 9, tag: str = "dog", noise: float = 0.6) -> None:
    for n in range(times):
        taken = datetime(2021, 1, 2, 10, 5) + timedelta(days=n * every_days, minutes=n % 7)
        life.shoot(taken, tags=[tag], vector=life.look("", look, noise))


def at_home() -> Life:
    life = Life(home="Lyon")
    life.live(date(2021, 1, 1), date(2022, 1, 1))
    return life


def graph_of(life: Life) -> PersonalGraph:
    return build_graph(life.snapshot(), WITH_CATS)


def test_an_animal_that_recurs_is_a_pet_with_its_photos_and_reasons() -> None:
    life = at_home()
    see(life, life.look("rex"), 20)
    graph = graph_of(life)
    (pet,) = graph.pets()
    assert (pet.node, pet.label, pet.number) == ("pet:dog", "dog", None)
    assert len(pet.photo_ids) >= 18
    assert pet.reasons[0].text.startswith("A dog is on ")
    assert graph.view.has_edge("pet:dog", "tag:dog")


def test_two_that_look_clearly_different_are_two() -> None:
    life = at_home()
    see(life, life.look("rex"), 24)
    see(life, life.look("bella"), 16, every_days=13)
    rex, bella = graph_of(life).pets()
    assert (rex.node, bella.node) == ("pet:dog-1", "pet:dog-2")
    assert len(rex.photo_ids) > len(bella.photo_ids)
    assert not set(rex.photo_ids) & set(bella.photo_ids)


def test_pictures_that_fall_into_no_clear_groups_are_of_one() -> None:
    life = at_home()
    look = life.look("rex")
    see(life, look, 60, every_days=5, noise=2.0)
    assert [pet.node for pet in graph_of(life).pets()] == ["pet:dog"]


def test_species_are_told_apart_by_their_tags() -> None:
    life = at_home()
    see(life, life.look("rex"), 12)
    see(life, life.look("tom"), 12, tag="cat")
    assert [pet.node for pet in graph_of(life).pets()] == ["pet:cat", "pet:dog"]


def test_an_animal_met_on_one_day_or_on_a_journey_is_no_pet() -> None:
    life = at_home()
    for n in range(8):
        life.shoot(datetime(2021, 5, 1, 10, 5 * n), tags=["dog"])
    for month in (3, 6, 9):
        life.stay(date(2021, month, 1), 4, "Biarritz", "pet")
    assert graph_of(life).pets() == ()


def test_a_stranger_is_left_out() -> None:
    life = at_home()
    see(life, life.look("rex"), 30, noise=0.5)
    stranger = life.shoot(datetime(2021, 6, 1, 12, 31), tags=["dog"], vector=life.look("stranger"))
    (pet,) = graph_of(life).pets()
    assert stranger.photo.id not in pet.photo_ids


def test_a_hidden_pet_takes_its_photos_along() -> None:
    life = at_home()
    see(life, life.look("rex"), 20)
    life.decide("pet:dog", Decision.HIDE)
    graph = graph_of(life)
    assert graph.pets() == ()
    assert len(graph.hidden_photo_ids()) >= 18


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 40), st.integers(0, 10_000), st.integers(1, 5))
def test_groups_by_average_linkage_are_those_of_scipy(points: int, seed: int, count: int) -> None:
    at = np.random.default_rng(seed).standard_normal((points, 3))
    apart = np.linalg.norm(at[:, None] - at[None], axis=2)
    found = cut_tree(link_by_average(apart), min(count, points))
    expected = fcluster(linkage(squareform(apart, checks=False), "average"), count, "maxclust")
    assert np.array_equal(found[:, None] == found, expected[:, None] == expected)
