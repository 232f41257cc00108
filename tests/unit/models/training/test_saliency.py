"""Saliency's teachers point at things, and the head learns to."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from photos_engine.models.training.saliency import (  # noqa: E402
    DEEP,
    MIDDLE,
    SIDE,
    SaliencyConfig,
    cover,
    stand_out,
    train,
)


@given(st.floats(0, 0.6), st.floats(0, 0.6), st.floats(0.1, 0.4), st.floats(0.1, 0.4))
def test_a_lone_box_covers_its_own_area(left: float, top: float, width: float, height: float) -> None:
    covered = cover([(left, top, left + width, top + height)])
    assert covered.mean() == pytest.approx(width * height, rel=1e-3)
    assert covered.max() <= 1


def test_small_and_unsure_boxes_count_less() -> None:
    large, small = (0.0, 0.0, 0.5, 1.0), (0.75, 0.25, 1.0, 0.5)
    covered = cover([large, small])
    assert covered[8, 2] == pytest.approx(1)
    assert 0.3 < covered[6, 14] < 0.6
    assert cover([large, small], [0.6, 0.1])[6, 14] == 0
    assert cover([]).max() == 0


def test_what_differs_stands_out() -> None:
    random = np.random.default_rng(0)
    image = random.integers(90, 110, (170, 170, 3)).astype(np.uint8)
    image[60:110, 70:120] = random.integers(180, 240, (50, 50, 3))
    heat = stand_out(image)
    assert heat.shape == (SIDE, SIDE)
    assert ((heat >= 0) & (heat <= 1)).all()
    assert heat[7:11, 8:12].mean() > 3 * np.delete(heat, range(5, 13), axis=0).mean()


def test_a_plain_picture_gives_no_nan() -> None:
    assert np.isfinite(stand_out(np.zeros((40, 40, 3), np.uint8))).all()


def test_the_head_learns_where_the_maps_respond() -> None:
    random = np.random.default_rng(0)
    targets = np.zeros((24, SIDE, SIDE), np.float32)
    for row in targets:
        y, x = random.integers(2, 12, 2)
        row[y : y + 4, x : x + 4] = 1
    stage4 = random.normal(size=(24, MIDDLE, SIDE, SIDE)).astype(np.float32)
    stage4[:, 0] += 6 * targets
    stage6 = random.normal(size=(24, DEEP, 9, 9)).astype(np.float32)
    config = SaliencyConfig(
        seed=1, hidden=4, dropout=0.0, epochs=30, batch=8, learning_rate=0.02, weight_decay=0.01, pictures=0, sets=(),
        true_weight=1.0, classical_weight=1.0,
    )  # fmt: skip
    head = train(stage4, stage6, targets, np.ones(24), config)
    with torch.inference_mode():
        heat = head(torch.from_numpy(stage4), torch.from_numpy(stage6)).numpy()
    assert heat[targets > 0].mean() > heat[targets == 0].mean() + 0.4
