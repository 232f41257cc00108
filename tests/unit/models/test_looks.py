"""The measures say what a person would of plain cases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from photos_engine.models.looks import MEASURES, measure_looks
from photos_engine.types import ByteArray, FloatArray

SIDE = 17


def blob(x: float, y: float, spread: float = 0.08) -> FloatArray:
    place = (np.arange(SIDE) + 0.5) / SIDE
    heat = np.exp(-((place[None, :] - x) ** 2 + (place[:, None] - y) ** 2) / (2 * spread**2))
    return heat.astype(np.float32)


def looks(image: ByteArray | None = None, heat: FloatArray | None = None) -> dict[str, float]:
    picture = np.full((64, 64, 3), 128, np.uint8) if image is None else image
    measured = measure_looks(picture, blob(0.5, 0.5) if heat is None else heat)
    return dict(zip(MEASURES, map(float, measured), strict=True))


def noise(seed: int, side: int = 64) -> ByteArray:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


@given(st.integers(0, 2**32 - 1), st.integers(10, 40).map(lambda half: 2 * half), st.booleans())
def test_all_lie_between_0_and_1_and_a_mirror_changes_nothing(seed: int, side: int, plain: bool) -> None:
    image = np.full((side, side, 3), seed % 256, np.uint8) if plain else noise(seed, side)
    heat = np.random.default_rng(seed).random((SIDE, SIDE)).astype(np.float32)
    measured = measure_looks(image, heat)
    assert np.isfinite(measured).all()
    assert ((measured >= 0) & (measured <= 1)).all()
    np.testing.assert_allclose(measured, measure_looks(image[:, ::-1], heat[:, ::-1]), atol=1e-3)


def test_composition() -> None:
    middle, third, edge = blob(0.5, 0.5), blob(1 / 3, 1 / 3), blob(0.98, 0.5)
    assert looks(heat=middle)["placed"] > 0.9
    assert looks(heat=third)["placed"] > 0.9
    assert looks(heat=edge)["placed"] < looks(heat=third)["placed"]
    assert looks(heat=edge)["uncut"] < 0.2 < 0.9 < looks(heat=middle)["uncut"]
    assert looks(heat=blob(0.5, 0.5, 0.5))["clear"] < looks(heat=middle)["clear"]


def test_a_sharp_subject_on_calm_ground() -> None:
    image = np.full((64, 64, 3), 90, np.uint8)
    image[24:40, 24:40] = noise(1)[:16, :16]
    sharp, everywhere = looks(image), looks(noise(1))
    assert sharp["calm"] > everywhere["calm"]
    assert sharp["simple"] > everywhere["simple"]


def test_light() -> None:
    ramp = np.asarray(Image.linear_gradient("L").convert("RGB"))
    assert looks(ramp)["contrast"] > 0.9
    assert looks(ramp)["exposure"] > 0.9
    assert looks(np.full((64, 64, 3), 255, np.uint8))["exposure"] < 0.1
    assert looks(np.full((64, 64, 3), 4, np.uint8))["exposure"] < 0.1
    assert looks(ramp // 4 + 96)["contrast"] < 0.4
    sunset = Image.new("RGB", (64, 64), (30, 30, 60))
    ImageDraw.Draw(sunset).rectangle((0, 0, 64, 30), fill=(240, 170, 90))
    assert looks(np.asarray(sunset))["warm light"] > 0.9
    assert looks(np.asarray(sunset)[..., ::-1].copy())["warm light"] < 0.1


def test_colour() -> None:
    grey = np.asarray(Image.linear_gradient("L").convert("RGB"))
    red = grey.copy()
    red[..., 1:] //= 2
    assert looks(red)["colour"] > 0.5
    assert looks(red)["harmony"] > looks(noise(2))["harmony"]
    assert looks(grey)["colour"] == pytest.approx(0.65)  # black and white is a choice, and neither colourful nor pale
