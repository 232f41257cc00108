"""Choosing few out of many: the laws that every choice keeps."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
from fakes.library import SPOILED, TAGS, Life
from hypothesis import given, settings
from hypothesis import strategies as st

from photos_engine.selection import (
    MAX_LIKENESS,
    MIN_APART_S,
    choose_varied,
    rank_for_cover,
    shortlist,
)
from photos_engine.types import (
    AnalysedPhoto,
    DateSource,
    DetectedObject,
    FloatArray,
    PersonRegion,
    QualitySignals,
    Stack,
)
from photos_engine.worth import rate_photo

START = datetime(2022, 6, 1, 9)


def shelf(life: Life) -> tuple[tuple[AnalysedPhoto, ...], FloatArray, list[float]]:
    snapshot = life.snapshot()
    return snapshot.photos, snapshot.embeddings, [rate_photo(item, TAGS) for item in snapshot.photos]


def quality(overall: float) -> QualitySignals:
    return QualitySignals(overall, overall, overall, overall)


shots = st.lists(
    st.tuples(
        st.integers(0, 86400 * 3), st.sampled_from(["beach", "city", "dog", ""]), st.floats(0, 1), st.integers(0, 8)
    ),
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(shots, st.integers(0, 35))
def test_the_laws_of_a_choice(shots: list[tuple[int, str, float, int]], count: int) -> None:
    life = Life()
    looks = {theme: life.look(theme) for theme in ("beach", "city", "dog", "")}
    for offset, theme, worth, group in shots:
        # Within a theme photos are more or less alike; every ninth or so belongs to a stack.
        vector = life.look("", looks[theme], noise=worth)
        stack = Stack(f"g{group}", "burst", "nobody") if group < 3 else None
        life.shoot(START + timedelta(seconds=offset), theme, quality=quality(worth), vector=vector, stack=stack)
    items, embeddings, worths = shelf(life)
    choice = choose_varied(items, embeddings, count, worths)

    assert len(choice.chosen) <= count
    ids = [item.photo.id for item in choice.chosen]
    assert Counter(ids + [r.photo_id for r in choice.rejected]) == (Counter(i.photo.id for i in items) if count else {})
    assert set(choice.reasons) == set(ids)
    assert all(choice.reasons[i] for i in ids)
    assert all(r.reasons for r in choice.rejected)
    times = [item.photo.taken for item in choice.chosen]
    assert times == sorted(times)
    assert all((b - a).total_seconds() >= MIN_APART_S for a, b in pairwise(times))
    groups = [item.stack.group_id for item in choice.chosen if item.stack]
    assert len(groups) == len(set(groups))
    rows = [n for n, item in enumerate(items) if item.photo.id in set(ids)]
    likeness = embeddings[rows] @ embeddings[rows].T
    assert np.all(likeness[np.triu_indices(len(rows), 1)] <= MAX_LIKENESS + 1e-5)
    assert choose_varied(items, embeddings, count, worths) == choice


@given(
    st.lists(st.tuples(st.integers(0, 1000), st.floats(0, 1)), min_size=1, max_size=80),
    st.integers(1, 12),
    st.integers(1, 6),
)
def test_a_shortlist_has_the_best_of_every_part(shots: list[tuple[int, float]], parts: int, each: int) -> None:
    time, worth = np.array([t for t, _ in shots], np.float64), np.array([w for _, w in shots])
    rows = shortlist(time, worth, parts, each)
    assert rows.tolist() == sorted(set(rows.tolist()))
    span = max(1e-9, float(np.ptp(time)))
    part = np.minimum((time - time.min()) / span * parts, parts - 1).astype(int)
    for n in range(parts):
        members = set(np.flatnonzero(part == n).tolist())
        taken = members & set(rows.tolist())
        assert len(taken) == min(each, len(members)) or len(time) <= each
        left = members - taken
        assert not left or max(worth[list(left)]) <= min(worth[list(taken)])


def test_files_copied_together_were_not_taken_within_seconds() -> None:
    life = Life()
    for theme in ("beach", "city", "dog"):
        life.shoot(START, theme, source=DateSource.FILE_TIME)
    items, embeddings, worths = shelf(life)
    assert len(choose_varied(items, embeddings, 3, worths).chosen) == 3


def test_every_part_of_the_time_has_its_share_however_much_was_photographed_in_it() -> None:
    life = Life()
    for n in range(100):
        life.shoot(START + timedelta(minutes=n))  # a busy morning
    for day in range(1, 10):
        for n in range(2):
            life.shoot(START + timedelta(days=day, hours=3 * n))
    choice = choose_varied(*shelf(life)[:2], 20, shelf(life)[2])
    per_day = Counter(item.photo.taken.date() for item in choice.chosen)
    assert len(per_day) == 10
    assert max(per_day.values()) <= 3


def test_a_part_with_nothing_left_gives_its_share_to_the_others() -> None:
    life = Life()
    life.shoot(START)
    for n in range(30):
        life.shoot(START + timedelta(days=5, minutes=5 * n))
    items, embeddings, worths = shelf(life)
    assert len(choose_varied(items, embeddings, 12, worths).chosen) == 12


def test_the_better_of_two_alike_is_chosen_and_the_other_says_why_not() -> None:
    life = Life()
    look = life.look("beach")
    worse = life.shoot(START, "beach", vector=look, quality=quality(0.3))
    better = life.shoot(START + timedelta(hours=1), "beach", vector=life.look("", look, 0.1), quality=quality(0.9))
    items, embeddings, worths = shelf(life)
    choice = choose_varied(items, embeddings, 2, worths)
    assert [item.photo.id for item in choice.chosen] == [better.photo.id]
    (rejected,) = choice.rejected
    assert rejected.photo_id == worse.photo.id
    assert [reason.code for reason in rejected.reasons] == ["alike"]


def test_of_a_stack_the_keeper_is_chosen_though_another_is_rated_higher() -> None:
    life = Life()
    keeper = life.shoot(START, "beach", quality=quality(0.4))
    stack = Stack("g", "similar", keeper.photo.id)
    life.items[0] = AnalysedPhoto(keeper.photo, keeper.tags, keeper.utility, keeper.quality, keeper.print, stack)
    life.shoot(START + timedelta(hours=1), "city", quality=quality(0.9), stack=stack)
    items, embeddings, worths = shelf(life)
    choice = choose_varied(items, embeddings, 2, worths)
    assert [item.photo.id for item in choice.chosen] == [keeper.photo.id]
    assert [r.reasons[0].code for r in choice.rejected] == ["stack"]


def test_different_looks_are_preferred() -> None:
    life = Life()
    look = life.look("beach")
    for n in range(6):
        life.shoot(START + timedelta(minutes=10 * n), "beach", vector=life.look("", look, 0.6))
    other = life.shoot(START + timedelta(minutes=25), "city")
    items, embeddings, worths = shelf(life)
    chosen = choose_varied(items, embeddings, 3, [0.5] * len(worths)).chosen
    assert other.photo.id in {item.photo.id for item in chosen}


def test_more_than_there_are_gives_all_there_are() -> None:
    life = Life()
    for n in range(5):
        life.shoot(START + timedelta(days=n), "beach")
    items, embeddings, worths = shelf(life)
    assert len(choose_varied(items, embeddings, 10**23, worths).chosen) == 5


def test_nothing_gives_nothing() -> None:
    empty = np.zeros((0, 512), dtype=np.float32)
    assert choose_varied((), empty, 5, []).chosen == ()
    assert rank_for_cover((), empty, []) == ()


def test_worth_rises_with_quality_with_what_is_shown_and_with_what_the_person_thinks() -> None:
    life = Life()
    plain = life.shoot(START, "city")
    assert rate_photo(life.shoot(START, "city", quality=SPOILED), TAGS) < rate_photo(plain, TAGS)
    assert rate_photo(life.shoot(START, "baby"), TAGS) > rate_photo(plain, TAGS)
    assert rate_photo(life.shoot(START, "city", people=["Anna"]), TAGS) > rate_photo(plain, TAGS)
    beautiful, ugly = (life.shoot(START, "city", aesthetics=beauty) for beauty in (1.0, 0.1))
    assert rate_photo(ugly, TAGS) < rate_photo(plain, TAGS) < rate_photo(beautiful, TAGS)
    assert all(0 <= rate_photo(item, TAGS) <= 1 for item in life.items)


def test_a_covers_title_lies_on_nothing_that_matters() -> None:
    life = Life()
    look = life.look("beach")
    for top in (0.7, 0.1):
        dog = DetectedObject("dog", (0.2, top, 0.5, top + 0.25), 0.9)
        life.shoot(START + timedelta(hours=top), "beach", vector=look, objects=[dog])
    face = life.shoot(START + timedelta(hours=9), "beach", vector=look)
    people = (PersonRegion("Ada", (0.2, 0.7, 0.4, 0.95)),)
    life.items[2] = replace(face, photo=replace(face.photo, facts=replace(face.photo.facts, people=people)))
    items, embeddings, _ = shelf(life)
    by_id = {r.photo.id: r for r in rank_for_cover(items, embeddings, [0.5] * 3)}
    covered = ["covered" in {reason.code for reason in by_id[item.photo.id].reasons} for item in life.items]
    assert covered == [True, False, True]
    assert max(by_id.values(), key=lambda r: r.score).photo.id == life.items[1].photo.id


def test_a_cover_is_good_typical_and_wide() -> None:
    life = Life()
    look = life.look("beach")
    upright = life.shoot(START, "beach", vector=life.look("", look, 0.2), size=(3000, 4000))
    odd = life.shoot(START + timedelta(hours=2), "city")
    wide = life.shoot(START + timedelta(hours=1), "beach", vector=life.look("", look, 0.2))
    for n in range(3):
        life.shoot(START + timedelta(hours=3 + n), "beach", vector=life.look("", look, 0.5), quality=quality(0.3))
    ranked = rank_for_cover(*shelf(life))
    order = [r.photo.id for r in ranked]
    assert order[0] == wide.photo.id
    assert order.index(upright.photo.id) > 0
    assert order.index(odd.photo.id) > order.index(wide.photo.id)
    assert [r.score for r in ranked] == sorted((r.score for r in ranked), reverse=True)
    assert {reason.code for reason in ranked[0].reasons} == {"worth", "typical", "landscape"}
