"""The scene head: three witnesses per tag, one calibrated probability.

ImageNet's classes that show the tag, the joint embedding's likeness to the tag's prompts, and a linear
probe learned from captions and folders each give a score; their weighted sum is the tag's log-odds. A
tag that no picture at hand shows has no probe and borrows the weights of the tags that have one.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from photos_engine.analyzers.taxonomy import Taxonomy
from photos_engine.models.training.config import SceneConfig
from photos_engine.models.training.features import CLASSES

log = logging.getLogger(__name__)

Array = NDArray[Any]

_EPSILON = 1e-4


class SceneHead(nn.Module):
    """Standardised rows (n, c), logits (n, 1000), embedding (n, 512) -> (n, tags) probabilities."""

    def __init__(self, classes: Tensor, prompts: Tensor, probe: nn.Linear, mix: Tensor, offset: Tensor) -> None:
        super().__init__()
        self.register_buffer("classes", classes)  # (1000, tags) 0 or 1
        self.register_buffer("prompts", prompts)  # (512, tags)
        self.register_buffer("mix", mix)  # (3, tags): weights of the witnesses
        self.register_buffer("offset", offset)  # (tags,)
        self.probe = probe

    def witnesses(self, rows: Tensor, logits: Tensor, embedding: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """ImageNet's log-odds, cosine with the prompts, the probe's log-odds: (n, tags) each."""
        share = (logits.softmax(1) @ self.classes).clamp(_EPSILON, 1 - _EPSILON)
        return torch.log(share / (1 - share)), embedding @ self.prompts, self.probe(rows)

    def forward(self, rows: Tensor, logits: Tensor, embedding: Tensor) -> Tensor:
        """Probabilities, (n, tags)."""
        named, alike, probed = self.witnesses(rows, logits, embedding)
        return (self.mix[0] * named + self.mix[1] * alike + self.mix[2] * probed + self.offset).sigmoid()


def class_matrix(taxonomy: Taxonomy) -> NDArray[np.float32]:
    """(1000, tags): which ImageNet classes show a tag, those of all that implies it included."""
    matrix = np.zeros((CLASSES, len(taxonomy)), np.float32)
    for column, tag in enumerate(taxonomy.tags):
        for tag_id in (tag.id, *taxonomy.descendants(tag.id)):
            matrix[list(taxonomy.evidence(tag_id).imagenet), column] = 1.0
    return matrix


@dataclass(frozen=True, slots=True)
class Calibration:
    """How the witnesses are weighed, and above which probability a tag is said."""

    mix: NDArray[np.float32]  # (3, tags)
    offset: NDArray[np.float32]  # (tags,)
    thresholds: NDArray[np.float32]  # (tags,); above 1: never said


def calibrate(
    witnesses: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]],
    targets: NDArray[np.float32],
    weights: NDArray[np.float32],
    has_classes: NDArray[np.bool_],
    config: SceneConfig,
) -> Calibration:
    """Weigh the witnesses per tag and set the thresholds, from scores that the probe was not fitted on.

    Rows are pictures, columns tags. Where at least `config.enough` pictures show a tag, its own
    logistic regression is fitted (drawn towards the common one); elsewhere the common one is used.
    """
    named, alike, probed = witnesses
    tags = targets.shape[1]
    positives = ((targets >= 0.5) & (weights >= 0.5)).sum(0)
    common = _common_mix(named, alike, targets, weights, (positives >= config.enough) & has_classes, config)
    mix, offset, thresholds = (
        np.zeros((3, tags), np.float32),
        np.zeros(tags, np.float32),
        np.full(tags, 2.0, np.float32),
    )
    for tag in range(tags):
        x: Array = np.stack(
            [named[:, tag] if has_classes[tag] else np.zeros(len(named)), alike[:, tag], probed[:, tag]], 1
        )
        y = targets[:, tag]
        w = _as_in_a_library(y, weights[:, tag], config)
        if positives[tag] >= config.enough:
            start = np.array([0.3 * has_classes[tag], 0.3 * common[1], 0.7, 0.0])
            *worth, offset[tag] = _regress(x, y, w, start, ridge=config.ridge)
        else:
            worth = [common[0], common[1], 0.0]
            offset[tag] = _background_offset((x @ worth)[y == 0], config)
        mix[:, tag] = worth * np.array([has_classes[tag], 1, 1])  # no classes, no witness
        probability: Array = 1 / (1 + np.exp(-np.clip(x @ np.asarray(mix[:, tag], float) + offset[tag], -60, 60)))
        thresholds[tag] = _threshold(probability, y, w, positives[tag], config)
    return Calibration(mix, offset, thresholds)


def _as_in_a_library(y: Array, w: Array, config: SceneConfig) -> Array:
    """Weights under which no tag is more common than in ordinary libraries: nearly all of Flickr8k shows people."""
    there, absent = float((w * y).sum()), float((w * (1 - y)).sum())
    limit = config.most_common / (1 - config.most_common) * absent
    return w * np.where(y >= 0.5, limit / there, 1.0) if there > limit else w


def _regress(x: Array, y: Array, w: Array, start: Array, ridge: float) -> Array:
    """Weighted logistic regression by Newton's method, drawn towards `start`; the last weight is the offset."""
    rows = np.concatenate([x, np.ones((len(x), 1))], 1)
    beta, scale = start.astype(np.float64), rows.std(0) + 1e-6
    pull = ridge * scale**2
    pull[-1] = 1e-3  # the offset is free
    for _ in range(12):
        p = 1 / (1 + np.exp(-np.clip(rows @ beta, -30, 30)))
        slope = rows.T @ (w * (p - y)) + pull * (beta - start)
        curve = (rows * (w * p * (1 - p) + 1e-9)[:, None]).T @ rows + np.diag(pull)
        beta = beta - np.clip(np.linalg.solve(curve, slope), -2 / scale, 2 / scale)
    return beta


def _common_mix(
    named: Array, alike: Array, targets: Array, weights: Array, usable: Array, config: SceneConfig
) -> tuple[float, float]:
    """What ImageNet's log-odds and a cosine are worth on the average of the tags that can tell."""
    found = [
        _regress(
            np.stack([named[:, tag], alike[:, tag]], 1),
            targets[:, tag],
            weights[:, tag],
            np.array([0.5, 10.0, -4.0]),
            config.ridge,
        )
        for tag in np.flatnonzero(usable)
    ]
    if not found:
        return 0.5, 10.0
    middle = np.median(np.array(found), 0)
    log.info("scene: common weights of %d tags: ImageNet %.2f, likeness %.1f", len(found), middle[0], middle[1])
    return float(max(middle[0], 0.1)), float(max(middle[1], 1.0))


def _background_offset(score: Array, config: SceneConfig) -> float:
    """Put even odds above all but the share `background` of ordinary pictures: next to none of them shows the tag."""
    return float(-np.quantile(score, 1 - config.background) - config.margin)


def _threshold(p: Array, y: Array, w: Array, positives: int, config: SceneConfig) -> float:
    """The lowest probability above which `config.precision` of the weight is right; even odds without data.

    It is never below what a typical picture of the tag gets: the training sets have little between a
    clear yes and a clear no, and a picture unlike all of them lands there.
    """
    if positives < config.enough:
        return 0.5
    order = np.argsort(-p)
    right, total = np.cumsum((w * y)[order]), np.cumsum(w[order])
    seen = np.cumsum(((y >= 0.5) & (w > 0))[order])
    good = (right / np.maximum(total, 1e-9) >= config.precision) & (seen >= config.least_seen)
    if not good.any():
        return float(max(0.8, p.max() + 0.02))
    typical = np.quantile(p[(y >= 0.5) & (w > 0)], config.atypical)
    return float(max(p[order][np.flatnonzero(good)[-1]], typical, config.lowest))
