"""Memories: which there are, what they say, what they show and never show, and which come up on a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from fakes.library import SPOILED, TAGS, Life

from photos_engine.experiences.memories import MAX_A_DAY, MAX_PHOTOS, choose_for_day, make_memories
from photos_engine.experiences.memories.music import MOODS
from photos_engine.graph import build_graph
from photos_engine.types import DateSource, Decision, Memory, QualitySignals, Reaction, Showing, Stack

ON = date(2023, 3, 1)


def memories_of(life: Life, on: date = ON, **options: Any) -> Mapping[str, Memory]:
    snapshot = life.snapshot()
    made = make_memories(snapshot, build_graph(snapshot, TAGS), TAGS, on=on, **options)
    return {memory.id: memory for memory in made}


def sample_life() -> Life:
    life = Life(home="Lyon")
    life.live(date(2021, 1, 1), date(2023, 1, 1), every_days=2)
    life.live(date(2021, 1, 2), date(2023, 1, 1), every_days=9, theme="pet")
    life.stay(date(2021, 7, 5), 5, "Biarritz", "beach", people=["Anna"])
    life.stay(date(2022, 5, 7), 2, "Annecy", "lake")
    life.stay(date(2022, 10, 3), 7, "Biarritz", "sea")
    for year in (2021, 2022):
        for n in range(10):
            life.shoot(datetime(year, 12, 25, 12) + timedelta(minutes=15 * n), "christmas")
    for n in range(6):
        life.shoot(datetime(2022, 6, 11, 10) + timedelta(minutes=30 * n), "mountain", at="Chamonix")
    return life


@pytest.fixture(scope="module")
def memories() -> Mapping[str, Memory]:
    return memories_of(sample_life())


def test_a_pet_with_photos_to_spare_is_told_by_the_surer_ones_and_by_no_theme_besides() -> None:
    life = Life(home="Lyon")
    life.live(date(2021, 1, 1), date(2023, 1, 1), every_days=9)
    life.live(date(2021, 1, 2), date(2023, 1, 1), every_days=4, theme="pet")
    dogs = [n for n, item in enumerate(life.items) if "dog" in item.tags]
    for n in dogs[::2]:
        life.items[n] = replace(life.items[n], tags={"dog": 0.97, "pet": 0.97})
    found = memories_of(life)
    surer = {life.items[n].photo.id for n in dogs[::2]}
    assert {photo.id for photo in found["memory:pet:dog"].photos} <= surer
    assert not {"memory:theme:dog", "memory:theme:pet", "memory:theme:animal"} & set(found)


def test_years_are_those_of_the_photos_shown() -> None:
    life = Life(home="Lyon")
    life.live(date(2021, 1, 3), date(2023, 1, 1), every_days=4, theme="pet")
    # Of two shots within seconds only one is shown, and the year of the other isn't spoken of.
    poorer = life.shoot(datetime(2020, 12, 31, 23, 59, 57), "pet", quality=QualitySignals(0.6, 0.6, 0.6, 0.6))
    life.shoot(datetime(2021, 1, 1, 0, 0, 2), "pet")
    memory = memories_of(life)["memory:pet:dog"]
    assert poorer.photo.id not in {photo.id for photo in memory.photos}
    assert memory.subtitle == "2021 and 2022"


class TestKinds:
    def test_each_kind_is_found_and_its_title_is_true(self, memories: Mapping[str, Memory]) -> None:
        titles = {id_: (m.title, m.subtitle) for id_, m in memories.items()}
        thin = "\u2009"  # as Babel sets it around a dash
        expected = {
            "memory:trip:2021-07-05-biarritz": ("Biarritz", f"Jul 5{thin}–{thin}9, 2021 · France"),
            "memory:trip:2022-05-07-annecy": ("A weekend in Annecy", f"May 7{thin}–{thin}8, 2022 · France"),
            "memory:trip:2022-10-03-biarritz": ("A week in Biarritz", f"Oct 3{thin}–{thin}9, 2022 · France"),
            "memory:day_out:2022-06-11-chamonix": ("A day in Chamonix", "June 11, 2022 · France"),
            "memory:celebration:2021-12-25-christmas": ("Christmas 2021", "December 25, 2021 · Lyon"),
            "memory:celebration:christmas": ("Christmas over the years", "2021 and 2022"),
            "memory:place_over_years:FR/Biarritz": ("Biarritz over the years", "2021 and 2022"),
            "memory:person:anna": ("Anna", "2021"),
            "memory:pet:dog": ("Life with dogs", "2021 and 2022"),
            "memory:year_in_review:2021": ("2021 in review", f"Jan 1{thin}–{thin}Dec 31, 2021"),
            "memory:season:summer-2021-06": ("Summer 2021", f"Jun 2{thin}–{thin}Aug 31, 2021"),
        }
        assert {id_: titles.get(id_) for id_ in expected} == expected

    def test_every_memory_is_complete(self, memories: Mapping[str, Memory]) -> None:
        for memory in memories.values():
            assert memory.id.startswith(f"memory:{memory.kind}:")
            assert 4 <= len(memory.photos) <= MAX_PHOTOS
            assert memory.cover in memory.photos
            times = [photo.taken for photo in memory.photos]
            assert times == sorted(times)
            assert (memory.start, memory.end) == (times[0], times[-1])
            assert set(memory.photo_reasons) == {photo.id for photo in memory.photos}
            assert all(memory.photo_reasons.values())
            assert all(rejected.reasons for rejected in memory.rejected)
            assert memory.reasons
            assert memory.music.mood in MOODS
            assert 0 <= memory.music.energy <= 1
            assert 0 < memory.score <= 1

    def test_two_runs_are_equal_and_best_comes_first(self) -> None:
        first, second = memories_of(sample_life()), memories_of(sample_life())
        assert list(first.values()) == list(second.values())
        scores = [memory.score for memory in first.values()]
        assert scores == sorted(scores, reverse=True)
        assert list(memories_of(sample_life(), limit=3).values()) == list(first.values())[:3]

    def test_a_theme_shows_its_theme_and_a_wide_one_gives_way_to_its_narrower_ones(self) -> None:
        life = Life(home="Lyon")
        life.live(date(2021, 1, 1), date(2022, 1, 1), every_days=1)
        life.live(date(2021, 1, 2), date(2022, 1, 1), every_days=7, theme="soccer")
        life.live(date(2021, 1, 3), date(2022, 1, 1), every_days=9, theme="sunset")
        found = memories_of(life, date(2022, 1, 5))
        assert "memory:theme:soccer" in found
        assert "memory:theme:sport" not in found
        shown = {photo.id for photo in found["memory:theme:sunset"].photos}
        assert shown <= {item.photo.id for item in life.items if "sunset" in item.tags}

    def test_a_southern_journey_is_no_summer_of_its_own(self) -> None:
        life = sample_life()
        life.stay(date(2022, 1, 10), 8, "Cape Town", "beach")
        found = memories_of(life)
        assert "memory:trip:2022-01-10-cape-town" in found
        assert found["memory:season:summer-2021-06"].end.date() < date(2021, 9, 1)
        assert "memory:season:summer-2021-12" not in found

    def test_recent_highlights_are_of_the_last_weeks(self) -> None:
        life = Life()
        life.live(date(2023, 1, 1), ON, every_days=2)
        recent = memories_of(life)["memory:recent_highlights:2023-03"]
        assert all(ON - timedelta(30) < photo.taken.date() <= ON for photo in recent.photos)


class TestOnThisDay:
    @staticmethod
    def party(life: Life, start: datetime, photos: int = 8) -> None:
        for n in range(photos):
            life.shoot(start + timedelta(minutes=20 * n))

    def test_past_years_come_up_on_their_day(self) -> None:
        life = Life()
        self.party(life, datetime(2018, 3, 1, 10))
        self.party(life, datetime(2022, 3, 1, 10))
        found = memories_of(life)
        assert found["memory:on_this_day:03-01:2018"].title == "5 years ago today"
        assert found["memory:on_this_day:03-01:2022"].title == "1 year ago today"
        assert found["memory:on_this_day:03-01:2022"].subtitle == "March 1, 2022 · Lyon"
        assert found["memory:on_this_day:03-01"].subtitle == "2018 and 2022"

    def test_days_around_are_not_called_today(self) -> None:
        life = Life()
        self.party(life, datetime(2021, 3, 3, 10))
        (memory,) = [m for m in memories_of(life).values() if m.kind == "on_this_day"]
        assert memory.title == "2 years ago, around this day"

    def test_a_party_past_midnight_belongs_to_its_evening(self) -> None:
        life = Life()
        self.party(life, datetime(2021, 2, 28, 22), 12)
        assert memories_of(life, date(2023, 2, 28))["memory:on_this_day:02-28:2021"].title == "2 years ago today"

    def test_29_february_comes_up_on_its_day_and_around_the_28th(self) -> None:
        life = Life()
        self.party(life, datetime(2020, 2, 29, 10))
        on_leap_day = memories_of(life, date(2024, 2, 29))
        assert on_leap_day["memory:on_this_day:02-29:2020"].title == "4 years ago today"
        around = memories_of(life, date(2023, 2, 28))
        assert around["memory:on_this_day:02-28:2020"].title == "3 years ago, around this day"

    def test_on_29_february_no_28th_of_another_year_is_called_today(self) -> None:
        life = Life()
        self.party(life, datetime(2023, 2, 28, 10))
        titles = {m.title for m in memories_of(life, date(2024, 2, 29)).values() if m.kind == "on_this_day"}
        assert titles == {"A year ago, around this day"}

    def test_the_day_is_that_of_the_photos_own_clock(self) -> None:
        life = Life()
        honolulu = timezone(timedelta(hours=-10))
        for n in range(8):  # in UTC these are of 2 March
            life.shoot(datetime(2022, 3, 1, 19, 5 * n, tzinfo=honolulu), at="Honolulu")
        memory = memories_of(life)["memory:on_this_day:03-01:2022"]
        assert (memory.title, memory.subtitle) == ("1 year ago today", "March 1, 2022 · Honolulu")


class TestNeverShown:
    def test_what_came_out_badly_is_told_only_where_the_person_likes_it(self) -> None:
        life = sample_life()
        bad = QualitySignals(0.9, 0.9, 0.9, 0.25)
        start = datetime(2021, 7, 6, 9, 7)
        poor = life.shoot(start, "beach", at="Biarritz", quality=bad)
        liked = life.shoot(
            start + timedelta(hours=2), "beach", at="Biarritz", quality=bad, decisions=[Decision.FAVOURITE]
        )
        candidates = {
            photo_id
            for memory in memories_of(life).values()
            for photo_id in (*(p.id for p in memory.photos), *(r.photo_id for r in memory.rejected))
        }
        assert poor.photo.id not in candidates
        assert liked.photo.id in candidates

    def test_utility_spoiled_copies_bursts_hidden_and_undated_photos(self) -> None:
        life = sample_life()
        start = datetime(2021, 7, 6, 9, 7)
        keeper = life.shoot(start, "beach", at="Biarritz")
        unwanted = [
            life.shoot(start + timedelta(hours=1), "beach", at="Biarritz", utility="receipt", tags=()),
            life.shoot(start + timedelta(hours=2), "beach", at="Biarritz", quality=SPOILED),
            life.shoot(start, "beach", at="Biarritz", stack=Stack("g", "burst", keeper.photo.id)),
            life.shoot(start, "beach", at="Biarritz", stack=Stack("h", "copy", keeper.photo.id)),
            life.shoot(start + timedelta(hours=3), "beach", at="Biarritz", decisions=[Decision.HIDE]),
            life.shoot(start + timedelta(hours=4), "beach", at="Biarritz", source=DateSource.FOLDER),
        ]
        never = {item.photo.id for item in unwanted}
        for memory in memories_of(life).values():
            assert never.isdisjoint(photo.id for photo in memory.photos), memory.id

    def test_a_page_is_no_memory_but_writing_beside_something_else_may_be(self) -> None:
        life = sample_life()
        start = datetime(2021, 7, 6, 9, 7)
        page = life.shoot(start, "page", at="Biarritz", vector=life.look("page"))
        sign = life.shoot(start + timedelta(hours=1), "sign", at="Biarritz", vector=life.look("sign"))
        for item, tags in ((page, {"text": 0.98}), (sign, {"text": 0.98, "beach": 0.9})):
            life.items[item.photo.key - 1] = replace(item, tags=tags)
        shown = {p.id for p in memories_of(life)["memory:trip:2021-07-05-biarritz"].photos}
        assert page.photo.id not in shown
        assert sign.photo.id in shown

    def test_photos_of_a_hidden_person_place_trip_or_year(self) -> None:
        life = sample_life()
        life.decide("person:anna", Decision.HIDE)
        life.decide("city:FR/Chamonix", Decision.HIDE)
        life.decide("trip:2022-10-03-biarritz", Decision.HIDE)
        life.shoot(datetime(2020, 12, 24, 12))
        life.decide("year:2020", Decision.HIDE)
        never = {
            item.photo.id
            for item in life.items
            if item.photo.facts.people
            or (item.photo.place and item.photo.place.city == "Chamonix")
            or item.photo.taken.year == 2020
            or date(2022, 10, 3) <= item.photo.taken.date() <= date(2022, 10, 9)
        }
        found = memories_of(life)
        assert not {"memory:person:anna", "memory:trip:2022-10-03-biarritz"} & set(found)
        for memory in found.values():
            assert never.isdisjoint(photo.id for photo in memory.photos), memory.id

    def test_nothing_later_than_the_day(self) -> None:
        on = date(2022, 1, 1)
        for memory in memories_of(sample_life(), on).values():
            assert memory.end.date() <= on

    def test_a_library_without_certain_dates_has_no_memories(self) -> None:
        life = Life()
        for n in range(50):
            life.shoot(datetime(2022, 3, 1) + timedelta(days=n), source=DateSource.FILE_TIME)
        assert memories_of(life) == {}

    def test_the_first_and_the_last_year_of_the_calendar(self) -> None:
        life = Life(home="Lyon")
        life.live(date(1, 1, 2), date(1, 4, 1), every_days=4)
        life.live(date(9999, 10, 1), date.max, every_days=4)
        for on in (date(2024, 2, 29), date.max):
            assert memories_of(life, on)

    def test_an_empty_library(self) -> None:
        assert memories_of(Life()) == {}


class TestDecisions:
    def test_a_hidden_memory_stays_away_and_undo_brings_it_back(self) -> None:
        life = sample_life()
        life.decide("memory:trip:2021-07-05-biarritz", Decision.HIDE, "memory")
        assert "memory:trip:2021-07-05-biarritz" not in memories_of(life)
        life.decide("memory:trip:2021-07-05-biarritz", Decision.UNDO, "memory")
        assert "memory:trip:2021-07-05-biarritz" in memories_of(life)

    @pytest.mark.parametrize(
        ("subject", "kind"), [("memory:pet:dog", "memory"), ("tag:dog", "node")], ids=["the memory", "its node"]
    )
    def test_featured_less_is_scored_lower(self, memories: Mapping[str, Memory], subject: str, kind: str) -> None:
        life = sample_life()
        life.decide(subject, Decision.FEATURE_LESS, kind)
        less = memories_of(life)["memory:pet:dog"]
        assert less.score < memories["memory:pet:dog"].score / 2
        assert "feature_less" in {reason.code for reason in less.reasons}

    def test_an_id_outlives_a_late_import(self) -> None:
        life = sample_life()
        before = set(memories_of(life))
        life.shoot(datetime(2021, 7, 7, 15, 3), "beach", at="Biarritz")
        assert before <= set(memories_of(life))


class TestOfADay:
    def test_few_and_varied(self, memories: Mapping[str, Memory]) -> None:
        chosen = choose_for_day(tuple(memories.values()), ON)
        assert 0 < len(chosen) <= MAX_A_DAY
        assert len({memory.kind for memory in chosen}) >= 5
        for n, memory in enumerate(chosen):
            seen = {photo.id for other in chosen[:n] for photo in other.photos}
            assert sum(photo.id in seen for photo in memory.photos) <= len(memory.photos) / 2

    def test_the_same_all_day_and_others_on_other_days(self, memories: Mapping[str, Memory]) -> None:
        made = tuple(memories.values())
        assert choose_for_day(made, ON) == choose_for_day(made[::-1], ON)
        days = {tuple(m.id for m in choose_for_day(made, ON + timedelta(n))) for n in range(5)}
        assert len(days) > 1

    def test_what_came_up_stands_for_the_day_whatever_comes_in(self, memories: Mapping[str, Memory]) -> None:
        made = tuple(memories.values())
        first = choose_for_day(made[5:], ON)
        again = choose_for_day(made, ON, [Showing(m.id, ON, Reaction.SHOWN) for m in first])
        assert again[: len(first)] == first
        assert len(again) <= MAX_A_DAY

    @pytest.mark.parametrize("reaction", list(Reaction))
    def test_what_came_up_rests_by_what_was_made_of_it(
        self, memories: Mapping[str, Memory], reaction: Reaction
    ) -> None:
        made = tuple(memories.values())
        rest = {Reaction.LIKED: 1, Reaction.OPENED: 3, Reaction.SHOWN: 7, Reaction.DISMISSED: 30}[reaction]
        first = choose_for_day(made, ON)
        for days, is_back in ((1, False), (rest, False), (rest + 1, True)):
            shown = [Showing(m.id, ON - timedelta(days), reaction) for m in first]
            chosen = choose_for_day(made, ON, shown)
            assert (chosen == first) if is_back else {m.id for m in chosen}.isdisjoint(m.id for m in first)

    def test_what_was_dismissed_is_gone_from_the_same_day(self, memories: Mapping[str, Memory]) -> None:
        made = tuple(memories.values())
        first = choose_for_day(made, ON)
        shown = [Showing(m.id, ON, Reaction.DISMISSED if m is first[0] else Reaction.SHOWN) for m in first]
        assert choose_for_day(made, ON, shown)[: len(first) - 1] == first[1:]

    def test_what_will_come_up_later_changes_nothing(self, memories: Mapping[str, Memory]) -> None:
        made = tuple(memories.values())
        later = [Showing(m.id, ON + timedelta(1), Reaction.DISMISSED) for m in made]
        assert choose_for_day(made, ON, later) == choose_for_day(made, ON)

    def test_an_anniversary_raises_a_memory(self) -> None:
        life = sample_life()
        id_ = "memory:trip:2021-07-05-biarritz"
        assert memories_of(life, date(2022, 7, 6))[id_].score > memories_of(life, date(2022, 4, 6))[id_].score

    def test_none_of_none(self) -> None:
        assert choose_for_day((), ON) == ()


def test_a_theme_of_unsure_photos_is_not_told() -> None:
    life = Life(home="Lyon")
    life.live(date(2021, 1, 1), date(2022, 1, 1), every_days=1)
    life.live(date(2021, 1, 2), date(2022, 1, 1), every_days=7, theme="sunset")
    assert "memory:theme:sunset" in memories_of(life)
    for n, item in enumerate(life.items):
        life.items[n] = replace(item, tags=dict.fromkeys(item.tags, 0.7))
    assert "memory:theme:sunset" not in memories_of(life)
