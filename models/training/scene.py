"""The scene head: three witnesses per tag, one calibrated probability.

ImageNet's classes that show the tag, the joint embedding's likeness to the tag's prompts, and a linear
probe learned from captions and folders each give a score; their weighted sum is the tag's log-odds. A
tag that no picture at hand shows has no probe and borrows the weights of the tags that have one.

Captions are silent about much that is there (trees behind a dog), which would make every such tag look
imprecise and keep it from ever being said. How silent they are shows in how seldom five captions of one
picture agree; calibration and thresholds take it into account.
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
from photos_engine.models.labels import LIKELY, Labels
from photos_engine.models.training.config import ProbeConfig
from photos_engine.models.training.features import CLASSES
from photos_engine.models.training.probes import fit_reduced, principal_axes

log = logging.getLogger(__name__)

Array = NDArray[Any]

_EPSILON = 1e-4
NEVER = 2.0  # a threshold that no probability reaches
_STEPS, _HALVINGS = 25, 20


@dataclass(frozen=True, slots=True)
class SceneConfig:
    """How three witnesses become one probability, and when a tag is said."""

    enough: int  # pictures that must show a tag before it has weights of its own
    folds: int  # the probe's scores come from folds that it wasn't fitted on
    unlisted: float  # weight of the tags that a folder's name says nothing about
    ridge: float
    rounds: int  # in which silent captions are weighed against scores
    most_unsaid: float  # share of what is there that captions are believed to leave out, at most
    precision: float  # that a threshold must reach
    least_seen: int  # pictures above a threshold before it is believed
    lowest: float  # threshold
    most_common: float  # share of an ordinary library that a tag is taken to be on, at most
    atypical: float  # share of the pictures of a tag that may stay unsaid for being unlike the others
    background: float  # share of ordinary pictures that may lie at even odds of a tag without data
    margin: float  # on top, in log-odds


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
class Lesson:
    """Pictures to learn from, row by row, and what is known of them."""

    rows: NDArray[np.float32]  # (n, channels), standardised
    logits: NDArray[np.float32]  # (n, 1000)
    embeddings: NDArray[np.float32]  # (n, dimensions)
    labels: Labels


def train(
    lesson: Lesson, prompts: NDArray[np.float32], taxonomy: Taxonomy, config: SceneConfig, probing: ProbeConfig
) -> tuple[SceneHead, NDArray[np.float32]]:
    """Fit the probe, weigh it against ImageNet's classes and the prompts, and set the thresholds, (tags,).

    prompts: (dimensions, tags), directions in the space of the embeddings.
    """
    targets, weights = lesson.labels.targets, lesson.labels.weights
    probed, axes = np.zeros_like(targets), principal_axes(lesson.rows, probing)
    fold = np.random.default_rng(probing.seed).integers(config.folds, size=len(lesson.rows))
    for number in range(config.folds):
        learn, judge = fold != number, fold == number
        probe = fit_reduced(lesson.rows[learn], axes, targets[learn], weights[learn], probing)
        probed[judge] = probe(torch.from_numpy(lesson.rows[judge])).numpy()
    probe = fit_reduced(lesson.rows, axes, targets, weights, probing)
    classes = class_matrix(taxonomy)
    blank = torch.zeros(3, len(taxonomy))
    head = SceneHead(torch.from_numpy(classes), torch.from_numpy(prompts), probe, blank, blank[0])
    named, alike, _ = head.witnesses(*map(torch.from_numpy, (lesson.rows, lesson.logits, lesson.embeddings)))
    result = calibrate((named.numpy(), alike.numpy(), probed), lesson.labels, np.asarray(classes.any(axis=0)), config)
    head.mix, head.offset = torch.from_numpy(result.mix), torch.from_numpy(result.offset)
    return head, result.thresholds


@dataclass(frozen=True, slots=True)
class Calibration:
    """How the witnesses are weighed, and above which probability a tag is said."""

    mix: NDArray[np.float32]  # (3, tags)
    offset: NDArray[np.float32]  # (tags,)
    thresholds: NDArray[np.float32]  # (tags,); above 1: never said


def calibrate(
    witnesses: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]],
    labels: Labels,
    has_classes: NDArray[np.bool_],
    config: SceneConfig,
) -> Calibration:
    """Weigh the witnesses per tag and set the thresholds, from scores that the probe was not fitted on.

    Rows are pictures, columns tags. Where at least `config.enough` pictures show a tag, its own
    logistic regression is fitted (drawn towards the common one); elsewhere the common one is used.
    """
    named, alike, probed = witnesses
    tags = labels.targets.shape[1]
    shown = (labels.targets >= np.float32(LIKELY)) & (labels.weights >= 0.5)
    has_data = shown.sum(0) >= config.enough
    common = _common_mix(named, alike, labels, has_data & has_classes, config)
    mix, offset, thresholds = (
        np.zeros((3, tags), np.float32),
        np.zeros(tags, np.float32),
        np.full(tags, NEVER, np.float32),
    )
    for tag in range(tags):
        x: Array = np.stack(
            [named[:, tag] if has_classes[tag] else np.zeros(len(named)), alike[:, tag], probed[:, tag]], 1
        )
        believed = y = labels.targets[:, tag]
        w = _as_in_a_library(y, labels.weights[:, tag], config)
        if has_data[tag]:
            start = np.array([0.3 * has_classes[tag], 0.3 * common[1], 0.7, 0.0])
            silent = labels.captioned & (y == 0)
            (*worth, offset[tag]), believed = _regress_silent(x, y, w, start, silent, float(labels.unsaid[tag]), config)
        else:
            worth = [common[0], common[1], 0.0]
            offset[tag] = _background_offset((x @ worth)[y == 0], config)
        mix[:, tag] = worth * np.array([has_classes[tag], 1, 1])  # no classes, no witness
        probability = _sigmoid(x @ np.asarray(mix[:, tag], float) + offset[tag])
        thresholds[tag] = _threshold(probability, believed, shown[:, tag], w, config)
    return Calibration(mix, offset, thresholds)


def _as_in_a_library(y: Array, w: Array, config: SceneConfig) -> Array:
    """Weights under which no tag is more common than in ordinary libraries: nearly all of Flickr8k shows people."""
    there, absent = float((w * y).sum()), float((w * (1 - y)).sum())
    limit = config.most_common / (1 - config.most_common) * absent
    return w * np.where(y >= 0.5, limit / there, 1.0) if there > limit else w


def _regress_silent(
    x: Array, y: Array, w: Array, start: Array, silent: Array, unsaid: float, config: SceneConfig
) -> tuple[Array, Array]:
    """Logistic regression where captions' silence hides the share `unsaid` of what is there; and the targets then.

    Expectation and maximisation by turns: how likely a silent picture shows the tag after all, given its
    scores; and the regression on that.
    """
    unsaid = min(unsaid, config.most_unsaid)
    beta, believed = _regress(x, y, w, start, config.ridge), y
    for _ in range(config.rounds if unsaid > 0 and silent.any() else 0):
        p = _sigmoid(x @ beta[:-1] + beta[-1])
        believed = np.where(silent, unsaid * p / (unsaid * p + 1 - p), y)
        beta = _regress(x, believed, w, start, config.ridge)
    return beta, believed


def _regress(x: Array, y: Array, w: Array, start: Array, ridge: float) -> Array:
    """Weighted logistic regression by Newton's method, drawn towards `start`; the last weight is the offset.

    A step that doesn't lower the loss is halved until it does: from far scores a whole one leaps to where
    all chances are 0 or 1 and nothing leads back.
    """
    rows = np.concatenate([x, np.ones((len(x), 1))], 1)
    pull = ridge * (rows.std(0) + 1e-6) ** 2
    pull[-1] = 1e-3  # the offset is free

    def loss(beta: Array) -> float:
        score = rows @ beta
        return float(w @ (np.logaddexp(0, score) - y * score) + 0.5 * pull @ (beta - start) ** 2)

    beta = start.astype(np.float64)
    lowest = loss(beta)
    for _ in range(_STEPS):
        p = _sigmoid(rows @ beta)
        slope = rows.T @ (w * (p - y)) + pull * (beta - start)
        curve = (rows * (w * p * (1 - p) + 1e-9)[:, None]).T @ rows + np.diag(pull)
        step = np.linalg.solve(curve, slope)
        shorter = next((s for s in 0.5 ** np.arange(_HALVINGS) if loss(beta - s * step) < lowest), 0.0)
        beta = beta - shorter * step
        gained, lowest = lowest, loss(beta)
        if gained - lowest <= 1e-6 * max(1.0, lowest):
            break
    return beta


def _sigmoid(score: Array) -> Array:
    return 1 / (1 + np.exp(-np.clip(score, -60, 60)))


def _common_mix(named: Array, alike: Array, labels: Labels, usable: Array, config: SceneConfig) -> tuple[float, float]:
    """What ImageNet's log-odds and a cosine are worth on the average of the tags that can tell."""
    found = [
        _regress(
            np.stack([named[:, tag], alike[:, tag]], 1),
            labels.targets[:, tag],
            labels.weights[:, tag],
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


def _threshold(p: Array, believed: Array, shown: Array, w: Array, config: SceneConfig) -> float:
    """The lowest probability above which `config.precision` of the weight is right; even odds without data.

    shown: the pictures that surely or probably show the tag. It is never below what a typical one of them
    gets: the training sets have little between a clear yes and a clear no, and a picture unlike all of
    them lands there.
    """
    if shown.sum() < config.enough:
        return 0.5
    order = np.argsort(-p)
    right, total = np.cumsum((w * believed)[order]), np.cumsum(w[order])
    good = (right / np.maximum(total, 1e-9) >= config.precision) & (np.cumsum(shown[order]) >= config.least_seen)
    if not good.any():
        return NEVER
    typical = np.quantile(p[shown], config.atypical)
    return float(max(p[order][np.flatnonzero(good)[-1]], typical, config.lowest))
