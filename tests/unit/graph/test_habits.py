"""Habits: what belongs to a weekday, where working days are spent, and the things that are seen."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from fakes.library import POINTS, TAGS, Life

from photos_engine.graph import PersonalGraph, build_graph
from photos_engine.types import Decision, DetectedObject

FIRST_SATURDAY = datetime(2021, 1, 2, 10)
LYON = POINTS["Lyon"]


def at_home() -> Life:
    life = Life(home="Lyon")
    life.live(date(2021, 1, 1), date(2022, 1, 1), every_days=2)
    return life


def of_kind(graph: PersonalGraph, kind: str) -> list[str]:
    return [node for node, data in graph.view.nodes(data=True) if data["kind"] == kind]


class TestRoutines:
    def test_football_on_saturdays(self) -> None:
        life = at_home()
        for week in range(20):
            life.shoot(FIRST_SATURDAY + timedelta(weeks=week), "soccer", tags=["soccer"])
        graph = build_graph(life.snapshot(), TAGS)
        assert of_kind(graph, "activity") == ["activity:soccer-saturday"]  # and not sport as well
        node = graph.node("activity:soccer-saturday")
        assert node["label"] == "Soccer on Saturdays"
        assert "on 20 of 20 days" in node["reasons"][0][2]
        assert graph.why(("activity:soccer-saturday", "tag:soccer"))

    def test_what_comes_on_any_day_or_seldom_is_none(self) -> None:
        life = at_home()
        for n in range(40):
            life.shoot(FIRST_SATURDAY + timedelta(days=3 * n), "pet")
        for week in range(5):
            life.shoot(FIRST_SATURDAY + timedelta(weeks=week), "soccer")
        assert of_kind(build_graph(life.snapshot(), TAGS), "activity") == []

    def test_a_routine_can_be_hidden(self) -> None:
        life = at_home()
        for week in range(20):
            life.shoot(FIRST_SATURDAY + timedelta(weeks=week), "soccer")
        life.decide("activity:soccer-saturday", Decision.HIDE)
        assert "activity:soccer-saturday" in build_graph(life.snapshot(), TAGS).hidden()


class TestWork:
    SITE = (LYON[0] + 0.05, LYON[1] + 0.02)

    def test_a_site_of_working_days_is_work_or_school(self) -> None:
        life = at_home()
        for n in range(60):
            day = datetime(2021, 1, 4, 12, 30) + timedelta(days=n * 3)
            if day.weekday() < 5:
                life.shoot(day, at=self.SITE)
        graph = build_graph(life.snapshot(), TAGS)
        assert graph.node("anchor:work")["label"] == "Work or school"
        assert graph.view.has_edge("anchor:work", "city:FR/Lyon")

    def test_a_site_of_weekends_or_evenings_is_not(self) -> None:
        for hour, step in ((12, 7), (22, 3)):
            life = at_home()
            for n in range(40):
                life.shoot(FIRST_SATURDAY.replace(hour=hour) + timedelta(days=n * step), at=self.SITE)
            assert of_kind(build_graph(life.snapshot(), TAGS), "anchor") == []


def test_things_that_are_seen_are_tied_to_the_events_that_they_are_seen_in() -> None:
    life = at_home()
    life.stay(date(2021, 7, 5), 3, "Biarritz", "beach", objects=[DetectedObject("surfboard", (0, 0, 1, 1), 0.9)])
    life.shoot(datetime(2021, 8, 1, 12), objects=[DetectedObject("kite", (0, 0, 1, 1), 0.9)])
    graph = build_graph(life.snapshot(), TAGS)
    assert of_kind(graph, "object") == ["object:surfboard"]
    assert graph.view.has_edge("trip:2021-07-05-biarritz", "object:surfboard")
    assert graph.node("object:surfboard")["days"] == 3
