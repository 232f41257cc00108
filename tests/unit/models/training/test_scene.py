"""How three witnesses become one probability: the regression, silent captions, thresholds, the head."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")

import torch
from torch import nn

from photos_engine.analyzers import Taxonomy
from photos_engine.models.labels import Labels
from photos_engine.models.training import scene
from photos_engine.models.training.config import load_config

CONFIG = load_config(scene.SceneConfig, "scene")
TAGS = 3


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def _labels(shown: np.ndarray, unsaid: float = 0.0) -> Labels:
    targets = shown.astype(np.float32)
    captioned = np.ones(len(shown), bool)
    return Labels(targets, np.ones_like(targets), captioned, np.full(shown.shape[1], unsaid, np.float32))


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.floats(-3, 3), st.floats(0.2, 2), st.floats(-400, 400))
def test_the_regression_finds_what_made_the_data_from_however_far(
    seed: int, offset: float, slope: float, start: float
) -> None:
    random = np.random.default_rng(seed)
    x = random.normal(0, 2, (1500, 1))
    y = (random.random(1500) < _sigmoid(x[:, 0] * slope + offset)).astype(float)
    beta = scene._regress(x, y, np.ones(1500), np.array([start, start]), ridge=1e-6)

    def surprise(scale: float, shift: float) -> float:
        scores = x[:, 0] * scale + shift
        return float((np.logaddexp(0, scores) - y * scores).mean())

    assert surprise(*beta) <= surprise(slope, offset) + 1e-6  # chance may have drawn others, which then fit better


def test_a_common_tag_whose_scores_lie_far_out_is_still_told_apart() -> None:
    """Whole Newton steps leapt away from such data, and the most frequent tags were never said."""
    random = np.random.default_rng(0)
    shown = random.random(3000) < 0.3
    x = np.where(shown, 6, -14)[:, None] + random.normal(0, 5, (3000, 1))
    beta = scene._regress(x, shown.astype(float), np.ones(3000), np.array([0.7, 0.0]), CONFIG.ridge)
    p = _sigmoid(x[:, 0] * beta[0] + beta[1])
    assert ((p > 0.5) == shown).mean() > 0.95


def test_silence_of_captions_is_seen_through() -> None:
    random = np.random.default_rng(1)
    x = random.normal(0, 3, (6000, 1))
    there = random.random(6000) < _sigmoid(x[:, 0] - 1)
    said = there & (random.random(6000) < 0.6)
    config = dataclasses.replace(CONFIG, rounds=30)
    arguments = (x, said.astype(float), np.ones(6000), np.array([1.0, 0.0]), ~said)
    naive, _ = scene._regress_silent(*arguments, 0.0, config)
    seeing, believed = scene._regress_silent(*arguments, 0.4, config)
    truth = _sigmoid(x[:, 0] - 1)
    errors = [np.abs(_sigmoid(x[:, 0] * beta[0] + beta[1]) - truth).mean() for beta in (naive, seeing)]
    assert errors[1] < 0.02 < errors[0]
    assert believed.sum() == pytest.approx(there.sum(), rel=0.05)


def test_thresholds_keep_the_promised_precision_and_hopeless_tags_are_never_said() -> None:
    random = np.random.default_rng(2)
    scores = random.normal(0, 2, (5000, TAGS)).astype(np.float32)
    shown = random.random((5000, TAGS)) < _sigmoid(3 * scores - 4)
    shown[:, 1] = random.random(5000) < 0.1  # nothing to do with the scores
    shown[:, 2] = False
    calm = np.zeros_like(scores)
    result = scene.calibrate((calm, calm, scores), _labels(shown), np.zeros(TAGS, bool), CONFIG)
    p = _sigmoid(scores[:, 0] * result.mix[2, 0] + result.offset[0])
    assert shown[p >= result.thresholds[0], 0].mean() >= CONFIG.precision
    assert result.thresholds[1] == scene.NEVER
    assert result.thresholds[2] == 0.5  # without data: even odds of a cautious offset
    assert result.mix[2, 2] == 0


def test_the_head_says_what_the_calibration_says() -> None:
    torch.manual_seed(0)
    taxonomy = Taxonomy.load()
    tags = len(taxonomy)
    classes = torch.from_numpy(scene.class_matrix(taxonomy))
    mix, offset = torch.rand(3, tags), torch.rand(tags)
    head = scene.SceneHead(classes, torch.rand(4, tags), nn.Linear(6, tags), mix, offset)
    rows, logits, embedding = torch.rand(2, 6), torch.rand(2, 1000), torch.rand(2, 4)
    named, alike, probed = head.witnesses(rows, logits, embedding)
    expected = (mix[0] * named + mix[1] * alike + mix[2] * probed + offset).sigmoid()
    assert torch.allclose(head(rows, logits, embedding), expected)


def test_a_class_shows_what_its_tag_implies() -> None:
    taxonomy = Taxonomy.load()
    column = {tag.id: number for number, tag in enumerate(taxonomy.tags)}
    matrix = scene.class_matrix(taxonomy)
    beagle = 162  # of ImageNet's classes
    assert matrix[beagle, column["beagle"]] == matrix[beagle, column["dog"]] == matrix[beagle, column["animal"]] == 1
    assert matrix[beagle, column["cat"]] == 0
