"""Spoiled pictures are spoiled, neutral ones are not, and subjects are only cut where there are any."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from photos_engine.models.spoil import ACCIDENTS, HARMS, NEUTRAL, Spoiled, spoil, subject_box
from photos_engine.types import FloatArray


def heat_at(x: int, y: int) -> FloatArray:
    heat = np.full((17, 17), 0.1, np.float32)
    heat[y - 2 : y + 3, x - 2 : x + 3] = 0.9
    return heat


@pytest.fixture(scope="module")
def picture() -> Image.Image:
    image = Image.linear_gradient("L").resize((128, 96)).convert("RGB")
    ImageDraw.Draw(image).ellipse((25, 30, 65, 70), fill=(220, 30, 30))
    return image


def spoiled(picture: Image.Image, heat: FloatArray) -> dict[str, Spoiled]:
    other = Image.effect_noise((64, 64), 60).convert("RGB")
    return {made.kind: made for made in spoil(picture, heat, other, np.random.default_rng(0))}


def redness(image: Image.Image) -> float:
    pixels = np.asarray(image, np.float32)
    return float(((pixels[..., 0] - pixels[..., 1]) > 60).mean())


def test_every_kind_is_made_once_and_is_a_picture(picture: Image.Image) -> None:
    made = spoiled(picture, heat_at(6, 9))
    assert set(made) == {*NEUTRAL, *HARMS, *ACCIDENTS}
    for version in made.values():
        assert version.image.mode == "RGB"
        assert min(version.image.size) >= 24


def test_a_subject_is_cut_and_missed(picture: Image.Image) -> None:
    made = spoiled(picture, heat_at(6, 9))
    whole, count = redness(picture), picture.width * picture.height
    for kind, most in (("cut", 0.75), ("missed", 0.6)):
        image = made[kind].image
        assert redness(image) * image.width * image.height < most * whole * count
    closer = made["closer"].image
    assert redness(closer) * closer.width * closer.height > 0.95 * whole * count


def test_without_a_subject_nothing_is_cut(picture: Image.Image) -> None:
    calm = np.full((17, 17), 0.3, np.float32)
    assert subject_box(calm) is None
    assert not {"cut", "missed"} & set(spoiled(picture, calm))


def test_the_subjects_box_holds_the_heat() -> None:
    box = subject_box(heat_at(6, 9))
    assert box == pytest.approx((4.5 / 17, 7.5 / 17, 8.5 / 17, 11.5 / 17), abs=0.06)


def test_accidents_show_little(picture: Image.Image) -> None:
    made = spoiled(picture, heat_at(6, 9))
    assert np.asarray(made["pocket"].image).mean() < 40
    assert np.asarray(made["covered"].image.resize((8, 8))).std(axis=(0, 1)).max() < 60
