from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
import pytest
from fakes.library import GOOD, SPOILED, TAGS, Life

from photos_engine.experiences.featured import choose_featured
from photos_engine.graph import build_graph
from photos_engine.types import Decision, FloatArray, QualitySignals, RankedPhoto, Stack

NOON = datetime(2022, 5, 1, 12)
TODAY = date(2024, 7, 1)
THEMES = ("beach", "pet", "mountain", "soccer", "christmas", "forest", "sunset", "baby", "lake", "snow")


@pytest.fixture
def life() -> Life:
    """Two years: every few days a photo of another theme, some abroad."""
    life = Life()
    for n in range(200):
        quality = QualitySignals(0.8, 0.8, 0.9, 0.5 + (n * 37 % 50) / 100)
        at = "Kyoto" if 80 <= n < 100 else "home"
        life.shoot(NOON + timedelta(days=3 * n), THEMES[n % len(THEMES)], at=at, quality=quality)
    return life


def choose(
    life: Life, *, on: date = TODAY, limit: int = 20, taste: FloatArray | None = None
) -> tuple[RankedPhoto, ...]:
    snapshot = life.snapshot()
    return choose_featured(snapshot, build_graph(snapshot, TAGS), TAGS, on=on, limit=limit, taste=taste)


def test_it_chooses_as_many_as_asked_best_first(life: Life) -> None:
    featured = choose(life)
    assert len(featured) == 20
    assert len({ranked.photo.id for ranked in featured}) == 20
    assert [r.score for r in featured] == sorted((r.score for r in featured), reverse=True)
    assert all(0 <= ranked.score <= 1 and ranked.reasons for ranked in featured)


def test_it_is_varied(life: Life) -> None:
    themes = {item.photo.id: next(iter(item.tags)) for item in life.items}
    featured = choose(life)
    assert len({themes[ranked.photo.id] for ranked in featured}) >= 8
    assert {ranked.photo.taken.year for ranked in featured} == {2022, 2023}
    assert {ranked.photo.place.city for ranked in featured if ranked.photo.place} == {"Lyon", "Kyoto"}


def test_it_is_stable_within_a_day_and_turns_over_days(life: Life) -> None:
    today, tomorrow = choose(life), choose(life, on=TODAY + timedelta(days=1))
    assert today == choose(life)
    ids = [{ranked.photo.id for ranked in day} for day in (today, tomorrow)]
    assert ids[0] != ids[1]


def test_what_may_not_be_shown_is_never_featured(life: Life) -> None:
    best = QualitySignals(1, 1, 1, 1)
    withheld = [
        life.shoot(NOON, "beach", quality=best, decisions=[Decision.HIDE]),
        life.shoot(NOON, "beach", quality=best, decisions=[Decision.FEATURE_LESS]),
        life.shoot(NOON, "beach", quality=best, utility="screenshot", camera=False, at=None),
        life.shoot(NOON, "beach", quality=replace(SPOILED, overall=1.0)),
        life.shoot(NOON, "beach", quality=best, stack=Stack("copy-1", "copy", "another")),
    ]
    featured = {ranked.photo.id for ranked in choose(life, limit=200)}
    assert not featured & {item.photo.id for item in withheld}


def test_what_may_be_a_poster_ranks_lower() -> None:
    life = Life()
    item = life.shoot(NOON, "beach")
    (before,) = choose(life)
    life.items[-1] = replace(item, utility={**item.utility, "meme": 0.9})  # a camera took it, so that it is surely none
    (after,) = choose(life)
    assert after.score < before.score
    assert "useful" in {reason.code for reason in after.reasons}


def test_near_copies_are_not_featured_together(life: Life) -> None:
    vector = life.look("twin")
    for n in range(5):
        life.shoot(
            NOON + timedelta(days=n), "beach", quality=QualitySignals(1, 1, 1, 1), vector=vector, path=f"{n}.jpg"
        )
    assert sum(ranked.photo.path.name in {f"{n}.jpg" for n in range(5)} for ranked in choose(life)) == 1


def test_what_was_asked_to_see_less_of_stays_away(life: Life) -> None:
    assert any(ranked.photo.id for ranked in choose(life))
    life.decide("tag:beach", Decision.FEATURE_LESS)
    beach = {item.photo.id for item in life.items if "beach" in item.tags}
    assert not beach & {ranked.photo.id for ranked in choose(life)}


def test_taste_moves_what_is_liked_up(life: Life) -> None:
    taste = np.array([1.0 if "forest" in item.tags else 0.5 for item in life.snapshot().photos], np.float32)

    def count(featured: tuple[RankedPhoto, ...]) -> int:
        forest = {item.photo.id for item in life.items if "forest" in item.tags}
        return len(forest & {ranked.photo.id for ranked in featured[:10]})

    assert count(choose(life, taste=taste)) > count(choose(life))


def test_what_is_rare_in_a_life_goes_before_the_everyday() -> None:
    life = Life()
    for n in range(40):
        life.shoot(NOON + timedelta(days=n), "beach")
    rare = life.shoot(NOON + timedelta(days=60), "sea")
    sure = {ranked.photo.id: ranked for ranked in choose(life, limit=41)}
    rarely = {code.code: code.weight for code in sure[rare.photo.id].reasons}
    assert rarely["rare"] > 0.05
    others = [reason.weight for ranked in sure.values() for reason in ranked.reasons if reason.code == "rare"]
    assert sorted(others)[-1] == rarely["rare"] > 3 * max(sorted(others)[:-1], default=0)


def test_of_two_that_came_out_alike_the_beautiful_one_goes_first() -> None:
    life = Life()
    for n, beauty in enumerate((0.2, 0.9)):
        life.shoot(NOON + timedelta(days=30 * n), "beach", aesthetics=beauty)
    assert [ranked.photo.id for ranked in choose(life)] == [life.items[1].photo.id, life.items[0].photo.id]


def test_photos_that_show_nothing_memorable_need_the_persons_word() -> None:
    life = Life()
    plain = life.shoot(NOON, tags=["outdoors"], quality=GOOD)
    assert choose(life) == ()
    life.items[0] = replace(plain, photo=replace(plain.photo, decisions=frozenset({Decision.FAVOURITE})))
    assert [ranked.photo.id for ranked in choose(life)] == [plain.photo.id]


def test_an_empty_library_has_none() -> None:
    assert choose(Life()) == ()
