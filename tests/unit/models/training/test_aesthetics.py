"""The aesthetics head learns the teacher's order and the pairs', and the teacher says what it should."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from photos_engine.models.spoil import HARMS, NEUTRAL  # noqa: E402
from photos_engine.models.training.aesthetics import (  # noqa: E402
    VOICES,
    AestheticsConfig,
    Pairs,
    Views,
    as_target,
    presence,
    teach,
    train,
)
from photos_engine.models.training.config import load_config  # noqa: E402

ROW, LOW = 12, 6


@pytest.fixture(scope="module")
def config() -> AestheticsConfig:
    return replace(
        load_config(AestheticsConfig, "aesthetics"), epochs=25, batch=32, hidden=16, dropout=0.0, learning_rate=0.02
    )


def views(rows: np.ndarray) -> Views:
    random = np.random.default_rng(1)
    count = len(rows)
    return Views(
        rows.astype(np.float32),
        random.normal(size=(count, LOW)).astype(np.float32),
        random.random((count, 15, 15)).astype(np.float32),
    )


def test_it_learns_the_teacher_and_the_pairs(config: AestheticsConfig) -> None:
    random = np.random.default_rng(0)
    rows = random.normal(size=(400, ROW))
    photos, wanted = views(rows), as_target(rows[:, 0].astype(np.float32))  # the teacher looks at column 0
    page = np.zeros((60, ROW))
    page[:, 1] = 6.0
    originals = random.normal(size=(60, ROW))
    harmed, same = originals.copy(), originals.copy()
    harmed[:, 2] -= 4.0  # what is spoiled shows in column 2
    same[:, 3] += 3.0
    pairs = Pairs(
        views(np.concatenate([originals, harmed, same])),
        ("original",) * 60 + (HARMS[0],) * 60 + (NEUTRAL[0],) * 60,
        np.tile(np.arange(60), 3),
    )
    head = train(photos, wanted, views(page), pairs, config)
    with torch.inference_mode():
        scores = head(*photos.tensors()).numpy()
        pair_scores = head(*pairs.views.tensors())[:, 0].numpy().reshape(3, 60)
        pages = head(*views(page).tensors()).numpy()
    assert scores.shape == (400, 1)
    assert ((scores >= 0) & (scores <= 1)).all()
    assert np.corrcoef(scores[:, 0], wanted)[0, 1] > 0.8
    assert (pair_scores[0] > pair_scores[1]).mean() > 0.9
    assert np.abs(pair_scores[0] - pair_scores[2]).mean() < 0.1
    assert pages.mean() < 0.15 < scores.mean()


def voices(**values: float) -> dict[str, np.ndarray]:
    return {name: np.array([values.get(name, 0.5)], np.float32) for name in VOICES}


def reference() -> dict[str, np.ndarray]:
    return {name: np.linspace(0, 1, 101, dtype=np.float32) for name in VOICES}


@pytest.mark.parametrize("name", ["colour", "overall", "calm", "sunset", "portrait", "exposure", "contrast"])
def test_every_voice_speaks_for_what_it_names(name: str) -> None:
    base = {"presence": 0.6, "exposure": 0.8}
    low, high = (float(teach(voices(**{**base, name: value}), reference())[0]) for value in (0.2, 0.9))
    assert high > low


def test_scenery_counts_most_where_there_is_no_subject_and_composition_where_there_is() -> None:
    def gain(name: str, present: float) -> float:
        low, high = (float(teach(voices(presence=present, **{name: value}), reference())[0]) for value in (0.1, 0.9))
        return high - low

    assert gain("mountains", 0.1) > gain("mountains", 0.9) > 0
    assert gain("calm", 0.9) > 10 * gain("calm", 0.1) > 0  # nobody is ever sure that there is no subject


def test_a_target_is_the_share_that_a_picture_beats() -> None:
    target = as_target(np.array([3.0, -1.0, 10.0], np.float32))
    np.testing.assert_allclose(target, [0.5, 0.1, 0.9])


def test_presence_is_the_heat_of_the_hottest_cells() -> None:
    heat = np.zeros((2, 15, 15), np.float32)
    heat[1, 3:8, 3:7] = 0.8
    np.testing.assert_allclose(presence(heat), [0.0, 0.8])
