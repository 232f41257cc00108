"""The utility head: one linear layer on the row of pooled features, a calibrated probability for every kind.

It learns from photographed and from generated pictures; the generated ordinary ones are what keeps it
from taking a sheet, a lens or a word in a scene for a document.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F  # noqa: N812 -- as everywhere with torch

from photos_engine.models import corpus
from photos_engine.models.corpus import AKIN, GENERATED, Picture
from photos_engine.models.training import probes
from photos_engine.models.training.config import ProbeConfig, load_config
from photos_engine.models.training.generate import shard
from photos_engine.models.training.steps import Bench, gather, load_joint
from photos_engine.types import UTILITY_KINDS

log = logging.getLogger(__name__)

Rows = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class UtilityConfig:
    """How the utility head is taught and calibrated."""

    pictures: int  # generated of each kind, about
    generated: float  # weight of a generated picture against a photographed one
    akin: float  # weight of a kind's pictures against kinds that it can well be at the same time
    templates: float  # weight of meme templates, which are photos without words
    folds: int  # calibration is on scores of folds that the layer wasn't fitted on
    prior: float  # share of a library that a kind is taken to be
    ridge: float  # pull of the calibration's slope to 1, in pictures
    false_positives: float  # among ordinary pictures, hard ones included, at the threshold
    probe: ProbeConfig


@dataclass(frozen=True, slots=True)
class Lessons:
    """What each picture is: targets and weights (n, kinds), and which pictures are ordinary ones."""

    kinds: tuple[str, ...]
    targets: Rows
    weights: Rows

    @property
    def ordinary(self) -> NDArray[np.bool_]:
        """(n,) pictures of no kind."""
        return np.asarray(self.targets.max(1) == 0)


@dataclass(frozen=True, slots=True)
class Trained:
    """head: standardised rows (n, 3048) -> log-odds (n, kinds); threshold and slope of every kind."""

    head: nn.Linear
    kinds: tuple[str, ...]
    thresholds: Rows


def lessons(pictures: Sequence[Picture], config: UtilityConfig) -> Lessons:
    """Say of every picture which kind it is, and how much that weighs."""
    named = [corpus.utility_kind(picture) for picture in pictures]
    kinds = tuple(kind for kind in UTILITY_KINDS if kind in named)
    targets = np.array([[float(name == kind) for kind in kinds] for name in named], np.float32).reshape(len(named), -1)
    made = np.array([picture.source == GENERATED for picture in pictures])
    weights = np.repeat(np.where(made, config.generated, 1.0).astype(np.float32)[:, None], len(kinds), 1)
    for row, name in enumerate(named):
        for column, kind in enumerate(kinds):
            if frozenset({name, kind}) in AKIN:
                weights[row, column] *= config.akin
    templates = [name == "meme" and picture.source != GENERATED for name, picture in zip(named, pictures, strict=True)]
    weights[templates] *= config.templates
    return Lessons(kinds, targets, weights)


def train(rows: Rows, taught: Lessons, config: UtilityConfig) -> Trained:
    """Fit the layer on all rows (n, 3048), and calibrate it on scores of rows that it wasn't fitted on."""
    axes = probes.principal_axes(rows, config.probe)
    fold = np.random.default_rng(config.probe.seed).integers(config.folds, size=len(rows))
    scores = np.zeros_like(taught.targets)
    for number in range(config.folds):
        learn, judge = fold != number, fold == number
        layer = probes.fit_reduced(rows[learn], axes, taught.targets[learn], taught.weights[learn], config.probe)
        scores[judge] = layer(torch.from_numpy(rows[judge])).numpy()
    slopes, offsets = calibrate(scores, taught, config)
    head = probes.fit_reduced(rows, axes, taught.targets, taught.weights, config.probe)
    head.weight.mul_(torch.from_numpy(slopes)[:, None])
    head.bias.mul_(torch.from_numpy(slopes)).add_(torch.from_numpy(offsets))
    odds = scores * slopes + offsets
    thresholds = np.quantile(odds[taught.ordinary], 1 - config.false_positives, axis=0)
    for column, kind in enumerate(taught.kinds):
        found = float((odds[taught.targets[:, column] > 0, column] > thresholds[column]).mean())
        log.info("utility: %s, recall %.3f on folds at a threshold of %.2f", kind, found, thresholds[column])
    return Trained(head, taught.kinds, (1 / (1 + np.exp(-thresholds))).astype(np.float32))


def calibrate(scores: Rows, taught: Lessons, config: UtilityConfig) -> tuple[Rows, Rows]:
    """Slope and offset (kinds,) that turn scores (n, kinds) into log-odds of a library with the given prior."""
    share = taught.targets * taught.weights
    rest = (1 - taught.targets) * taught.weights
    # Either side's pictures weigh as many as there would be of it in a library of this size.
    size = len(scores)
    weights = torch.from_numpy(
        share * (config.prior * size / share.sum(0).clip(1e-6))
        + rest * ((1 - config.prior) * size / rest.sum(0).clip(1e-6))
    )
    given, wanted = torch.from_numpy(scores), torch.from_numpy(taught.targets)
    slope = torch.ones(scores.shape[1], requires_grad=True)
    offset = torch.zeros(scores.shape[1], requires_grad=True)
    search = torch.optim.LBFGS([slope, offset], max_iter=100, line_search_fn="strong_wolfe")

    def cost() -> torch.Tensor:
        search.zero_grad()
        losses = F.binary_cross_entropy_with_logits(given * slope + offset, wanted, reduction="none") * weights
        total = losses.sum() + config.ridge * ((slope - 1) ** 2).sum()
        total.backward()
        return total

    search.step(cost)
    return slope.detach().clamp(min=0.05).numpy(), offset.detach().numpy()


def generate_pictures(bench: Bench) -> None:
    """Draw the pictures of the set `generated`; the recipe's first step, for later ones list what it left."""
    config = load_config(UtilityConfig, "utility")
    shard.generate(bench.work, corpus.list_pictures(bench.data), config.pictures)


def train_utility(bench: Bench) -> None:
    """Fit the utility head against ordinary photos and generated ordinary pictures."""
    config = load_config(UtilityConfig, "utility")
    names = ("flickr8k", "coco128", "subjects", *corpus.LABELLED_SETS, GENERATED)
    chosen, rows, _ = gather(bench, names, load_joint(bench))
    made = train(rows, lessons(chosen, config), config)
    judged = judge_generated(bench, made)
    log.info("utility: on generated pictures of the test side %s", judged)
    torch.save(
        {"head": made.head, "kinds": made.kinds, "thresholds": made.thresholds, "generated": judged},
        bench.work / "utility.pt",
    )


def judge_generated(bench: Bench, made: Trained) -> dict[str, dict[str, float]]:
    """Of every kind, the shares of generated pictures above its threshold: its own, and ordinary ones.

    The pictures are those of the test side: other photos behind them, other typefaces, layouts of their own.
    """
    kept = bench.rows(GENERATED, held_out=True)
    named = np.array([corpus.utility_kind(bench.sets[GENERATED][row]) or "" for row in kept])
    rows = load_joint(bench).standardise(torch.from_numpy(bench.features(GENERATED)[kept]))
    above = made.head(rows).sigmoid().numpy() > made.thresholds
    return {
        kind: {
            "pictures": int((named == kind).sum()),
            "recall": round(float(above[named == kind, column].mean()), 3),
            "of ordinary ones": round(float(above[named == "", column].mean()), 4),
        }
        for column, kind in enumerate(made.kinds)
        if (named == kind).any()
    }
