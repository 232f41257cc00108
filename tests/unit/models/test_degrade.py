"""Harm does what its name says, and more of it harms more."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from photos_engine.models.degrade import COMPRESSION, NOISE, OVER, TILT, UNDER, darken, degrade, overexpose, tilt


def picture(width: int = 96, height: int = 72) -> Image.Image:
    """Sky over ground with a red house, every tone between black and white."""
    image = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    ImageDraw.Draw(image).rectangle((width // 3, height // 3, width // 2, height // 2), fill=(180, 60, 50))
    return image


def mean(image: Image.Image) -> float:
    return float(np.asarray(image).mean())


def test_every_kind_comes_in_rising_grades_and_only_lowers_what_it_harms() -> None:
    made = list(degrade(picture(), np.random.default_rng(0)))
    kinds = {item.kind for item in made}
    assert {"none", "blur", "motion", "dark", "bright", "noise", "compression", "tilt"} <= kinds
    for kind, column in (("dark", 1), ("bright", 1), ("blur", 0), ("motion", 0), ("noise", 2), ("tilt", 5)):
        graded = [item for item in made if item.kind == kind]
        assert [item.grade for item in graded] == list(range(1, len(graded) + 1))
        left = [item.targets[column] for item in graded]
        assert left == sorted(left, reverse=True)
        assert left[0] < 1.0
        assert all(item.targets[3] < made[0].targets[3] for item in graded)
    assert len(made) >= 1 + len(UNDER) + len(OVER) + len(NOISE) + len(COMPRESSION) + len(TILT)


def test_brightness_tells_dark_from_burnt_out() -> None:
    made = list(degrade(picture(), np.random.default_rng(0)))
    assert all(item.brightness < 0.5 for item in made if item.kind == "dark")
    assert all(item.brightness > 0.5 for item in made if item.kind == "bright")
    assert all(item.brightness == 0.5 for item in made if item.kind not in ("dark", "bright"))


@given(st.floats(0.1, 4), st.floats(0.1, 4))
def test_more_light_is_brighter_and_less_is_darker(one: float, other: float) -> None:
    image, random = picture(), np.random.default_rng(0)
    less, more = sorted((one, other))
    assert mean(overexpose(image, more)) >= mean(overexpose(image, less)) >= mean(image)
    assert mean(darken(image, more, random)) <= mean(darken(image, less, random)) + 1 <= mean(image) + 2


def test_what_is_full_stays_full() -> None:
    white = Image.new("RGB", (32, 32), "white")
    assert np.asarray(overexpose(white, 1.0)).min() == 255
    burnt = np.asarray(overexpose(Image.new("RGB", (32, 32), (230, 120, 40)), 1.0))
    assert (burnt[..., 0] == 255).all()
    assert (burnt[..., 2] < 255).all()  # channels are full one after the other


@given(st.sampled_from((-1, 1)), st.floats(1, 20), st.integers(40, 120), st.integers(40, 120))
def test_tilting_leaves_no_empty_corner_and_the_aspect(side: int, degrees: float, width: int, height: int) -> None:
    tilted = tilt(Image.new("RGB", (width, height), "white"), side * degrees)
    assert np.asarray(tilted)[1:-1, 1:-1].min() > 200
    assert tilted.width / tilted.height == pytest.approx(width / height, rel=0.12)


def test_tilt_is_clockwise() -> None:
    image = Image.new("RGB", (101, 101), "white")
    ImageDraw.Draw(image).rectangle((0, 49, 100, 51), fill="black")
    dark = np.asarray(tilt(image, 10).convert("L")) < 128
    assert np.flatnonzero(dark[:, -3]).mean() > np.flatnonzero(dark[:, 2]).mean()
