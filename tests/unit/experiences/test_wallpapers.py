from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
import pytest
from fakes.library import GOOD, SPOILED, Life
from hypothesis import given, settings
from hypothesis import strategies as st

from photos_engine.analyzers.taxonomy import Taxonomy
from photos_engine.experiences import wallpapers
from photos_engine.experiences.wallpapers import suggest_wallpapers
from photos_engine.framing import Frame
from photos_engine.horizon import Horizon
from photos_engine.types import Box, DetectedObject, FloatArray, PersonRegion, Photo, Wallpaper

NOON = datetime(2024, 5, 1, 12)
TODAY = date(2024, 7, 1)
FULL_HD = (1920, 1080)


def middle(_: Photo) -> FloatArray:
    saliency = np.full((9, 9), 0.05, np.float32)
    saliency[3:6, 3:6] = 1.0
    return saliency


def bottom(_: Photo) -> FloatArray:
    return np.flipud(np.linspace(1, 0, 90, dtype=np.float32).reshape(9, 10)).copy()


def suggest(
    life: Life, saliency: Any = middle, screen: tuple[int, int] = FULL_HD, **more: Any
) -> tuple[Wallpaper, ...]:
    return suggest_wallpapers(life.snapshot(), saliency, screen=screen, limit=10, on=TODAY, **more)


def test_scenery_is_suggested_with_the_screens_crop() -> None:
    life = Life()
    item = life.shoot(NOON, "mountain")
    (wallpaper,) = suggest(life)
    left, top, right, bottom_ = wallpaper.crop
    assert wallpaper.photo == item.photo
    assert (right - left) * 4000 / ((bottom_ - top) * 3000) == pytest.approx(16 / 9)
    assert {"scene", "calm", "fit"} <= {reason.code for reason in wallpaper.reasons}


@pytest.mark.parametrize(
    "facts",
    [
        {"size": (1600, 1200)},  # would have to be enlarged
        {"quality": SPOILED},
        {"utility": "screenshot", "camera": False, "at": None},
        {"tags": ["basketball"]},
        {"tags": ["mountain", "text"]},
    ],
)
def test_what_doesnt_suit_is_left_out(facts: dict[str, Any]) -> None:
    life = Life()
    life.shoot(NOON, "mountain", **facts)
    assert suggest(life) == ()


def test_what_belongs_to_something_hidden_is_left_out() -> None:
    life = Life()
    item = life.shoot(NOON, "mountain")
    assert len(suggest(life)) == 1
    assert suggest(life, hidden={item.photo.id}) == ()


def test_no_one_is_cut_in_two() -> None:
    life = Life()
    item = life.shoot(NOON, "beach", people=["Ada"])
    assert len(suggest(life)) == 1
    for box, is_suggested in (((0.4, 0, 0.6, 1), False), ((0.4, 0.05, 0.5, 0.3), True), ((0.4, 0.4, 0.5, 0.6), True)):
        facts = replace(item.photo.facts, people=(PersonRegion("Ada", box),))
        life.items[0] = replace(item, photo=replace(item.photo, facts=facts))
        assert len(suggest(life)) == is_suggested


@pytest.mark.parametrize(
    ("box", "is_suggested"),
    [
        ((0.0, 0.0, 0.2, 1.0), False),  # taller than the crop: nobody's legs alone
        ((0.7, 0.3, 0.9, 0.8), True),
        ((0.7, 0.0, 0.75, 0.2), True),  # far off, and half out of it
    ],
)
def test_who_was_found_is_whole_or_far_off(box: Box, is_suggested: bool) -> None:
    life = Life()
    item = life.shoot(NOON, "mountain")
    life.items[0] = replace(item, objects=(DetectedObject("person", box, 0.9),))
    assert len(suggest(life)) == is_suggested


def test_pictures_that_are_busy_under_the_clock_are_left_out() -> None:
    life = Life()
    life.shoot(NOON, "mountain", size=(3000, 4000))
    assert len(suggest(life, bottom, (1080, 1920))) == 1
    assert suggest(life, lambda photo: np.flipud(bottom(photo)).copy(), (1080, 1920)) == ()


def test_the_screens_order_holds_for_a_day_and_looks_vary() -> None:
    life = Life()
    for n in range(30):
        theme = ("mountain", "beach", "forest")[n % 3]
        life.shoot(NOON + timedelta(days=n), theme, quality=replace(GOOD, overall=0.6 + n / 100))
    suggested = suggest(life)
    assert suggested == suggest(life)
    assert len(suggested) == 10
    themes = {item.photo.id: next(iter(item.tags)) for item in life.items}
    assert {themes[wallpaper.photo.id] for wallpaper in suggested} == {"mountain", "beach", "forest"}


def test_what_was_held_askew_is_left_out() -> None:
    life = Life()
    life.shoot(NOON, "mountain", quality=replace(GOOD, level=0.1))
    assert suggest(life) == ()
    life.shoot(NOON, "mountain", quality=replace(GOOD, level=0.9))
    assert len(suggest(life)) == 1


@pytest.mark.parametrize(("right", "is_suggested"), [(0.5, True), (0.51, True), (0.58, False)])
def test_a_horizon_that_leans_is_left_out(right: float, is_suggested: bool) -> None:
    life = Life()
    life.shoot(NOON, "sea")
    assert bool(suggest(life, horizon=lambda _: Horizon(0.5, right, 0.9))) is is_suggested


def test_the_time_of_day_has_its_light() -> None:
    life = Life()
    for n, tags in enumerate((["mountain"], ["mountain", "sunset"], ["mountain", "starry_sky"])):
        life.shoot(NOON + timedelta(days=n), tags=tags)
    names = {item.photo.id: [*item.tags][-1] for item in life.items}
    first = {
        hour: names[
            suggest_wallpapers(life.snapshot(), middle, screen=FULL_HD, limit=3, on=TODAY, at=time(hour))[0].photo.id
        ]
        for hour in (12, 19, 23)
    }
    assert first == {12: "mountain", 19: "sunset", 23: "starry_sky"}


def test_scenes_and_seasons_vary() -> None:
    life = Life()
    for n in range(60):
        theme = "mountain" if n % 4 else "lake"
        life.shoot(NOON + timedelta(days=6 * n), theme, quality=replace(GOOD, overall=0.8 if n % 4 else 0.7))
    suggested = suggest(life)
    scenes = {item.photo.id: next(iter(item.tags)) for item in life.items}
    assert {scenes[wallpaper.photo.id] for wallpaper in suggested} == {"mountain", "lake"}
    assert len({wallpapers._season(wallpaper.photo) for wallpaper in suggested}) == 4


def test_seasons_turn_around_in_the_south() -> None:
    life = Life()
    north, south = (life.shoot(datetime(2024, 1, 9), at=city).photo for city in ("Lyon", "Auckland"))
    assert (wallpapers._season(north) + 2) % 4 == wallpapers._season(south)


@settings(max_examples=30, deadline=None)
@given(st.tuples(st.integers(320, 4000), st.integers(320, 4000)), st.integers(0, 99))
def test_crops_lie_inside_and_have_the_pixels(screen: tuple[int, int], seed: int) -> None:
    life = Life()
    for n in range(6):
        life.shoot(NOON + timedelta(days=n), "sea", size=((4000, 3000), (3000, 4000), (1500, 1000))[n % 3])
    saliency = np.random.default_rng(seed).random((9, 9), dtype=np.float32)
    for wallpaper in suggest(life, lambda _: saliency, screen):
        left, top, right, bottom_ = wallpaper.crop
        assert 0 <= left < right <= 1
        assert 0 <= top < bottom_ <= 1
        assert (right - left) * wallpaper.photo.width_px >= screen[0] - 1e-6
        assert (bottom_ - top) * wallpaper.photo.height_px >= screen[1] - 1e-6


def test_scenes_are_named_as_in_the_taxonomy() -> None:
    known = {tag.id for tag in Taxonomy.load().tags}
    assert {*wallpapers._SCENERY, *wallpapers._UNFIT, *wallpapers._PEOPLE} <= known
    assert {tag for names in wallpapers._LIGHTS.values() for tag in names} <= known


def test_an_empty_library_has_none() -> None:
    assert suggest(Life()) == ()


def test_colours_take_turns() -> None:
    life = Life()
    for n in range(8):
        life.shoot(NOON + timedelta(days=n), "mountain", quality=replace(GOOD, overall=0.8 if n < 5 else 0.78))
    blue = {item.photo.id for item in life.items[:5]}
    few = suggest_wallpapers(
        life.snapshot(), middle, screen=FULL_HD, limit=4, on=TODAY,
        colour=lambda photo: "blue" if photo.id in blue else photo.id,
    )  # fmt: skip
    assert sum(wallpaper.photo.id in blue for wallpaper in few) <= 2


@pytest.mark.parametrize(
    ("label", "box", "found"), [("bird", (0.4, 0.0, 0.6, 0.9), 0), ("bird", (0.4, 0.3, 0.6, 0.7), 1)]
)
def test_nothing_near_is_cut_in_two(label: str, box: Box, found: int) -> None:
    life = Life()
    life.shoot(NOON, "mountain", objects=[DetectedObject(label, box, 0.9)])
    assert len(suggest(life, screen=(2100, 900))) == found


@pytest.mark.parametrize(("label", "is_cut"), [("dog", True), ("person", True), ("boat", False)])
def test_of_who_is_alive_nothing_may_be_missing(label: str, is_cut: bool) -> None:
    item = Life().shoot(NOON, "mountain", objects=[DetectedObject(label, (0.4, 0.2, 0.6, 0.7), 0.9)])
    frame = Frame((0.0, 0.25, 1.0, 0.8), 1.0, kept=1.0, cut=0.0, balance=1.0, scale=1.0)  # a tenth is above it
    assert wallpapers._cuts_through(item, frame) == is_cut


def test_what_is_bright_is_no_night_whatever_the_clock_says() -> None:
    life = Life()
    late = NOON.replace(hour=23)
    life.shoot(late, "mountain", quality=replace(GOOD, brightness=0.5), path="bright.jpg")
    life.shoot(
        late + timedelta(days=9), "mountain", quality=replace(GOOD, brightness=0.2), path="dark.jpg", aesthetics=0.9
    )
    lights = {w.photo.path.name: [r.code for r in w.reasons] for w in suggest(life, at=time(23))}
    assert "light" in lights["dark.jpg"]
    assert "light" not in lights["bright.jpg"]
